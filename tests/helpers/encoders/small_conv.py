"""Encoders for tests of whole runs, by name: two convolutions, which a step is quickly compiled of; d_h = 8 and 16."""

from dogo_tf.encoders._layers import batch_norm, conv, image_input, pool, relu
from dogo_tf.platform.keras_compat import keras

WIDTHS = {"small_conv": 4, "bigger_conv": 8}
NAMES = tuple(WIDTHS)


def matches(name: str) -> bool:
    return name in NAMES


def build(name, image_size, pixel_mean, pixel_std) -> keras.Model:
    images, x = image_input(image_size, pixel_mean, pixel_std)
    x = relu(batch_norm(conv(x, WIDTHS[name], 3, strides=2)))
    x = relu(batch_norm(conv(x, 2 * WIDTHS[name], 3, strides=2)))
    return keras.Model(images, pool(x), name=name)
