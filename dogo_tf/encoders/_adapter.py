"""Backbones of KerasCV and keras.applications as encoders: their graph, with our normalisation and batch-norm settings."""

import contextlib
import io

from dogo_tf.encoders._layers import BATCH_NORM_MOMENTUM, image_input, pool, replicas
from dogo_tf.keras_compat import keras, tf


def import_keras_cv():
    """KerasCV, imported when an encoder first needs it: that takes seconds and prints a line about its backend."""
    with contextlib.redirect_stdout(io.StringIO()):
        import keras_cv
    return keras_cv


def encoder(backbone, name, image_size, pixel_mean, pixel_std, replacements=None) -> keras.Model:
    """An encoder of fresh layers like those of `backbone`, whose own weights are not taken over.

    Args:
        backbone: functional keras.Model that calls each layer once: normalised image [B, H, W, 3] -> map [B, H', W', d_h].
        name, image_size, pixel_mean, pixel_std: as in dogo_tf.encoders.build.
        replacements: class -> function from a layer of that class to what is called in its place.
    """
    images, normalised = image_input(image_size, pixel_mean, pixel_std)
    replacements = {keras.layers.BatchNormalization: _batch_norm, **(replacements or {})}
    # Layer by layer into one flat graph. Around the backbone as it is, a file would need the library that defines its class,
    # and lose the momentum; keras.models.clone_model cannot put several layers in the place of one.
    ours = {id(backbone.input): normalised}
    for layer in backbone.layers[1:]:  # behind the input, every layer after those that it needs
        (node,) = layer.inbound_nodes
        args, kwargs = tf.nest.map_structure(lambda x: ours.get(id(x), x), (node.call_args, node.call_kwargs))
        ours[id(layer.output)] = replacements.get(type(layer), _same)(layer)(*args, **kwargs)
    return keras.Model(images, pool(ours[id(backbone.output)]), name=name)


def _same(layer):
    return type(layer).from_config(layer.get_config())


def _batch_norm(layer):
    # Not set afterwards: a built layer cannot become synchronised.
    settings = {"momentum": BATCH_NORM_MOMENTUM, "synchronized": replicas() > 1}
    return keras.layers.BatchNormalization(**{**layer.get_config(), **settings})
