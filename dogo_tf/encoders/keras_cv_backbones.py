"""KerasCV's backbones for images: `keras_cv.<preset>`, e.g. keras_cv.densenet121, keras_cv.mit_b0, keras_cv.csp_darknet_tiny.

Random weights, built without the network. Stems keep their strides at every image size: the last feature map has 1/32 of the
image's side (ViTDet: 1/16), so that 32 px is the least of most and 64 px a sensible one.
"""

from __future__ import annotations

import sys

from dogo_tf.encoders import _adapter
from dogo_tf.encoders._image_size import check_image_size
from dogo_tf.encoders._keras_cv_presets import PRESETS
from dogo_tf.errors import unknown_name
from dogo_tf.platform.keras_compat import keras

PREFIX = "keras_cv."
NAMES = ("keras_cv.<preset of a backbone for images> (e.g. keras_cv.densenet121)",)


def names() -> list[str]:
    """Every name that this module builds."""
    return [PREFIX + preset for preset in PRESETS]


def matches(name: str) -> bool:
    return name.startswith(PREFIX)


def build(name, image_size, pixel_mean, pixel_std) -> keras.Model:
    if name not in names():
        raise unknown_name("backbone of KerasCV", name, names())
    preset = PRESETS[name.removeprefix(PREFIX)]
    check_image_size(name, image_size, preset.smallest, preset.multiple_of)
    models = _adapter.import_keras_cv().models
    kind = getattr(models, preset.kind)
    if preset.kind == "VGG16Backbone":
        # The one file of KerasCV that takes its layers from `keras`, which is Keras 3 beside a current TensorFlow.
        sys.modules[kind.__module__].layers = keras.layers
    backbone = kind(**preset.settings, include_rescaling=False, input_shape=(image_size, image_size, 3))
    return _adapter.encoder(backbone, name, image_size, pixel_mean, pixel_std, preset.replacements)
