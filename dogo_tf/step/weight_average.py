"""The running average of an encoder's weights over the steps of a training."""

from dogo_tf.objectives._copies import copy_of
from dogo_tf.platform.keras_compat import keras, tf


class WeightAverage(keras.layers.Layer):
    """A copy of an encoder whose weights and batch-norm statistics w' follow the encoder's, w, after every step:

        w' = d w' + (1 - d) w,    d = min(decay, (1 + t) / (10 + t)) at step t = 0, 1, ...

    The smaller d of the first steps lets the average forget where it started (as tf.train.ExponentialMovingAverage does with
    num_updates). The encoder itself trains as without it.

    Attributes:
        encoder: the copy, a keras.Model.
    """

    def __init__(self, encoder: keras.Model, decay: float):
        """decay: 0..1. Raises InputError for a subclassed encoder, which Keras cannot copy."""
        super().__init__(name="average", autocast=False)
        self.copies, self._pairs = [], ()
        self.decay = decay
        self.steps = self.add_weight(
            "steps",
            initializer="zeros",
            trainable=False,
            dtype="int64",
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        self.encoder = self.follow_also(encoder)
        self.built = True

    def follow_also(self, model: keras.Model) -> keras.Model:
        """A copy of this model, which will follow it, too."""
        copy = copy_of(model, "an average of its weights (ema)")
        self.copies.append(copy)
        # Untracked: the original is not a part of the average.
        self._pairs += tuple(zip(copy.weights, model.weights, strict=True))
        return copy

    def follow(self) -> None:
        """After a step of the encoder."""
        steps = tf.cast(self.steps, tf.float64)
        decay = tf.minimum(tf.constant(self.decay, tf.float64), (1 + steps) / (10 + steps))
        for ours, theirs in self._pairs:
            share = tf.cast(decay, ours.dtype)
            ours.assign(share * ours + (1 - share) * theirs)
        self.steps.assign_add(1)

    # As of objectives' targets: not for the optimiser.
    @property
    def trainable_weights(self):
        return []

    @property
    def non_trainable_weights(self):
        return [self.steps, *(weight for copy in self.copies for weight in copy.weights)]
