"""Barlow Twins (Zbontar et al., 2021): both views agree in every feature, and no two features say the same."""

from dogo_tf import views
from dogo_tf.distribution import collectives
from dogo_tf.numerics.similarity import at_least_float32, off_diagonal_squares
from dogo_tf.objectives import _objective
from dogo_tf.objectives._heads import mlp
from dogo_tf.platform.keras_compat import tf

EPSILON = 1e-5  # of the batch variance, as in batch normalisation


def cross_correlation(z_a, z_b):
    """C[i, j]: the correlation of feature i of view a with feature j of view b over the batch (equation 2), [D, D].

    A feature that is the same for all images correlates with none: 0.
    """
    z_a, z_b = (_standardised(collectives.gather(at_least_float32(z))) for z in (z_a, z_b))
    return tf.matmul(z_a, z_b, transpose_a=True) / tf.cast(tf.shape(z_a)[0], z_a.dtype)


def _standardised(z):
    mean, variance = tf.nn.moments(z, axes=[0])
    return (z - mean) * tf.math.rsqrt(variance + EPSILON)


def redundancy(z_a, z_b, off_diagonal: float = 5e-3):
    """1/D (sum_i (1 - C_ii)^2 + off_diagonal * sum_{i != j} C_ij^2) (equation 1, but the mean over features).

    Args:
        z_a, z_b: [B, D] projections of both views; they are standardised over the images of all replicas.
        off_diagonal: the paper's lambda, >= 0.
    Returns:
        scalar >= 0: it is a loss of the batch, not of an image. Half precision is promoted to float32.
    """
    c = cross_correlation(z_a, z_b)
    on = tf.reduce_sum((1 - tf.linalg.diag_part(c)) ** 2)
    return (on + off_diagonal * off_diagonal_squares(c)) / tf.cast(tf.shape(c)[0], c.dtype)


class Objective(_objective.Objective):
    """Barlow Twins with a projector of three layers of 2048, published 8192, as peers are small."""

    view_recipe = views.BYOL

    def __init__(self, off_diagonal: float = 5e-3, widths: tuple[int, ...] = (2048, 2048, 2048)):
        self.off_diagonal = off_diagonal
        self.widths = widths

    def projector(self, d_h: int):
        # The loss knows nothing of the mean of a feature, so an optimiser would let a bias drift.
        return mlp("projector", d_h, self.widths, norm_last=False, bias_last=False)

    def loss(self, both):
        return redundancy(both.a.z, both.b.z, self.off_diagonal)

    def pair_loss(self, local, glob, queue):
        return redundancy(local.z, glob.z, self.off_diagonal)

    def chance_loss(self, batch_size: int) -> float:
        """1: a feature that never changes correlates with none, so C = 0, and 1/D sum_i (1 - 0)^2 is left of equation 1."""
        return 1.0
