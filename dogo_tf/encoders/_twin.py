"""A second model with the same weights, of layers that are configured otherwise."""

from __future__ import annotations

from collections.abc import Callable

from dogo_tf.platform.keras_compat import keras


def twin(model: keras.Model, new_config: Callable[[keras.layers.Layer], dict], input_type: Callable[[str], str] = str):
    """`model` made anew, every layer with the configuration that `new_config(layer)` gives; also in models inside it.

    Args:
        model: functional or sequential.
        new_config: a layer -> what its class' from_config takes.
        input_type: name of an input's dtype -> name of the new one.
    Raises:
        ValueError, NotImplementedError, TypeError: a subclassed model, or a layer without get_config, as Keras puts it.
    """
    made = _rebuilt(model, new_config, input_type)
    for new, old in zip(made.layers, model.layers, strict=True):
        new.set_weights(old.get_weights())
    return made


def _rebuilt(model, new_config, input_type):
    inputs = [
        keras.Input(batch_shape=tensor.shape, dtype=input_type(tensor.dtype.name), name=tensor.name)
        for tensor in model.inputs
    ]

    def new_layer(layer):
        if isinstance(layer, keras.Model):
            return _rebuilt(layer, new_config, input_type)
        return type(layer).from_config(new_config(layer))

    return keras.models.clone_model(model, inputs[0] if len(inputs) == 1 else inputs, clone_function=new_layer)
