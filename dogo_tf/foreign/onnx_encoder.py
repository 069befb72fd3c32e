"""A network in an ONNX file as an encoder, run by ONNX Runtime: the extra `onnx` of this package."""

import hashlib
import re
from pathlib import Path

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.foreign import onnx_place
from dogo_tf.platform.files import sha256

_BATCH = 32  # images at a time, where the file leaves it open: a large transformer's maps take much memory
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
_BYTES = "tensor(uint8)"
# In the file, weights outside of it: an entry of the key "location", then tag and length (a varint) of the file's name.
_LOCATION = re.compile(rb"\x0a\x08location\x12([\x80-\xff]?[\x00-\x7f])")


class OnnxEncoder:
    """A function: uint8 [B, S, S, 3], any B >= 1 -> float32 [B, d].

    The file has one input of images, [B, 3, S, S] or [B, S, S, 3], and an output of features [B, d].

    Attributes:
        input_shape: (None, S, S, 3). name: of the file.
        fingerprint: the sha256 of the file, of those that hold its weights, and of what the place says besides.
    """

    def __init__(self, place):
        """
        Args:
            place: of the file, with settings where it leaves things open; see onnx_place.parse.
        Raises:
            InputError: onnxruntime is not installed, no such file, other inputs or outputs, settings that are missing or
                differ from what the file says.
        """
        self.place = onnx_place.parse(place)
        path = self.place.path
        self.name = path.stem
        self._session = _session(path)
        self._input, self._dtype, self._batch, self._channels_first, side = _read_input(
            path, self._session.get_inputs()
        )
        if side is None and self.place.size is None:
            raise InputError(f"{path}: it takes images of any size; say which: {path}:size=224")
        if None not in (side, self.place.size) and side != self.place.size:
            raise InputError(f"{path}: size: it takes images of {side} x {side} pixels, got {self.place.size}")
        size = side or self.place.size
        self.input_shape = (None, size, size, 3)
        self._pixels = _pixels(self.place, self._dtype)
        self._output = _choose_output(self.place, self._session.get_outputs())
        told = repr((size, tuple(self._pixels), self._output))
        self.fingerprint = hashlib.sha256(
            " ".join([told, *map(sha256, [path, *_weight_files(path)])]).encode()
        ).hexdigest()

    def __call__(self, images) -> np.ndarray:
        images = np.asarray(images)
        batch = self._batch or _BATCH
        return np.concatenate([self._run(images[k : k + batch], batch) for k in range(0, len(images), batch)])

    def _run(self, images: np.ndarray, batch: int) -> np.ndarray:
        count = len(images)
        if self._batch and count < batch:
            images = np.concatenate([images, np.zeros((batch - count, *images.shape[1:]), np.uint8)])
        if self._dtype != np.uint8:
            images = (images / np.float32(255) - np.float32(self._pixels.mean)) / np.float32(self._pixels.std)
        if self._channels_first:
            images = images.transpose(0, 3, 1, 2)
        try:
            (answer,) = self._session.run([self._output], {self._input: np.ascontiguousarray(images, self._dtype)})
        except Exception as error:  # ONNX Runtime's own types, which have no public names
            side = self.input_shape[1]
            raise InputError(f"{self.place.path}: fails on images of {side} x {side} pixels: {_line(error)}") from error
        return np.asarray(answer, np.float32)[:count]


def _session(path: Path):
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(f"{path}: onnxruntime is needed to run it: pip install 'dogo-tf[onnx]'") from error
    if not path.is_file():
        raise InputError(f"{path} does not exist; expected an ONNX file")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong comes as an exception, too
    there = onnxruntime.get_available_providers()
    providers = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in there]
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # ONNX Runtime's own types, which have no public names
        raise InputError(f"{path}: cannot be read as an ONNX file: {_line(error)}") from error


def _read_input(path: Path, inputs):
    """(name, dtype, batch size or None, whether channels come first, side or None) of the one input of images."""
    expected = f"{path}: expected one input of images, [B, 3, S, S] or [B, S, S, 3]"
    if len(inputs) != 1:
        raise InputError(f"{expected}; it has {_shown(inputs)}: export the image encoder alone")
    (spec,) = inputs
    batch, *inner = [side if isinstance(side, int) and side > 0 else None for side in spec.shape]
    dtype = np.uint8 if spec.type == _BYTES else _TYPES.get(spec.type)
    if len(inner) != 3 or dtype is None or (inner[0] == 3) == (inner[2] == 3):
        raise InputError(f"{expected}, floating point or uint8; it has {_shown(inputs)}")
    sides = inner[1:] if inner[0] == 3 else inner[:2]
    if sides[0] != sides[1]:
        raise InputError(f"{expected}, squares; it has {_shown(inputs)}")
    return spec.name, dtype, batch, inner[0] == 3, sides[0]


def _pixels(place: onnx_place.OnnxPlace, dtype) -> onnx_place.Normalisation:
    raw = onnx_place.PIXELS["0..255"]
    if dtype == np.uint8:
        if place.pixels not in (None, raw):
            raise InputError(f"{place.path}: pixels: it takes uint8, which is 0..255; leave them out")
        return raw
    if place.pixels is None:
        raise InputError(
            f"{place.path}: it does not say which pixel values it expects; say it: {place.path}:pixels=imagenet "
            f"(or {', '.join(list(onnx_place.PIXELS)[1:])}, or mean/std)"
        )
    return place.pixels


def _choose_output(place: onnx_place.OnnxPlace, outputs) -> str:
    named = {spec.name: spec for spec in outputs}
    if place.output is None and len(named) > 1:
        raise InputError(f"{place.path}: which output? Add :output=name; it has {_shown(outputs)}")
    name = next(iter(named)) if place.output is None else place.output
    if name not in named:
        raise InputError(f"{place.path}: output: {name!r} is none of {_shown(outputs)}")
    spec = named[name]
    if spec.type not in _TYPES or (spec.shape and len(spec.shape) != 2):
        remedy = {3: "; export its class token, or the mean of its tokens", 4: "; pool over height and width"}
        raise InputError(
            f"{place.path}: expected features [B, d], floating point; its output is {_shown([spec])}"
            + remedy.get(len(spec.shape), "")
        )
    return name


def _weight_files(path: Path) -> list[Path]:
    """The files beside it that hold weights, which ONNX keeps apart where they are large."""
    content, files = path.read_bytes(), set()
    for found in _LOCATION.finditer(content):
        length = sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(found[1]))
        files.add(path.parent / content[found.end() : found.end() + length].decode(errors="surrogateescape"))
    return sorted(file for file in files if file.is_file())


def _shown(specs) -> str:
    return ", ".join(f"{spec.name} {spec.type} [{', '.join(map(str, spec.shape))}]" for spec in specs) or "none"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
