"""MobileNetV2 x1.0 (Sandler et al., 2018) from keras.applications: mobilenet_v2, d_h = 1280.

The stem keeps its stride of 2 at every image size, so that the last feature map has 1/32 of the image's side: 2 x 2 at 64 px.
"""

from __future__ import annotations

from dogo_tf.encoders import _adapter
from dogo_tf.encoders._image_size import check_image_size
from dogo_tf.platform.keras_compat import keras

NAMES = ("mobilenet_v2",)


def matches(name: str) -> bool:
    return name in NAMES


def build(name, image_size, pixel_mean, pixel_std) -> keras.Model:
    check_image_size(name, image_size)
    backbone = keras.applications.MobileNetV2((image_size, image_size, 3), include_top=False, weights=None)
    return _adapter.encoder(backbone, name, image_size, pixel_mean, pixel_std)
