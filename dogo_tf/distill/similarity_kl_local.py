"""DoGo's distillation for students with local views: a small crop is to be as similar to all images as the whole one is."""

from dogo_tf.distill import similarity_kl as whole_views
from dogo_tf.distill.similarity_kl import similarity_kl
from dogo_tf.platform.keras_compat import tf


class Scheme(whole_views.Scheme):
    """The mean of similarity_kl and, for each local view v of the student, of

        1/2 (KL(P_teacher(a, b) || P_student(v, b)) + KL(P_teacher(b, a) || P_student(v, a))),

    P(x, y) = softmax_j(cos(x_i, y_j) / temperature): the teacher does not see v, and says what the whole view is similar to.
    For a student without local views it is similarity_kl.
    """

    def loss(self, student, teacher, training):
        a, b, teacher_a, teacher_b = self.compared(student, teacher)
        losses = [similarity_kl(a, b, teacher_a, teacher_b, self.temperature)]
        for view in student.local:
            with_b = similarity_kl(view.p, b, teacher_a, teacher_b, self.temperature)
            with_a = similarity_kl(view.p, a, teacher_b, teacher_a, self.temperature)
            losses.append((with_a + with_b) / 2)
        return tf.add_n(losses) / len(losses)
