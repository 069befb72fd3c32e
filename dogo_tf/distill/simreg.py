"""SimReg (Navaneet et al., 2021): a head on the student predicts the teacher's features, and is thrown away afterwards."""

from dogo_tf.distill import _scheme
from dogo_tf.numerics.similarity import unit_rows
from dogo_tf.objectives._heads import mlp
from dogo_tf.platform.keras_compat import tf


def regression(predicted, features):
    """`|p - f|^2` of unit rows p and f = stop_gradient(features), which is 2 - 2 cos, per image.

    Args:
        predicted: [B, D] by the student's head. features: [B, D] of the teacher.
    Returns:
        [B], each in 0..4. Half precision is promoted to float32.
    """
    predicted = unit_rows(predicted)
    features = tf.cast(tf.stop_gradient(unit_rows(features)), predicted.dtype)
    return tf.reduce_sum((predicted - features) ** 2, axis=-1)


class Scheme(_scheme.Scheme):
    """SimReg from h to h, through a perceptron of four layers, d -> 2d -> d -> 2d -> the teacher's width.

    View a is compared with view a, b with b; DoGo(..., views="shared") shows both networks the same.
    """

    def __init__(self, edge, networks, temperature=None):
        super().__init__(edge, networks, temperature)
        d, width = networks[self.student].width_h, networks[self.teacher].width_h
        self.head = mlp("simreg_head", d, (2 * d, d, 2 * d, width), norm_last=False)

    def loss(self, student, teacher, training):
        losses = [
            regression(self.head(ours.h, training=training), theirs.h)
            for ours, theirs in ((student.a, teacher.a), (student.b, teacher.b))
        ]
        return tf.add_n(losses) / 2
