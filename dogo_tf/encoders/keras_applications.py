"""The networks of keras.applications: `keras.<function>`, e.g. keras.DenseNet121, keras.ConvNeXtTiny, keras.NASNetMobile.

Random weights. Stems keep their strides at every image size: the last feature map has 1/32 of the image's side, so that 32 px
is the least and 64 px a sensible one.
"""

from __future__ import annotations

import inspect
import re

from dogo_tf.encoders import _adapter
from dogo_tf.encoders._image_size import check_image_size
from dogo_tf.errors import unknown_name
from dogo_tf.platform.keras_compat import keras

PREFIX = "keras."
NAMES = ("keras.<function of keras.applications> (e.g. keras.DenseNet121)",)


def names() -> list[str]:
    """Every name that this module builds: what the installed Keras has."""
    return [PREFIX + name for name, _ in inspect.getmembers(keras.applications, inspect.isfunction)]


def matches(name: str) -> bool:
    return name.startswith(PREFIX)


def build(name, image_size, pixel_mean, pixel_std) -> keras.Model:
    if name not in names():
        raise unknown_name("network of keras.applications", name, names())
    make = getattr(keras.applications, name.removeprefix(PREFIX))
    try:
        # As a tensor, not a shape: some refuse shapes on which they work, such as Xception below 71 px.
        backbone = make(input_tensor=keras.Input((image_size, image_size, 3)), include_top=False, weights=None)
    except ValueError:
        check_image_size(name, image_size, _smallest(make))
        raise
    check_image_size(name, image_size)
    return _adapter.encoder(backbone, name, image_size, pixel_mean, pixel_std)


def _smallest(make) -> int:
    """The least side of images, in pixels, that the library states, by asking for less."""
    try:
        make(input_shape=(1, 1, 3), include_top=False, weights=None)
    except ValueError as error:
        stated = re.search(r"at least (\d+)x\1", str(error))
        if stated:
            return int(stated[1])
    return 0
