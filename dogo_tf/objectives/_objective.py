"""What every objective has; the defaults are those of one that is all in its loss."""

import math

from dogo_tf import views
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import tf


class Objective:
    """What one peer minimises on its own. It has no state but its settings: target and queue live in the peer.

    Attributes:
        has_predictor: whether p differs from z.
        has_target: whether the peer keeps a target network, whose embeddings the loss finds as `target`.
        queue_size: how many targets of earlier steps the loss finds as `queue`; 0: none. It takes a target.
        view_recipe: the augmentation of its authors (a dogo_tf.views.ViewRecipe).
    """

    has_predictor = False
    has_target = False
    queue_size = 0
    view_recipe = views.SIMCLR

    def projector(self, d_h: int):
        """keras.Model [B, d_h] -> z [B, d_z]."""
        raise NotImplementedError

    def predictor(self, d_z: int):
        """keras.Model [B, d_z] -> p [B, d_z], or None."""
        return None

    def target_momentum(self, progress):
        """How slowly the target follows, 0..1, at this share 0..1 of the training; needed with a target only."""
        raise NotImplementedError

    def loss(self, both):
        """ViewEmbeddings -> losses per anchor [n], or one of the batch []; their mean is the peer's loss.

        Each is of the order of 1, so that the same weight of distillation means the same for every objective.
        """
        raise NotImplementedError

    def local_loss(self, both):
        """ViewEmbeddings -> losses of the local views [n], or one number []: every one against both global views.

        They come on top of `loss`; by default the mean of `pair_loss` over all pairs of a local and a global view.
        """
        pairs = [self.pair_loss(local, glob, both.queue) for local in both.local for glob in (both.a, both.b)]
        return tf.add_n([tf.reduce_mean(losses) for losses in pairs]) / len(pairs)

    def pair_loss(self, local, glob, queue):
        """What a local view has to learn from a global one: losses per image [b], or one of the batch [].

        Args:
            local, glob: Embeddings of the same images. queue: as of ViewEmbeddings.
        """
        raise InputError(
            f"local_views: the objective {type(self).__name__} does not define pair_loss or local_loss, which they take; "
            "expected 0 for this peer"
        )

    def mean_loss(self, both):
        """The peer's loss, scalar: the mean over all pairs of a global view and another view of the same image.

        Each local view has as many pairs as both global views with each other, two (as in SwAV and DINO, equation 3).
        """
        loss = tf.reduce_mean(self.loss(both))
        if not both.local:
            return loss
        return (loss + len(both.local) * tf.reduce_mean(self.local_loss(both))) / (1 + len(both.local))

    def chance_loss(self, batch_size: int) -> float | None:
        """The loss when z and p are the same for every image; None where that is its minimum, so that it tells nothing.

        With it a run is warned that its loss stays there, and stopped if its embeddings are collapsed besides. An objective
        that does not define it goes without.

        Args:
            batch_size: images of the whole batch, over all replicas.
        """
        return None

    def perfect_loss(self, batch_size: int) -> float:
        """The loss when both views of an image agree and no two images are alike: what the best training comes close to."""
        return 0.0


def cosine_momentum(start: float, progress):
    """From `start` to 1 along half a cosine, as progress goes from 0 to 1 (BYOL, implementation details)."""
    return 1 - (1 - start) * (tf.cos(math.pi * progress) + 1) / 2
