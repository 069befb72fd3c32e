"""KerasCV's backbones for images: their settings, under the names of its presets.

KerasCV 0.9 names its presets but keeps none of their settings: it fetches them from the network, even for random weights. These
are the papers' tables; a test compares every size with the number of parameters that KerasCV states.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from dogo_tf.encoders import _transformers, mobilenet_v3
from dogo_tf.encoders._image_size import TOTAL_STRIDE
from dogo_tf.encoders.efficientnet_lite import STACKS as EFFICIENTNET


class Preset(NamedTuple):
    """A class of keras_cv.models with its arguments, the image sides that it takes, and layers to be replaced."""

    kind: str
    settings: dict[str, Any]
    multiple_of: int = 1  # pixels
    smallest: int = TOTAL_STRIDE  # pixels
    replacements: dict[str, Callable] | None = None


def _residual(kind, block_type, blocks):
    stacks = {"stackwise_filters": [64, 128, 256, 512], "stackwise_strides": [1, 2, 2, 2]}
    return Preset(kind, {**stacks, "stackwise_blocks": blocks, "block_type": block_type})


def _scaled(kind, width, depth, **settings):
    return Preset(kind, {"width_coefficient": width, "depth_coefficient": depth, **settings})


def _efficientnet_v2(repeats, input_filters, output_filters, width=1.0, depth=1.0):
    """Stages that halve the image: the second, third, fourth and sixth. The first three are fused."""
    unfused = len(repeats) - 3
    return _scaled(
        "EfficientNetV2Backbone",
        width,
        depth,
        stackwise_kernel_sizes=[3] * len(repeats),
        stackwise_num_repeats=repeats,
        stackwise_input_filters=input_filters,
        stackwise_output_filters=output_filters,
        stackwise_expansion_ratios=[1, 4, 4, 4, 6, 6, 6][: len(repeats)],
        stackwise_squeeze_and_excite_ratios=[0.0] * 3 + [0.25] * unfused,
        stackwise_strides=[1, 2, 2, 2, 1, 2, 1][: len(repeats)],
        stackwise_conv_types=["fused"] * 3 + ["unfused"] * unfused,
        skip_connection_dropout=0.0,
    )


def _dark(kind, channels, depth, **sides):
    return Preset(kind, {"stackwise_channels": channels, "stackwise_depth": depth}, **sides)


def _vitdet(width, depth, heads, whole_image):
    settings = {"embed_dim": width, "depth": depth, "mlp_dim": 4 * width, "num_heads": heads}
    settings["global_attention_indices"] = whole_image
    return Preset("ViTDetBackbone", settings, multiple_of=16, smallest=16, replacements=_transformers.REPLACEMENTS)


_RESIDUAL = {
    "18": ("basic_block", [2, 2, 2, 2]),
    "34": ("basic_block", [3, 4, 6, 3]),
    "50": ("block", [3, 4, 6, 3]),
    "101": ("block", [3, 4, 23, 3]),
    "152": ("block", [3, 8, 36, 3]),
}
_DENSE = {"121": [6, 12, 24, 16], "169": [6, 12, 32, 32], "201": [6, 12, 48, 32]}
_WIDTH_AND_DEPTH = [(1.0, 1.0), (1.0, 1.1), (1.1, 1.2), (1.2, 1.4), (1.4, 1.8), (1.6, 2.2), (1.8, 2.6), (2.0, 3.1)]
_SQUEEZE = {"stackwise_squeeze_and_excite_ratios": [0.25] * 7}
_NO_DROP = {"drop_connect_rate": 0.0}
_V2_SMALL = ([1, 2, 2, 3, 5, 8], [32, 16, 32, 48, 96, 112], [16, 32, 48, 96, 112, 192])
_V2 = {
    "s": ([2, 4, 4, 6, 9, 15], [24, 24, 48, 64, 128, 160], [24, 48, 64, 128, 160, 256]),
    "m": ([3, 5, 5, 7, 14, 18, 5], [24, 24, 48, 80, 160, 176, 304], [24, 48, 80, 160, 176, 304, 512]),
    "l": ([4, 7, 7, 10, 19, 25, 7], [32, 32, 64, 96, 192, 224, 384], [32, 64, 96, 192, 224, 384, 640]),
    **{f"b{k}": (*_V2_SMALL, *_WIDTH_AND_DEPTH[k]) for k in range(4)},
}
_MIT_DEPTHS = [[2, 2, 2, 2], [2, 2, 2, 2], [3, 4, 6, 3], [3, 4, 18, 3], [3, 8, 27, 3], [3, 6, 40, 3]]
_DARK = {
    "tiny": (48, 1),
    "s": (64, 1),
    "m": (96, 2),
    "l": (128, 3),
    "xl": (170, 4),
}  # channels, and depth, of the first stage
_YOLO = {
    "xs": ([32, 64, 128, 256], [1, 2, 2, 1]),
    "s": ([64, 128, 256, 512], [1, 2, 2, 1]),
    "m": ([96, 192, 384, 576], [2, 4, 4, 2]),
    "l": ([128, 256, 512, 512], [3, 6, 6, 3]),
    "xl": ([160, 320, 640, 640], [3, 6, 6, 3]),
}

PRESETS: dict[str, Preset] = {
    **{f"resnet{n}": _residual("ResNetBackbone", *row) for n, row in _RESIDUAL.items()},
    **{f"resnet{n}_v2": _residual("ResNetV2Backbone", *row) for n, row in _RESIDUAL.items()},
    **{f"densenet{n}": Preset("DenseNetBackbone", {"stackwise_num_repeats": row}) for n, row in _DENSE.items()},
    "vgg16": Preset("VGG16Backbone", {"include_top": False}),
    **{
        f"mobilenet_v3_{size}": Preset(
            "MobileNetV3Backbone",
            mobilenet_v3.STACKS[f"mobilenet_v3_{size}"],
            replacements=mobilenet_v3.REPLACEMENTS,
        )
        for size in ("small", "large")
    },
    **{
        f"efficientnetlite_b{k}": _scaled("EfficientNetLiteBackbone", *row, **EFFICIENTNET, **_NO_DROP)
        for k, row in enumerate(_WIDTH_AND_DEPTH[:5])
    },
    **{
        f"efficientnetv1_b{k}": _scaled("EfficientNetV1Backbone", *row, **EFFICIENTNET, **_SQUEEZE, **_NO_DROP)
        for k, row in enumerate(_WIDTH_AND_DEPTH)
    },
    **{f"efficientnetv2_{size}": _efficientnet_v2(*row) for size, row in _V2.items()},
    **{
        f"csp_darknet_{size}": _dark(
            "CSPDarkNetBackbone",
            [channels * 2**stage for stage in range(4)],
            [depth, 3 * depth, 3 * depth, depth],
            multiple_of=2,
        )
        for size, (channels, depth) in _DARK.items()
    },
    **{f"yolo_v8_{size}_backbone": _dark("YOLOV8Backbone", *row) for size, row in _YOLO.items()},
    **{
        f"mit_b{k}": Preset(
            "MiTBackbone",
            {"depths": depths, "embedding_dims": [32, 64, 160, 256] if k == 0 else [64, 128, 320, 512]},
            multiple_of=32,
            smallest=64,
            replacements=_transformers.REPLACEMENTS,
        )
        for k, depths in enumerate(_MIT_DEPTHS)
    },
    "vitdet_base": _vitdet(768, 12, 12, [2, 5, 8, 11]),
    "vitdet_large": _vitdet(1024, 24, 16, [5, 11, 17, 23]),
    "vitdet_huge": _vitdet(1280, 32, 16, [7, 15, 23, 31]),
}
