"""DoGo's distillation (Bhat et al., 2021): a student imitates which images its teacher finds similar."""

from dogo_tf import collectives
from dogo_tf.distill import _scheme
from dogo_tf.keras_compat import tf
from dogo_tf.numerics import cosine_matrix, unit_rows


def _similarities(a, b):
    """cos(a_i, b_j): this replica's rows of view a against view b of all replicas, positives kept."""
    return cosine_matrix(unit_rows(a), collectives.gather(unit_rows(b)))


def similarity_kl(student_a, student_b, teacher_a, teacher_b, temperature: float = 0.1):
    """KL(stop_gradient(P_teacher) || P_student), P = softmax_j(cos(a_i, b_j) / temperature), per anchor, in nats.

    No factor temperature**2, and no gradient into the teacher.

    Args:
        student_a, student_b, teacher_a, teacher_b: [B, D] embeddings of views a and b; student and teacher may differ in D.
            Half precision is promoted to float32.
        temperature: > 0.
    Returns:
        [B], each >= 0.
    """
    log_student = tf.nn.log_softmax(_similarities(student_a, student_b) / temperature)
    teacher = _similarities(tf.stop_gradient(teacher_a), tf.stop_gradient(teacher_b))
    log_teacher = tf.nn.log_softmax(tf.cast(teacher, log_student.dtype) / temperature)
    return tf.reduce_sum(tf.exp(log_teacher) * (log_teacher - log_student), axis=-1)


def agreement_at_1(student_a, student_b, teacher_a, teacher_b):
    """Share of anchors, 0..1, for which both peers name the same most similar image of the batch: a metric, no gradient."""
    nearest_student = tf.argmax(_similarities(student_a, student_b), axis=-1)
    nearest_teacher = tf.argmax(_similarities(teacher_a, teacher_b), axis=-1)
    return tf.reduce_mean(tf.cast(nearest_student == nearest_teacher, tf.float32))


class Scheme(_scheme.Scheme):
    """DoGo: the student's similarities among the images of the batch become the teacher's."""

    TEMPERATURE = 0.1

    def loss(self, student, teacher, training):
        return similarity_kl(*self.compared(student, teacher), temperature=self.temperature)
