"""DoGo's distillation (Bhat et al., 2021): a student imitates which images its teacher finds similar."""

from dogo_tf.distill import _scheme
from dogo_tf.distribution import collectives
from dogo_tf.numerics.similarity import cosine_matrix, per_anchor, unit_rows
from dogo_tf.platform.keras_compat import tf


def similarity_kl(student_a, student_b, teacher_a, teacher_b, temperature: float = 0.1, positives: bool = True):
    """KL(stop_gradient(P_teacher) || P_student), P = softmax_j(cos(a_i, b_j) / temperature), per anchor, in nats.

    Rows of view a on this replica meet those of view b on all replicas. No factor temperature**2, and no gradient into the
    teacher.

    Args:
        student_a, student_b, teacher_a, teacher_b: [B, D] embeddings of views a and b; student and teacher may differ in D.
            Half precision is promoted to float32.
        temperature: > 0.
        positives: whether an anchor also meets its own image, as in the paper.
    Returns:
        [B], each >= 0.
    """

    def divergence(of_block, columns):
        *anchors, image = of_block
        student, teacher = (cosine_matrix(a, b) / temperature for a, b in zip(anchors, columns, strict=True))
        teacher = tf.cast(teacher, student.dtype)
        if not positives:
            left_out = tf.one_hot(image, tf.shape(student)[1], student.dtype.min, 0, dtype=student.dtype)
            student, teacher = student + left_out, teacher + left_out
        log_student, log_teacher = tf.nn.log_softmax(student), tf.nn.log_softmax(teacher)
        return tf.reduce_sum(tf.exp(log_teacher) * (log_teacher - log_student), axis=-1)

    teacher_a, teacher_b = tf.stop_gradient(teacher_a), tf.stop_gradient(teacher_b)
    image = collectives.row_offset(student_a) + tf.range(tf.shape(student_a)[0])
    return per_anchor(divergence, (*_unit_rows(student_a, teacher_a), image), _gathered(student_b, teacher_b))


def agreement_at_1(student_a, student_b, teacher_a, teacher_b):
    """Share of anchors, 0..1, for which both peers name the same most similar image of the batch: a metric, no gradient."""

    def agree(anchors, columns):
        nearest_student, nearest_teacher = (
            tf.argmax(cosine_matrix(a, b), axis=-1) for a, b in zip(anchors, columns, strict=True)
        )
        return tf.cast(nearest_student == nearest_teacher, anchors[0].dtype)

    agreed = per_anchor(agree, _unit_rows(student_a, teacher_a), _gathered(student_b, teacher_b))
    return tf.reduce_mean(tf.cast(agreed, tf.float32))


def _unit_rows(student, teacher):
    return unit_rows(student), unit_rows(teacher)


def _gathered(student, teacher):
    """Of all replicas, in replica order."""
    return tuple(collectives.gather(rows) for rows in _unit_rows(student, teacher))


class Scheme(_scheme.Scheme):
    """DoGo: the student's similarities among the images of the batch become the teacher's."""

    TEMPERATURE = 0.1

    def loss(self, student, teacher, training):
        return similarity_kl(*self.compared(student, teacher), temperature=self.temperature)
