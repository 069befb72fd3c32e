"""VICReg (Bardes et al., 2022): invariance between the views, variance in every feature, no covariance between features."""

import math

from dogo_tf import views
from dogo_tf.distribution import collectives
from dogo_tf.numerics.similarity import at_least_float32, off_diagonal_squares
from dogo_tf.objectives import _objective
from dogo_tf.objectives._heads import mlp
from dogo_tf.platform.keras_compat import tf

EPSILON = 1e-4  # under the root of the variance, as published


def invariance(z_a, z_b):
    """Mean squared difference of the views (equation 5, but the mean over features, as in algorithm 1), [B]."""
    return tf.reduce_mean((at_least_float32(z_a) - at_least_float32(z_b)) ** 2, axis=-1)


def variance(z):
    """mean_j max(0, 1 - sqrt(Var(z_j) + epsilon)) over the features of z [B, D] (equations 1 and 2), scalar in 0..1."""
    centred = _centred(z)
    deviations = tf.sqrt(tf.reduce_sum(centred**2, axis=0) / _degrees_of_freedom(centred) + EPSILON)
    return tf.reduce_mean(tf.nn.relu(1 - deviations))


def covariance(z):
    """1/D sum_{i != j} Cov(z_i, z_j)^2 over the features of z [B, D] (equations 3 and 4), scalar >= 0."""
    centred = _centred(z)
    c = tf.matmul(centred, centred, transpose_a=True) / _degrees_of_freedom(centred)
    return off_diagonal_squares(c) / tf.cast(tf.shape(c)[0], c.dtype)


def _centred(z):
    z = collectives.gather(at_least_float32(z))
    return z - tf.reduce_mean(z, axis=0)


def _degrees_of_freedom(z):
    return tf.cast(tf.shape(z)[0] - 1, z.dtype)


class Objective(_objective.Objective):
    """VICReg (equation 6) with a projector of three layers of 2048, published 8192, as peers are small.

    The published coefficients 25, 25 and 1 are divided by 25: only their ratios matter to an adaptive optimiser, and the
    loss keeps the order of magnitude of the others'.
    """

    view_recipe = views.BYOL

    def __init__(
        self,
        invariance: float = 1.0,
        variance: float = 1.0,
        covariance: float = 1 / 25,
        widths: tuple[int, ...] = (2048, 2048, 2048),
    ):
        self.invariance = invariance
        self.variance = variance
        self.covariance = covariance
        self.widths = widths

    def projector(self, d_h: int):
        # The loss knows nothing of the mean of a feature, so an optimiser would let a bias drift.
        return mlp("projector", d_h, self.widths, norm_last=False, bias_last=False)

    def loss(self, both):
        return self.pair_loss(both.a, both.b, both.queue)

    def pair_loss(self, local, glob, queue):
        a, b = local.z, glob.z
        of_batch = self.variance * (variance(a) + variance(b)) + self.covariance * (covariance(a) + covariance(b))
        return self.invariance * invariance(a, b) + of_batch

    def chance_loss(self, batch_size: int) -> float:
        """2 variance (1 - sqrt(epsilon)): the hinge of both views (equation 1); invariance and covariance are 0."""
        return 2 * self.variance * (1 - math.sqrt(EPSILON))
