"""ShuffleNetV2 x1.0 (Ma et al., 2018): shufflenet_v2, d_h = 1024.

Images below 100 px get a stem with stride 1 and no max-pooling, like the residual networks here, so that the last feature map
has 1/8 of the image's side; above it is 1/32.
"""

from __future__ import annotations

from dogo_tf.encoders._layers import batch_norm, conv, depthwise, image_input, pool, relu, stem
from dogo_tf.platform.keras_compat import keras, tf

NAMES = ("shufflenet_v2",)
STAGES = ((116, 4), (232, 8), (464, 4))  # channels, units; the first unit of a stage halves the side


def matches(name: str) -> bool:
    return name in NAMES


def build(name, image_size, pixel_mean, pixel_std) -> keras.Model:
    images, x = image_input(image_size, pixel_mean, pixel_std)
    x = stem(x, image_size, filters=24, kernel_size=3)
    for channels, units in STAGES:
        x = _halving_unit(x, channels // 2)
        for _ in range(units - 1):
            x = _unit(x, channels // 2)
    return keras.Model(images, pool(relu(batch_norm(conv(x, 1024, 1)))), name=name)


def _unit(x, filters):
    """Half of the channels pass as they are."""
    kept, x = tf.split(x, 2, axis=-1)
    return _shuffled(kept, _branch(x, filters, strides=1))


def _halving_unit(x, filters):
    """All channels take both ways, so that their number grows as the side shrinks."""
    shortcut = relu(batch_norm(conv(batch_norm(depthwise(x, 3, strides=2)), filters, 1)))
    return _shuffled(shortcut, _branch(x, filters, strides=2))


def _branch(x, filters, strides):
    x = relu(batch_norm(conv(x, filters, 1)))
    return relu(batch_norm(conv(batch_norm(depthwise(x, 3, strides)), filters, 1)))


def _shuffled(left, right):
    """Both halves' channels in turn: left 0, right 0, left 1, right 1, ..."""
    x = keras.layers.Concatenate()([left, right])
    _, height, width, channels = x.shape
    # Rows and columns together keep it at four dimensions, which every device transposes.
    x = keras.layers.Reshape((height * width, 2, channels // 2))(x)
    x = keras.layers.Permute((1, 3, 2))(x)
    return keras.layers.Reshape((height, width, channels))(x)
