"""What every scheme of distillation has."""

from dogo_tf.distill import graph
from dogo_tf.platform.keras_compat import keras, tf


class Scheme(keras.layers.Layer):
    """A term: how one student learns from one teacher, with whatever that needs besides the two (a head, a queue).

    Attributes:
        student, teacher: their positions among all networks of the model, peers first.
        temperature: the one given, or the published one of the scheme.
    """

    TEMPERATURE = None  # the published one; None for a scheme without

    def __init__(self, edge: graph.Edge, networks, temperature: float | None = None):
        """networks: the Peers and FrozenTeachers of the model; an edge names two of them."""
        super().__init__(name=f"{edge.scheme}_{edge.student}_from_{edge.teacher}")
        names = [network.name for network in networks]
        self.student, self.teacher = names.index(edge.student), names.index(edge.teacher)
        self.weight, self.warmup = edge.weight, edge.warmup
        self.temperature = self.TEMPERATURE if temperature is None else temperature
        self.both_predict = all(networks[k].has_predictor for k in (self.student, self.teacher))
        self.built = True

    def loss(self, student, teacher, training: bool):
        """ViewEmbeddings of both -> [b], per image of this replica; no gradient reaches the teacher."""
        raise NotImplementedError

    def after_step(self, student, teacher) -> None:
        """What is due after a training step; ViewEmbeddings of both."""

    def weight_at(self, examples_seen):
        """The weight of the loss at this point of the training: it rises linearly over the warm-up."""
        if self.warmup == 0:
            return self.weight
        return self.weight * tf.minimum(tf.cast(examples_seen, tf.float32) / self.warmup, 1.0)

    def compared(self, student, teacher):
        """student_a, student_b, teacher_a, teacher_b: see graph.compared."""
        return graph.compared(student, teacher, self.both_predict)
