"""Backbones of KerasCV and keras.applications as encoders: their graph, with our normalisation and batch-norm settings.

What comes out consists of Keras' own layers (and those of `_learned_maps.py`), draws no random numbers, and needs neither
library to be loaded from a file.
"""

from __future__ import annotations

import contextlib
import io

from dogo_tf.encoders._layers import BATCH_NORM_MOMENTUM, image_input, pool, replicas
from dogo_tf.platform.keras_compat import keras, tf

# Functions of TensorFlow that backbones normalise with, before the first layer.
_ARITHMETIC = ("math.subtract", "math.truediv", "math.multiply", "math.add")


def import_keras_cv():
    """KerasCV, imported when an encoder first needs it: that takes seconds and prints a line about its backend."""
    with contextlib.redirect_stdout(io.StringIO()):
        import keras_cv
    return keras_cv


def encoder(backbone, name, image_size, pixel_mean, pixel_std, replacements=None) -> keras.Model:
    """An encoder of fresh layers like those of `backbone` and with their names, but not their weights.

    Normalisation in the backbone, dropout and stochastic depth are left out. Models within models, and layers made of layers,
    are unfolded.

    Args:
        backbone: functional keras.Model: image [B, H, W, 3] -> map [B, H', W', d_h].
        name, image_size, pixel_mean, pixel_std: as in dogo_tf.encoders.build.
        replacements: name of a class -> function from a layer of that class to what is called in its place.
    """
    images, normalised = image_input(image_size, pixel_mean, pixel_std)
    features = _Rebuild(normalised, replacements or {}).model(backbone, [normalised])
    return keras.Model(images, pool(features), name=name)


class _Rebuild:
    """Calls fresh copies of a graph's layers, one by one.

    Around the backbone as it is, a file would need the library that defines its class, and lose the momentum;
    keras.models.clone_model cannot put several layers in the place of one.
    """

    def __init__(self, normalised, replacements):
        self.unchanged = {id(normalised)}  # tensors that still are the normalised image
        self.replacements = {**_REPLACEMENTS, **replacements}
        self.copies = {}  # id of a layer -> its copy, for layers that are called more than once

    def model(self, model, inputs):
        """The output of a functional model's layers for other inputs."""
        ours = {id(theirs): x for theirs, x in zip(model.inputs, inputs, strict=True)}
        # Keras' own order: every call after those that it needs. An input has no call of its own.
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if not node.is_input:
                    arguments = (node.call_args, node.call_kwargs)
                    args, kwargs = tf.nest.map_structure(lambda x: ours.get(id(x), x), arguments)
                    outputs = tf.nest.flatten(self.layer(node.layer, args, kwargs))
                    ours.update(zip(map(id, tf.nest.flatten(node.outputs)), outputs, strict=True))
        (output,) = model.outputs
        return ours[id(output)]

    def layer(self, layer, args, kwargs):
        kind = type(layer).__name__
        if kind in _RANDOM:
            return args[0]
        if _may_normalise(layer) and id(args[0]) in self.unchanged:
            return args[0]
        if kind not in self.replacements and (isinstance(layer, keras.Model) or not _is_of_keras(layer)):
            inside, inputs = _unfolded(layer, args, kwargs)
            return self.model(inside, inputs)
        if kind == "SlicingOpLambda":
            args = _without_ellipsis(*args)
        if id(layer) not in self.copies:
            self.copies[id(layer)] = self.replacements.get(kind, _same)(layer)
        return self.copies[id(layer)](*args, **kwargs)


def _may_normalise(layer):
    operation = getattr(layer, "symbol", None)  # of a TensorFlow function in the graph
    return isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization) or operation in _ARITHMETIC


def _is_of_keras(layer):
    kind = type(layer)
    if kind is keras.layers.Lambda:  # code, which no file should hold
        return False
    return kind.__name__ in ("TFOpLambda", "SlicingOpLambda") or getattr(keras.layers, kind.__name__, None) is kind


def _unfolded(layer, args, kwargs):
    """A functional model of the layers that `layer` calls, and the tensors among its arguments that it takes."""
    if hasattr(layer, "_nodes_by_depth"):
        return layer, tf.nest.flatten(args)
    tensors = [x for x in tf.nest.flatten((args, kwargs)) if keras.backend.is_keras_tensor(x)]
    inputs = {id(x): keras.Input(batch_shape=x.shape, dtype=x.dtype) for x in tensors}
    args, kwargs = tf.nest.map_structure(lambda x: inputs.get(id(x), x), (args, kwargs))
    return keras.Model(list(inputs.values()), layer.call(*args, **kwargs)), list({id(x): x for x in tensors}.values())


def _without_ellipsis(x, places):
    """The arguments of x[places] with every axis told: a file cannot hold "..."."""
    if not isinstance(places, tuple) or not any(place is Ellipsis for place in places):
        return x, places
    at = [place is Ellipsis for place in places].index(True)
    indexed = sum(place is not None for place in places) - 1  # None makes a new axis
    whole = {"start": None, "stop": None, "step": None}
    return x, (*places[:at], *[whole] * (x.shape.rank - indexed), *places[at + 1 :])


def _same(layer):
    return type(layer).from_config(layer.get_config())


def _batch_norm(layer):
    # Not set afterwards: a built layer cannot become synchronised.
    settings = {"momentum": BATCH_NORM_MOMENTUM, "synchronized": replicas() > 1}
    return keras.layers.BatchNormalization(**{**layer.get_config(), **settings})


def _reshape(layer):
    # TFLite cannot tell what -1 stands for while the number of images is open, and then has no convolution for that.
    return keras.layers.Reshape(layer.output_shape[1:], name=layer.name)


def _layer_scale(layer):
    """ConvNeXt's weight for each channel as a layer of Keras' own."""
    start = keras.initializers.Constant(layer.init_values)
    return keras.layers.DepthwiseConv2D(1, use_bias=False, depthwise_initializer=start, name=layer.name)


_RANDOM = ("Dropout", "SpatialDropout2D", "StochasticDepth", "DropPath")
_REPLACEMENTS = {
    "BatchNormalization": _batch_norm,
    "LayerScale": _layer_scale,
    "Reshape": _reshape,
}
