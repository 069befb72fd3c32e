"""What every objective has; the defaults are those of one that is all in its loss."""

import math

from dogo_tf import views
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
