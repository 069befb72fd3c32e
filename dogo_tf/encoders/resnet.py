"""Residual networks (He et al., 2016): resnet_18, resnet_34, resnet_50.

Images below 100 px get the small stem of the contrastive-learning literature: a 3x3 convolution with stride 1 and no
max-pooling. d_h = 512 (18, 34) or 2048 (50; stride on the 3x3 convolution).
"""

from __future__ import annotations

from dogo_tf.encoders._layers import batch_norm, conv, image_input, pool, relu, stem
from dogo_tf.platform.keras_compat import keras

BLOCKS = {"resnet_18": (2, 2, 2, 2), "resnet_34": (3, 4, 6, 3), "resnet_50": (3, 4, 6, 3)}
NAMES = tuple(BLOCKS)


def matches(name: str) -> bool:
    return name in BLOCKS


def build(name, image_size, pixel_mean, pixel_std) -> keras.Model:
    images, x = image_input(image_size, pixel_mean, pixel_std)
    x = stem(x, image_size, filters=64, kernel_size=7)
    block = _bottleneck if name == "resnet_50" else _basic
    for stage, blocks in enumerate(BLOCKS[name]):
        for position in range(blocks):
            x = block(x, 64 * 2**stage, strides=2 if stage > 0 and position == 0 else 1)
    return keras.Model(images, pool(x), name=name)


def _basic(x, filters, strides):
    y = relu(batch_norm(conv(x, filters, 3, strides)))
    y = batch_norm(conv(y, filters, 3))
    return relu(keras.layers.Add()([_shortcut(x, filters, strides), y]))


def _bottleneck(x, filters, strides):
    y = relu(batch_norm(conv(x, filters, 1)))
    y = relu(batch_norm(conv(y, filters, 3, strides)))
    y = batch_norm(conv(y, 4 * filters, 1))
    return relu(keras.layers.Add()([_shortcut(x, 4 * filters, strides), y]))


def _shortcut(x, filters, strides):
    return x if x.shape[-1] == filters and strides == 1 else batch_norm(conv(x, filters, 1, strides))
