"""Wide residual networks (Zagoruyko and Komodakis, 2016): `wrn_<depth>_<width>`, depth = 6n + 4 <= 100, width 1..32.

Pre-activation blocks of two 3x3 convolutions in three groups of 16, 32 and 64 times `width` channels; d_h = 64 * width.
"""

from __future__ import annotations

import re

from dogo_tf.encoders._layers import batch_norm, conv, image_input, pool, relu
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras

NAMES = ("wrn_<depth>_<width> (depth 10, 16, 22, 28, 40, ..., e.g. wrn_10_2)",)


def matches(name: str) -> bool:
    """Raises InputError for a depth or width that there is no such network of."""
    if re.fullmatch(r"wrn_\d+_\d+", name) is None:
        return False
    _depth_and_width(name)
    return True


def _depth_and_width(name: str) -> tuple[int, int]:
    depth, width = (int(number) for number in name.split("_")[1:])
    if not 10 <= depth <= 100 or (depth - 4) % 6 or not 1 <= width <= 32:
        raise InputError(
            f"encoder {name!r}: a wide residual network has depth 6n + 4 (10, 16, 22, 28, ..., 100) and width 1 to 32; "
            f"got depth {depth}, width {width}"
        )
    return depth, width


def build(name, image_size, pixel_mean, pixel_std) -> keras.Model:
    depth, width = _depth_and_width(name)
    images, x = image_input(image_size, pixel_mean, pixel_std)
    x = conv(x, 16, 3)
    for group in range(3):
        for block in range((depth - 4) // 6):
            x = _block(x, 16 * width * 2**group, strides=2 if group > 0 and block == 0 else 1)
    return keras.Model(images, pool(relu(batch_norm(x))), name=name)


def _block(x, filters, strides):
    activated = relu(batch_norm(x))
    same_shape = x.shape[-1] == filters and strides == 1
    shortcut = x if same_shape else conv(activated, filters, 1, strides)
    y = conv(activated, filters, 3, strides)
    y = conv(relu(batch_norm(y)), filters, 3)
    return keras.layers.Add()([shortcut, y])
