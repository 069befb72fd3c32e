"""BYOL (Grill et al., 2020): predict what a slowly following target makes of the other view, without negatives."""

from dogo_tf import views
from dogo_tf.numerics.similarity import unit_rows
from dogo_tf.objectives import _objective
from dogo_tf.objectives._heads import mlp
from dogo_tf.objectives.simsiam import negative_cosine


def regression(p_a, target_b):
    """`|p - t|^2` of unit rows p and t = stop_gradient(target): 2 - 2 cos (BYOL, equation 2), per image.

    Args:
        p_a: [B, D] predictor outputs of one view. target_b: [B, D] the target's projections of the other view.
    Returns:
        [B], each in 0..4. Half precision is promoted to float32.
    """
    return 2 + 2 * negative_cosine(unit_rows(p_a), target_b)


class Objective(_objective.Objective):
    """BYOL, with heads of half the published hidden width (4096), as peers are small.

    The target's momentum rises from `momentum` to 1 over the training, along half a cosine. It starts at 0.99, the published
    value for 100 and 300 epochs; for a thousand it is 0.996. The loss is the mean of both directions, in the paper the sum.
    It has no `chance_loss`: outputs that are the same for every image have the smallest loss there is, 0.
    """

    has_predictor = True
    has_target = True
    view_recipe = views.BYOL

    def __init__(self, momentum: float = 0.99, widths: tuple[int, ...] = (2048, 256), predictor_width: int = 2048):
        self.momentum = momentum
        self.widths = widths
        self.predictor_width = predictor_width

    def projector(self, d_h: int):
        return mlp("projector", d_h, self.widths, norm_last=False)

    def predictor(self, d_z: int):
        return mlp("predictor", d_z, (self.predictor_width, d_z), norm_last=False)

    def target_momentum(self, progress):
        return _objective.cosine_momentum(self.momentum, progress)

    def loss(self, both):
        a, b = both.a, both.b
        return (regression(a.p, b.target) + regression(b.p, a.target)) / 2

    def pair_loss(self, local, glob, queue):
        return regression(local.p, glob.target)
