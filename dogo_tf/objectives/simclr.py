"""SimCLR (Chen et al., 2020): tell the other view of an image from all other images of the batch."""

import math

from dogo_tf.distribution import collectives
from dogo_tf.numerics.similarity import cosine_matrix, per_anchor, unit_rows
from dogo_tf.objectives import _objective
from dogo_tf.objectives._heads import mlp
from dogo_tf.platform.keras_compat import tf

# The DoGo authors' is 0.5; small encoders gain by a lower one (results/trials_recipe.json).
TEMPERATURE = 0.2


def nt_xent(z_a, z_b, temperature: float = TEMPERATURE):
    """NT-Xent (SimCLR, equation 1), per anchor, in nats.

    Every row of both views is an anchor: its positive is the same image's other view, its negatives are all other rows of
    both views over all replicas; logits are cosines / temperature and an anchor never meets itself.

    Args:
        z_a, z_b: [B, D] projections of views a and b; they need not be normalised. Half precision is promoted to float32.
        temperature: > 0.
    Returns:
        [2B]: the losses of the B anchors of view a, then of view b. The objective is their mean.
    """
    z_a, z_b = unit_rows(z_a), unit_rows(z_b)
    both = collectives.gather(tf.stack([z_a, z_b], axis=1))
    columns = tf.concat([both[:, 0], both[:, 1]], axis=0)
    images = tf.shape(both)[0]
    image = collectives.row_offset(z_a) + tf.range(tf.shape(z_a)[0])

    def losses(of_block, columns):
        anchors, own, positive = of_block
        return _anchor_losses(anchors, columns, own, positive, temperature)

    losses_a = per_anchor(losses, (z_a, image, image + images), columns)
    losses_b = per_anchor(losses, (z_b, image + images, image), columns)
    return tf.concat([losses_a, losses_b], axis=0)


def local_nt_xent(local, z_a, z_b, temperature: float = TEMPERATURE):
    """NT-Xent of local views, per anchor, in nats: tell both global views of the same image from those of all others.

    A local view has each of its two positives in turn; the other one is no negative meanwhile, so that there are 2B - 1 logits
    as in `nt_xent`. Local views are anchors only: they are nobody's positive or negative.

    Args:
        local: [N * B, D] projections of N local views, one view after the other. z_a, z_b: [B, D] of the global ones.
        temperature: > 0.
    Returns:
        [2 * N * B]: the losses with the positive in view a, then in b.
    """
    count = tf.shape(local)[0] // tf.shape(z_a)[0]
    both = collectives.gather(tf.stack([unit_rows(z_a), unit_rows(z_b)], axis=1))
    columns = tf.concat([both[:, 0], both[:, 1]], axis=0)
    images = tf.shape(both)[0]
    image = tf.tile(collectives.row_offset(z_a) + tf.range(tf.shape(z_a)[0]), [count])
    anchors = unit_rows(local)

    def losses(of_block, columns):
        anchors, left_out, positive = of_block
        return _anchor_losses(anchors, columns, left_out, positive, temperature)

    with_a = per_anchor(losses, (anchors, image + images, image), columns)
    with_b = per_anchor(losses, (anchors, image, image + images), columns)
    return tf.concat([with_a, with_b], axis=0)


def _anchor_losses(anchors, columns, left_out, positive, temperature):
    """Cross-entropy of each anchor's positive column against all columns but the one that is left out."""
    logits = cosine_matrix(anchors / temperature, columns)
    # Added, not selected: the gradient then needs no mask of the size of the logits.
    logits += tf.one_hot(left_out, tf.shape(columns)[0], on_value=logits.dtype.min, off_value=0, dtype=logits.dtype)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=positive, logits=logits)


class Objective(_objective.Objective):
    """SimCLR with the heads of the DoGo authors: d_h -> 512 (batch norm, ReLU) -> 128.

    Their temperature is 0.5.
    """

    def __init__(self, temperature: float = TEMPERATURE, widths: tuple[int, ...] = (512, 128)):
        self.temperature = temperature
        self.widths = widths

    def projector(self, d_h: int):
        return mlp("projector", d_h, self.widths, norm_last=False)

    def loss(self, both):
        return nt_xent(both.a.z, both.b.z, self.temperature)

    def local_loss(self, both):
        local = tf.concat([view.z for view in both.local], axis=0)
        return local_nt_xent(local, both.a.z, both.b.z, self.temperature)

    def chance_loss(self, batch_size: int) -> float:
        """log(2B - 1): all logits of equation 1 are the same, and an anchor has 2B - 1 of them."""
        return math.log(2 * batch_size - 1)

    def perfect_loss(self, batch_size: int) -> float:
        """log(1 + N exp(-1 / T)), N = 2B - 2: all other rows have a cosine of 0."""
        others = 2 * batch_size - 2
        return math.log1p(others * math.exp(-1 / self.temperature))
