"""A network in an ONNX file as text, with what the file itself does not say: "dino.onnx:size=224:pixels=imagenet"."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import NamedTuple

from dogo_tf.errors import InputError, unknown_name
from dogo_tf.platform import ranges
from dogo_tf.platform.files import expanded

SETTINGS = ("output", "pixels", "size")
_EXTENSION = re.compile(r"\.onnx(?=:|$)")


class Normalisation(NamedTuple):
    """The network gets (pixel / 255 - mean) / std: means and stds of red, green, blue."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


PIXELS = {
    "imagenet": Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # torchvision, most of timm, DINOv2
    "clip": Normalisation((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),  # CLIP, OpenCLIP
    "-1..1": Normalisation((0.5,) * 3, (0.5,) * 3),
    "0..1": Normalisation((0.0,) * 3, (1.0,) * 3),
    "0..255": Normalisation((0.0,) * 3, (1 / 255,) * 3),
}


class OnnxPlace(NamedTuple):
    """path: of the file. size: side of its images in pixels, where the file takes any. pixels: what it expects of them.

    output: the name of the one that gives the features, where there are several.
    """

    path: Path
    size: int | None = None
    pixels: Normalisation | None = None
    output: str | None = None


def is_onnx(place) -> bool:
    """Whether a path, perhaps with settings behind it, is named as an ONNX file."""
    return bool(_EXTENSION.search(str(place)))


def without_settings(place) -> Path:
    """The path of the file; of any other place, the place itself."""
    found = _EXTENSION.search(str(place))
    return expanded(str(place)[: found.end()] if found else place)


def parse(place) -> OnnxPlace:
    """ "dino.onnx:size=224:pixels=imagenet:output=pooled"; takes no TensorFlow.

    pixels: a name of PIXELS; or mean/std of pixel values 0..1, each one number or three joined by "-":
    "0.49-0.48-0.45/0.25-0.24-0.26".
    Raises InputError: an unknown setting, or one that comes twice or has a wrong value.
    """
    path, found = without_settings(place), {}
    words = str(place)[_EXTENSION.search(str(place)).end() :].split(":")[1:]
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not value:
            raise InputError(f"{path}: expected :setting=value, got {word!r}; settings: {', '.join(SETTINGS)}")
        if name not in SETTINGS:
            raise unknown_name(f"setting of {path}", name, SETTINGS)
        if name in found:
            raise InputError(f"{path}: {name} comes twice in {place}")
        found[name] = _READ[name](path, value)
    return OnnxPlace(path, **found)


def _size(path: Path, text: str) -> int:
    size = int(text) if text.isdecimal() else text
    ranges.check("image_size", size, f"{path}: size: ")
    return size


def _pixels(path: Path, text: str) -> Normalisation:
    if text in PIXELS:
        return PIXELS[text]
    try:
        mean, std = ([float(number) for number in part.split("-")] for part in text.split("/"))
        found = Normalisation(*(tuple(part * 3 if len(part) == 1 else part) for part in (mean, std)))
    except ValueError:
        found = None
    whole = found is not None and {len(part) for part in found} == {3}
    if not whole or not all(map(math.isfinite, found.mean + found.std)) or min(found.std) <= 0:
        raise InputError(
            f"{path}: pixels: expected {', '.join(PIXELS)}, or mean/std of pixels 0..1 as "
            f"0.49-0.48-0.45/0.25-0.24-0.26; got {text!r}"
        )
    return found


_READ = {"size": _size, "pixels": _pixels, "output": lambda path, text: text}
