"""A learner: an encoder and the head that it gets classes by."""

import zlib

import numpy as np

from dogo_tf import class_head
from dogo_tf.class_head import ClassHead
from dogo_tf.errors import InputError
from dogo_tf.evaluate.fine_tune import check_trainable
from dogo_tf.evaluate.linear import standardisation
from dogo_tf.evaluate.sources import image_side
from dogo_tf.peer import average_name
from dogo_tf.platform.keras_compat import keras, stable_dtype
from dogo_tf.step.weight_average import WeightAverage


class Standardise(keras.layers.Layer):
    """features -> (features - mean) * scale; both are set once and stay. The head learns equally fast in every direction."""

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": stable_dtype(), **kwargs})

    def build(self, input_shape):
        once = {"shape": input_shape[-1:], "trainable": False}
        self.mean = self.add_weight("mean", initializer="zeros", **once)
        self.scale = self.add_weight("scale", initializer="ones", **once)
        super().build(input_shape)

    def call(self, features):
        return (features - self.mean) * self.scale


class Learner(keras.Model):
    """images [B, H, W, 3] in 0..255 -> logits [B, C].

    Attributes:
        encoder: as given; it is trained itself, no copy. network: images -> logits, of the same layers.
        average: the running average of the network's weights (WeightAverage), or None.
        class_names: C names.
    """

    def __init__(self, encoder: keras.Model, class_names, name: str | None = None, ema: float | None = None):
        """
        Args:
            encoder: functional or sequential, images -> features [B, d]; of a classifier, which has a head, its encoder.
            class_names: of all classes, in the order of their numbers.
            name: the encoder's, if not given.
            ema: also keep the running average of the weights with this decay.
        Raises:
            InputError: an encoder without weights to train, or fewer than two classes.
        """
        check_trainable(encoder)
        encoder = class_head.parts(encoder).encoder
        super().__init__(name=name or encoder.name)
        self.image_size = image_side(encoder)
        self.class_names = check_class_names(class_names)
        self.encoder = encoder
        self.encoder.trainable = True
        head = ClassHead(self.class_names, name="logits")
        logits = head(Standardise(name="standardise")(encoder.outputs[0]))
        self.network = keras.Model(encoder.inputs, logits, name=self.name)
        self.average = None if ema is None else WeightAverage(self.network, ema)
        self.built = True

    @property
    def encoders(self) -> dict[str, keras.Model]:
        """What can be deployed, by the name of its file: the classifier, and `<name>_ema`, its average, if there is one."""
        averages = {} if self.average is None else {average_name(self.name): _deployable(self.average.encoder)}
        return {self.name: _deployable(self.network), **averages}

    @property
    def stream(self) -> int:
        """As Peer.stream."""
        return zlib.crc32(self.name.encode())

    def call(self, images, training=False):
        return self.network(images, training=training)

    def start_head(self, features, classifier=None) -> None:
        """Standardises by these features of the encoder, [N, d]; the head begins as `classifier`, or at zero.

        classifier: a LinearClassifier of the same features.
        """
        mean, scale = standardisation(np.asarray(features))
        networks = [self.network] if self.average is None else [self.network, self.average.encoder]
        for network in networks:
            network.get_layer("standardise").set_weights([mean, scale])
            if classifier is not None:
                # What is constant has no scale, and a classifier of it no weight.
                inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
                weights = inverse[:, np.newaxis] * classifier.weights
                network.get_layer("logits").set_weights([weights, classifier.bias + mean @ classifier.weights])

    def after_step(self) -> None:
        if self.average is not None:
            self.average.follow()


def check_class_names(class_names) -> tuple[str, ...]:
    """InputError unless there are two classes or more, with different names."""
    names = tuple(str(name) for name in class_names)
    if len(names) < 2 or len(set(names)) < len(names):
        raise InputError(f"classes: expected at least two, with different names; got {', '.join(names) or 'none'}")
    return names


def _deployable(network: keras.Model) -> keras.Model:
    """The classifier, with the standardisation folded into its head."""
    mean, scale = network.get_layer("standardise").get_weights()
    weights, bias = network.get_layer("logits").get_weights()
    weights = scale[:, np.newaxis] * weights
    encoder = keras.Model(network.inputs, network.get_layer("standardise").input)
    return class_head.with_head(
        encoder, weights, bias - mean @ weights, network.get_layer("logits").class_names, network.name
    )
