"""MoCo v2 (He et al., 2020; Chen et al., 2020): tell the other view of an image from the images of many earlier steps."""

import math

from dogo_tf import views
from dogo_tf.numerics.similarity import cosine_matrix, unit_rows
from dogo_tf.objectives import _objective
from dogo_tf.objectives._heads import mlp
from dogo_tf.platform.keras_compat import tf


def info_nce(query, key, queue, temperature: float = 0.2):
    """-log softmax of the key's logit among those of key and queue (MoCo, equation 1), per query, in nats.

    Args:
        query: [B, D] projections of one view.
        key: [B, D] the target's projections of the other view; no gradient reaches them.
        queue: [K, D] keys of earlier steps, the negatives of every query; no gradient reaches them.
        temperature: > 0. Logits are cosines / temperature.
    Returns:
        [B]. Half precision is promoted to float32.
    """
    query, key, queue = unit_rows(query), tf.stop_gradient(unit_rows(key)), tf.stop_gradient(unit_rows(queue))
    key, queue = tf.cast(key, query.dtype), tf.cast(queue, query.dtype)
    positive = tf.reduce_sum(query * key, axis=-1, keepdims=True)
    logits = tf.concat([positive, cosine_matrix(query, queue)], axis=-1) / temperature
    return -tf.nn.log_softmax(logits)[:, 0]


class Objective(_objective.Objective):
    """MoCo v2 in its symmetric form: each view asks once, and the targets of both join the queue.

    Published for ImageNet are a queue of 65,536 and a momentum of 0.999; 4096 and 0.99 are those of the authors' demonstration
    on CIFAR-10, which also has the symmetric form. The head is SimCLR's, 512 wide with batch normalisation; v2's is 2048 wide
    without. Keys are not shuffled over devices (MoCo, section 3.3), as statistics are taken over all of them; still a query and
    its key have the images behind their statistics in common, which those in the queue do not. Its cost was not measured.
    """

    has_target = True
    view_recipe = views.MOCO

    def __init__(
        self,
        temperature: float = 0.2,
        momentum: float = 0.99,
        queue_size: int = 4096,
        widths: tuple[int, ...] = (512, 128),
    ):
        self.temperature = temperature
        self.momentum = momentum
        self.queue_size = queue_size
        self.widths = widths

    def projector(self, d_h: int):
        return mlp("projector", d_h, self.widths, norm_last=False)

    def target_momentum(self, progress):
        return self.momentum

    def loss(self, both):
        a, b = both.a, both.b
        return (self.pair_loss(a, b, both.queue) + self.pair_loss(b, a, both.queue)) / 2

    def pair_loss(self, local, glob, queue):
        return info_nce(local.z, glob.target, queue, self.temperature)

    def chance_loss(self, batch_size: int) -> float:
        """log(K + 1): all logits of equation 1 are the same, those of the key and of a queue of K."""
        return math.log(self.queue_size + 1)

    def perfect_loss(self, batch_size: int) -> float:
        """log(1 + K exp(-1 / T)): the key has a cosine of 1, all in the queue 0."""
        return math.log1p(self.queue_size * math.exp(-1 / self.temperature))
