"""SEED (Fang et al., 2021): a student places an image among the teacher's embeddings of earlier images as the teacher does."""

from dogo_tf.distill import _scheme
from dogo_tf.numerics.similarity import cosine_matrix, unit_rows
from dogo_tf.objectives._embedding_queue import EmbeddingQueue
from dogo_tf.objectives._heads import mlp
from dogo_tf.platform.keras_compat import tf

QUEUE_SIZE = 4096  # published for ImageNet: 65,536
TEACHER_TEMPERATURE = 0.01


def seed(student, teacher, queue, temperature: float = 0.2, teacher_temperature: float = TEACHER_TEMPERATURE):
    """KL(P_teacher || P_student) over [own teacher embedding, queue], per image, in nats (SEED, equations 3 to 5).

    P = softmax_j(cos(x, d_j) / temperature), where the d are the teacher's embeddings of this very image and of those in the
    queue. SEED's cross-entropy is this plus the entropy of P_teacher, which does not depend on the student.

    Args:
        student: [B, D]. teacher: [B, D] of the same images, queue: [K, D] of earlier ones; no gradient reaches these.
    Returns:
        [B], each >= 0. Half precision is promoted to float32.
    """
    student = unit_rows(student)
    teacher, queue = (tf.cast(tf.stop_gradient(unit_rows(x)), student.dtype) for x in (teacher, queue))

    def log_distribution(x, temperature):
        own = tf.reduce_sum(x * teacher, axis=-1, keepdims=True)
        return tf.nn.log_softmax(tf.concat([own, cosine_matrix(x, queue)], axis=-1) / temperature)

    log_student, log_teacher = log_distribution(student, temperature), log_distribution(teacher, teacher_temperature)
    return tf.reduce_sum(tf.exp(log_teacher) * (log_teacher - log_student), axis=-1)


class Scheme(_scheme.Scheme):
    """SEED with a head of one hidden layer from the student's h to the width of what the teacher gives.

    View a is compared with view a, b with b: SEED shows both the same view, DoGo(..., views="shared").
    """

    TEMPERATURE = 0.2

    def __init__(self, edge, networks, temperature=None):
        super().__init__(edge, networks, temperature)
        student, teacher = networks[self.student], networks[self.teacher]
        self.head = mlp("seed_head", student.width_h, (512, teacher.width_z), norm_last=False)
        self.queue = EmbeddingQueue(QUEUE_SIZE, teacher.width_z)

    def loss(self, student, teacher, training):
        losses = [
            seed(self.head(ours.h, training=training), theirs.z, self.queue.rows, self.temperature)
            for ours, theirs in ((student.a, teacher.a), (student.b, teacher.b))
        ]
        return tf.add_n(losses) / 2

    def after_step(self, student, teacher):
        self.queue.push_both(teacher.a.z, teacher.b.z)
