"""MobileNetV3 (Howard et al., 2019): mobilenet_v3_small (d_h = 576), mobilenet_v3_large (d_h = 960), from KerasCV.

mobilenet_v3_small_minimalistic and mobilenet_v3_large_minimalistic, from keras.applications, are its authors' variant for
integers: ReLU in the place of hard-swish, no squeeze-and-excite, kernels of 3 x 3.

The stem keeps its stride of 2 at every image size, so that the last feature map has 1/32 of the image's side: 2 x 2 at 64 px.
Below 64 px a WRN, or ShuffleNetV2 with its small stem, uses the pixels better.
"""

from __future__ import annotations

from dogo_tf.encoders import _adapter
from dogo_tf.encoders._image_size import check_image_size
from dogo_tf.platform.keras_compat import keras

# One number per inverted residual block, from the tables of the paper. KerasCV's ready-made classes hold the same, but fetch it
# from the network even without weights.
STACKS = {
    "mobilenet_v3_small": {
        "stackwise_expansion": [1, 72 / 16, 88 / 24, 4, 6, 6, 3, 3, 6, 6, 6],
        "stackwise_filters": [16, 24, 24, 40, 40, 40, 48, 48, 96, 96, 96],
        "stackwise_kernel_size": [3] * 3 + [5] * 8,
        "stackwise_stride": [2, 2, 1, 2, 1, 1, 1, 1, 2, 1, 1],
        "stackwise_se_ratio": [0.25, None, None] + [0.25] * 8,
        "stackwise_activation": ["relu"] * 3 + ["hard_swish"] * 8,
    },
    "mobilenet_v3_large": {
        "stackwise_expansion": [1, 4, 3, 3, 3, 3, 6, 2.5, 2.3, 2.3, 6, 6, 6, 6, 6],
        "stackwise_filters": [16] + [24] * 2 + [40] * 3 + [80] * 4 + [112] * 2 + [160] * 3,
        "stackwise_kernel_size": [3] * 3 + [5] * 3 + [3] * 6 + [5] * 3,
        "stackwise_stride": [1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1],
        "stackwise_se_ratio": [None] * 3 + [0.25] * 3 + [None] * 4 + [0.25] * 5,
        "stackwise_activation": ["relu"] * 6 + ["hard_swish"] * 9,
    },
}
# Name -> function of keras.applications.
MINIMALISTIC = {
    "mobilenet_v3_small_minimalistic": "MobileNetV3Small",
    "mobilenet_v3_large_minimalistic": "MobileNetV3Large",
}
NAMES = (*STACKS, *MINIMALISTIC)


def matches(name: str) -> bool:
    return name in NAMES


def build(name, image_size, pixel_mean, pixel_std) -> keras.Model:
    check_image_size(name, image_size)
    if name in MINIMALISTIC:
        make, shape = getattr(keras.applications, MINIMALISTIC[name]), (image_size, image_size, 3)
        backbone = make(shape, minimalistic=True, include_top=False, weights=None, include_preprocessing=False)
        return _adapter.encoder(backbone, name, image_size, pixel_mean, pixel_std)
    keras_cv = _adapter.import_keras_cv()
    backbone = keras_cv.models.MobileNetV3Backbone(
        **STACKS[name], include_rescaling=False, input_shape=(image_size, image_size, 3)
    )
    return _adapter.encoder(backbone, name, image_size, pixel_mean, pixel_std, REPLACEMENTS)


def _squeeze_and_excite(layer):
    """KerasCV's layer out of Keras' own: with a hard sigmoid, as here, it cannot be rebuilt from its configuration."""

    def call(features):
        x = keras.layers.GlobalAveragePooling2D(keepdims=True)(features)
        x = keras.layers.Conv2D(layer.bottleneck_filters, 1, activation="relu")(x)
        x = keras.layers.Conv2D(layer.filters, 1)(x)
        gate = keras.layers.ReLU(6.0)(x + 3.0) * (1 / 6)
        return keras.layers.Multiply()([features, gate])

    return call


REPLACEMENTS = {"SqueezeAndExcite2D": _squeeze_and_excite}
