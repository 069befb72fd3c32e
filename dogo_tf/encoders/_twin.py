"""A second model with the same weights: of layers that are configured otherwise, or for images of another size."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from dogo_tf.platform.keras_compat import keras, tf


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


def at_size(model: keras.Model, side: int) -> keras.Model:
    """`model` for square images of another side, of the very same layers: what the one learns, the other knows.

    Args:
        model: functional or sequential, for square images; also with models inside.
        side: in pixels.
    Raises:
        ValueError: why there is none: a subclassed model; layers that are made for one size; or a side shorter than the stride
            of the whole network, so that its last feature map would not have one whole place.
    """
    if not getattr(model, "_is_graph_network", False):
        raise ValueError("it is a subclassed model, which Keras cannot build for another size")
    full_side, maps = model.input_shape[1], [x for call in calls(model) for x in _outputs(call) if x.shape.rank == 4]
    if maps and side < full_side // maps[-1].shape[1]:
        raise ValueError(f"its last feature map has a stride of {full_side // maps[-1].shape[1]} pixels")
    images = keras.Input((side, side, 3), dtype=model.inputs[0].dtype)
    try:
        made = keras.Model(images, _output(model, [images]), name=model.name)
        # Of one image: some functions find out only then that they are made for one size.
        traced = tf.function(made).get_concrete_function(tf.TensorSpec([1, *images.shape[1:]], images.dtype))
        fits = traced.output_shapes == (1, *model.output_shape[1:])
    except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
        raise ValueError(f"it has layers that are made for images of {full_side} pixels") from error
    if not fits:
        raise ValueError(f"it has layers that are made for images of {full_side} pixels")
    return made


def calls(model) -> list:
    """The calls of a functional model's layers, every one after those that it needs: Keras' own order."""
    depths = sorted(model._nodes_by_depth, reverse=True)
    return [node for depth in depths for node in model._nodes_by_depth[depth] if not node.is_input]


def _outputs(call) -> list:
    return tf.nest.flatten(call.outputs)


def _output(model, inputs):
    """The output of a functional model's layers for other inputs."""
    ours = {id(theirs): x for theirs, x in zip(model.inputs, inputs, strict=True)}
    for call in calls(model):
        args, kwargs = tf.nest.map_structure(lambda x: ours.get(id(x), x), (call.call_args, call.call_kwargs))
        ours.update(zip(map(id, _outputs(call)), tf.nest.flatten(_repeated(call, args, kwargs)), strict=True))
    (output,) = (ours[id(x)] for x in model.outputs)
    return output


def _repeated(call, args, kwargs):
    """What the layer of this call makes of other arguments."""
    layer = call.layer
    if hasattr(layer, "_nodes_by_depth"):
        return _output(layer, tf.nest.flatten(args))
    if isinstance(layer, keras.layers.Reshape):
        before, now = (int(np.prod(x.shape[1:])) for x in (call.keras_inputs[0], args[0]))
        if before != now:
            return keras.layers.Reshape(_rescaled(layer.target_shape, before, now))(*args)
    return layer(*args, **kwargs)


def _rescaled(target: tuple[int, ...], before: int, now: int) -> tuple[int, ...]:
    """The shape of a map [S, S, C], or of places in a row [S * S, ...], for another number of elements."""
    if len(target) == 3 and target[0] == target[1]:
        side = math.isqrt(target[0] * target[1] * now // before)
        return side, side, target[2]
    return target[0] * now // before, *target[1:]
