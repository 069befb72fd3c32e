"""The last layer of a classifier, which knows its classes by name: features -> logits.

A classifier is an encoder with this layer on top, in one .keras file. Whoever wants features takes it off.
"""

from typing import NamedTuple

import numpy as np

from dogo_tf.platform.keras_compat import keras, stable_dtype


@keras.utils.register_keras_serializable("dogo_tf")
class ClassHead(keras.layers.Dense):
    """features [B, d] -> logits [B, C], in float32 also where the network computes in half precision.

    Attributes:
        class_names: C names, in the order of the logits.
    """

    def __init__(self, class_names, **kwargs):
        super().__init__(len(class_names), **{"dtype": stable_dtype(), "kernel_initializer": "zeros", **kwargs})
        self.class_names = tuple(class_names)

    def get_config(self):
        config = {**super().get_config(), "class_names": list(self.class_names)}
        del config["units"]
        return config


class Parts(NamedTuple):
    """encoder: images -> features. head: the ClassHead behind it, or None."""

    encoder: keras.Model
    head: ClassHead | None


def with_head(encoder: keras.Model, weights, bias, class_names, name: str | None = None) -> keras.Model:
    """images -> logits = features @ weights + bias.

    Args:
        encoder: functional or sequential, images -> features [B, d]; the classifier shares its layers.
        weights: float [d, C]. bias: float [C]. class_names: C names. name: of the classifier; the encoder's if not given.
    """
    head = ClassHead(class_names, name="logits")
    classifier = keras.Model(encoder.inputs, head(encoder.outputs[0]), name=name or encoder.name)
    head.set_weights([np.asarray(weights), np.asarray(bias)])
    return classifier


def parts(model: keras.Model) -> Parts:
    """What a classifier is made of; a model without a ClassHead at its end is an encoder."""
    last = model.layers[-1] if getattr(model, "_is_graph_network", False) else None
    if not isinstance(last, ClassHead):
        return Parts(model, None)
    return Parts(keras.Model(model.inputs, last.input, name=model.name), last)
