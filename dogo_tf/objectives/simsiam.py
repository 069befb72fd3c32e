"""SimSiam (Chen and He, 2021): predict one view's projection from the other's, without negatives."""

from dogo_tf import views
from dogo_tf.numerics.similarity import at_least_float32, unit_rows
from dogo_tf.objectives import _objective
from dogo_tf.objectives._heads import mlp
from dogo_tf.platform.keras_compat import tf


def negative_cosine(p_a, z_b):
    """D(p, stop_gradient(z)) = -cos(p, z) (SimSiam, equations 1 and 3), per image.

    Args:
        p_a: [B, D] predictor outputs of one view. Rows of length 1 are taken as they are, so that the gradient with respect
            to them is the authors' -z; others are divided by their length first.
        z_b: [B, D] projections of the other view; no gradient reaches them.
    Returns:
        [B], each in -1..1. Half precision is promoted to float32.
    """
    p_a = at_least_float32(p_a)
    is_unit = tf.abs(tf.reduce_sum(p_a**2, axis=-1, keepdims=True) - 1) < 1e-5
    p_a = tf.where(is_unit, p_a, unit_rows(p_a))
    return -tf.reduce_sum(p_a * tf.stop_gradient(unit_rows(z_b)), axis=-1)


class Objective(_objective.Objective):
    """SimSiam as published: projector 2048-2048-2048, predictor 512-2048.

    It has no `chance_loss`: outputs that are the same for every image have the smallest loss there is, -1.
    """

    has_predictor = True
    view_recipe = views.SIMSIAM

    def __init__(self, projector_widths: tuple[int, ...] = (2048, 2048, 2048), predictor_width: int = 512):
        self.projector_widths = projector_widths
        self.predictor_width = predictor_width

    def projector(self, d_h: int):
        return mlp("projector", d_h, self.projector_widths, norm_last=True)

    def predictor(self, d_z: int):
        return mlp("predictor", d_z, (self.predictor_width, d_z), norm_last=False)

    def loss(self, both):
        a, b = both.a, both.b
        return (negative_cosine(unit_rows(a.p), b.z) + negative_cosine(unit_rows(b.p), a.z)) / 2

    def pair_loss(self, local, glob, queue):
        return negative_cosine(unit_rows(local.p), glob.z)
