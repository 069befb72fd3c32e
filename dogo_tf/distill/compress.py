"""After CompRess (Koohpayegani et al., 2020): each network compares an image with anchors in its own space, both alike."""

from dogo_tf.distill import _scheme
from dogo_tf.numerics.similarity import cosine_matrix, unit_rows
from dogo_tf.objectives._embedding_queue import EmbeddingQueue
from dogo_tf.platform.keras_compat import tf

ANCHORS = 4096  # published for ImageNet: 128,000


def anchor_kl(student, teacher, student_anchors, teacher_anchors, temperature: float = 0.04):
    """KL(P_teacher || P_student), P = softmax_j(cos(x, anchor_j) / temperature), per image, in nats.

    Row j of both anchors is the same image, in the space of its network, so that the widths may differ.

    Args:
        student: [B, D_s]. teacher: [B, D_t]. student_anchors: [K, D_s]. teacher_anchors: [K, D_t]. Only `student` gets a
            gradient.
    Returns:
        [B], each >= 0. Half precision is promoted to float32.
    """

    def log_distribution(x, anchors):
        anchors = tf.cast(tf.stop_gradient(unit_rows(anchors)), x.dtype)
        return tf.nn.log_softmax(cosine_matrix(x, anchors) / temperature)

    student, teacher = unit_rows(student), tf.stop_gradient(unit_rows(teacher))
    log_student = log_distribution(student, student_anchors)
    log_teacher = tf.cast(log_distribution(teacher, teacher_anchors), log_student.dtype)
    return tf.reduce_sum(tf.exp(log_teacher) * (log_teacher - log_student), axis=-1)


class Scheme(_scheme.Scheme):
    """CompRess with two queues of h as anchors. The student's come from its own earlier steps, not from a momentum encoder."""

    TEMPERATURE = 0.04

    def __init__(self, edge, networks, temperature=None):
        super().__init__(edge, networks, temperature)
        student, teacher = networks[self.student], networks[self.teacher]
        self.student_anchors = EmbeddingQueue(ANCHORS, student.width_h, name="student_anchors")
        self.teacher_anchors = EmbeddingQueue(ANCHORS, teacher.width_h, name="teacher_anchors")

    def loss(self, student, teacher, training):
        anchors = self.student_anchors.rows, self.teacher_anchors.rows
        losses = [
            anchor_kl(ours.h, theirs.h, *anchors, self.temperature)
            for ours, theirs in ((student.a, teacher.a), (student.b, teacher.b))
        ]
        return tf.add_n(losses) / 2

    def after_step(self, student, teacher):
        self.student_anchors.push_both(student.a.h, student.b.h)
        self.teacher_anchors.push_both(teacher.a.h, teacher.b.h)
