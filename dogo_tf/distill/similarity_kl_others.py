"""DoGo's distillation among the other images of the batch, for teachers that have one embedding for both views."""

from dogo_tf.distill import similarity_kl as with_positives
from dogo_tf.distill.similarity_kl import similarity_kl


class Scheme(with_positives.Scheme):
    """similarity_kl without positives.

    A cached teacher says of each image that it is like itself, and with well separated features hardly anything else: the
    softmax leaves little for what the student is to learn, which other images are similar.
    """

    def loss(self, student, teacher, training):
        return similarity_kl(*self.compared(student, teacher), temperature=self.temperature, positives=False)
