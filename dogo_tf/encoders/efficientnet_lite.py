"""EfficientNet-Lite-B0 from KerasCV: efficientnet_lite_b0, d_h = 1280.

EfficientNet-B0 (Tan and Le, 2019) without squeeze-and-excite and with ReLU6, which devices quantise better.

The stem keeps its stride of 2 at every image size, so that the last feature map has 1/32 of the image's side: 2 x 2 at 64 px.
Without stochastic depth: what is random in a run depends on the seed and the example alone, so that it can be resumed exactly.
"""

from __future__ import annotations

from dogo_tf.encoders import _adapter
from dogo_tf.encoders._image_size import check_image_size
from dogo_tf.platform.keras_compat import keras

NAMES = ("efficientnet_lite_b0",)
# One number per stage, from the table of the paper. KerasCV's ready-made class holds the same, but fetches it from the network
# even without weights.
STACKS = {
    "stackwise_kernel_sizes": [3, 3, 5, 3, 5, 5, 3],
    "stackwise_num_repeats": [1, 2, 2, 3, 3, 4, 1],
    "stackwise_input_filters": [32, 16, 24, 40, 80, 112, 192],
    "stackwise_output_filters": [16, 24, 40, 80, 112, 192, 320],
    "stackwise_expansion_ratios": [1, 6, 6, 6, 6, 6, 6],
    "stackwise_strides": [1, 2, 2, 2, 1, 2, 1],
}


def matches(name: str) -> bool:
    return name in NAMES


def build(name, image_size, pixel_mean, pixel_std) -> keras.Model:
    check_image_size(name, image_size)
    backbone = _adapter.import_keras_cv().models.EfficientNetLiteBackbone(
        **STACKS,
        width_coefficient=1.0,
        depth_coefficient=1.0,
        drop_connect_rate=0.0,
        include_rescaling=False,
        input_shape=(image_size, image_size, 3),
    )
    return _adapter.encoder(backbone, name, image_size, pixel_mean, pixel_std)
