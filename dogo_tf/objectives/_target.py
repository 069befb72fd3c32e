"""The target network of BYOL and MoCo: a copy that does not learn, but follows the one that does."""

from dogo_tf.objectives._copies import copy_of
from dogo_tf.platform.keras_compat import keras, tf


class Target(keras.layers.Layer):
    """A copy of models that are called one after the other; its weights w' follow theirs, w.

        w' = momentum * w' + (1 - momentum) * w    (BYOL, equation 1; MoCo, equation 2)

    Its batch normalisation takes statistics of its own, of the same batches.
    """

    def __init__(self, *models: keras.Model):
        """Raises InputError for a subclassed model, which Keras cannot copy."""
        super().__init__(name="target", autocast=False)  # encoders normalise pixels before they round them
        self.copies = [copy_of(model, "an objective with a target network") for model in models]
        # In pairs, and untracked: the originals are not a part of the copy.
        pairs = zip(self.copies, models, strict=True)
        self._pairs = tuple(
            (ours, theirs)
            for copy, model in pairs
            for ours, theirs in zip(copy.trainable_weights, model.trainable_weights, strict=True)
        )
        self.built = True

    def call(self, x, training=False):
        """What the copies make of x, without gradient."""
        for copy in self.copies:
            x = copy(x, training=training)
        return tf.stop_gradient(x)

    def follow(self, momentum) -> None:
        """One step behind the originals. momentum: 0..1."""
        for ours, theirs in self._pairs:
            share = tf.cast(momentum, ours.dtype)
            ours.assign(share * ours + (1 - share) * theirs)

    # The copies stay trainable for Keras, which would otherwise run their batch normalisation in inference mode.
    @property
    def trainable_weights(self):
        return []

    @property
    def non_trainable_weights(self):
        return [weight for copy in self.copies for weight in copy.weights]
