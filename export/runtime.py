"""An exported .tflite encoder on a device: images in; features, or a label and a confidence, out.

This file works alone. Copy it beside your program; it needs `pip install ai-edge-litert numpy pillow` and nothing else.

    from runtime import Encoder
    encoder = Encoder("small_float16.tflite")
    features = encoder.features(["a.jpg", "b.jpg"], normalise=True)   # float32 [2, d]; features @ features.T: cosines
    label, confidence = encoder.classify("a.jpg")[0]                  # of a file that was exported with a head

Or as a program:

  python runtime.py small_int8.tflite a.jpg b.jpg                          # a line an image: label and confidence, or features
  python runtime.py small_int8.tflite --benchmark --threads=2 > pi.json    # time and memory here, for dogo-export --report_add
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import platform
import sys
import tempfile
import time
import warnings
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps

INPUT, OUTPUT, LOGITS = "images", "features", "logits"
METADATA = "metadata.json"
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")
MAX_PIXELS = 50_000_000  # a small file may unpack to gigabytes; larger JPEGs are decoded at a fraction of their size
LARGEST_DESCRIPTION = 2**20  # bytes
_SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")  # how Pillow names 16-bit grey, depending on its version


class Encoder:
    """A .tflite file, of any format, as a function from images to features or labels.

    Args:
        path: the .tflite file, or its bytes. If its description lies beside it (<name>.json) or inside it, the checksum there
            must fit.
        threads: of the interpreter.
        max_pixels: of a file to decode; a larger JPEG is decoded at 1/2, 1/4 or 1/8 of its sides, other files are refused.
            Pillow opens none of more than twice PIL.Image.MAX_IMAGE_PIXELS, 179 million unless your program raises it.
    Attributes:
        image_size: (height, width) in pixels that the network takes.
        feature_dimension: d.
        outputs: name -> dtype, shape, scale and zero-point as the file holds them; what this class returns is float32.
        labels: the classes of its head, as a tuple; empty without a head.
        metadata: the description as a dict; None if there is none.
    Raises:
        ValueError: no such file, not a TFLite file, not an encoder of dogo_tf, or a description of other bytes.
    """

    def __init__(self, path, threads: int = 1, max_pixels: float = MAX_PIXELS):
        self._max_pixels = max_pixels
        if threads < 1:
            raise ValueError(f"threads: expected at least 1, got {threads}")
        name = "TFLite model" if isinstance(path, bytes) else str(path)
        model, self.metadata = _read(path, name)
        try:
            with _captured_stderr():  # LiteRT announces its delegate
                # Kept: the runner does not own it.
                self._interpreter = Interpreter(model_content=model, num_threads=threads)
                for taken in self._interpreter.get_input_details():
                    if np.prod(taken["shape"], dtype=float) > 3 * MAX_PIXELS:
                        raise ValueError(f"its input {taken['shape'].tolist()} is larger than any image")
                self._interpreter.allocate_tensors()
                signatures = self._interpreter.get_signature_list()
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"{name}: expected a TFLite file, but LiteRT cannot load it: {error}") from error
        if not any(s["inputs"] == [INPUT] and OUTPUT in s["outputs"] for s in signatures.values()):
            raise ValueError(f"{name}: expected a signature from {INPUT!r} to {OUTPUT!r}, it has {signatures}")
        try:
            self._run = self._interpreter.get_signature_runner()
            taken, given = self._run.get_input_details()[INPUT], self._run.get_output_details()
        except (ValueError, TypeError) as error:  # names that are no text, several signatures, numbers of no tensor
            raise ValueError(f"{name}: its signature cannot be read: {error}") from error
        if len(taken["shape"]) != 4 or len(given[OUTPUT]["shape"]) != 2:
            shapes = f"{taken['shape'].tolist()} to {given[OUTPUT]['shape'].tolist()}"
            raise ValueError(f"{name}: expected images [B, height, width, 3] to features [B, d], it maps {shapes}")
        # Scale 0 means: not quantised.
        if taken["dtype"] != np.uint8 or taken["quantization"] not in ((0.0, 0), (1.0, 0)):
            raise ValueError(
                f"{name}: expected to give it uint8 pixels as they are, it takes {np.dtype(taken['dtype']).name} "
                f"of scale and zero-point {taken['quantization']}"
            )
        for output, details in given.items():
            if details["dtype"] not in (np.float32, np.int8, np.uint8):
                kind = np.dtype(details["dtype"]).name
                raise ValueError(f"{name}: expected float32, int8 or uint8 {output}, got {kind}")
        self.image_size = (int(taken["shape"][1]), int(taken["shape"][2]))
        self.feature_dimension = int(given[OUTPUT]["shape"][-1])
        labels = (self.metadata or {}).get("labels") or []
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise ValueError(
                f"{name}: expected a list of names as the labels in its description, got {str(labels)[:40]}"
            )
        self.labels = tuple(labels)
        classes = int(given[LOGITS]["shape"][-1]) if LOGITS in given else 0
        if self.labels and len(self.labels) != classes:
            raise ValueError(f"{name}: its description has {len(self.labels)} labels, its head {classes} classes")
        self.outputs = {output: _stated(details) for output, details in given.items()}

    def run(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """Every output, float32 [B, ...], for pixels uint8 [B, height, width, 3] of exactly `image_size`."""
        # By name, as the order of outputs is not that of the signature.
        try:
            raw = self._run(**{INPUT: np.ascontiguousarray(pixels)})
        except RuntimeError as error:  # constants that are not in the file, ...
            raise ValueError(f"the TFLite file is damaged: LiteRT cannot run it: {error}") from error
        return {name: _real(values, **self.outputs[name]) for name, values in raw.items()}

    def features(self, images, normalise: bool = False) -> np.ndarray:
        """One row of features an image, in order.

        Args:
            images: uint8 [B, H, W, 3] or [H, W, 3], RGB 0..255; a path; a Pillow image; or a list of any of these. Of any
                size: they are cropped and resized as in training (see `to_square`).
            normalise: scale the rows to length 1, so that their products are cosines; a zero row stays zero.
        Returns:
            float32 [B, d].
        Raises:
            ValueError: no images, another type or shape, a file that cannot be read; or, for a network whose input is not
                square, images that do not have its size already.
        """
        features = self._all(images, OUTPUT)
        if normalise:
            lengths = np.linalg.norm(features, axis=1, keepdims=True)
            features = features / np.where(lengths > 0, lengths, 1)
        return features

    def classify(self, images) -> list[tuple[str, float]]:
        """The most probable label of each image and its probability by the head, 0..1; images as in `features`.

        Raises:
            ValueError: as `features`; a file without a head, or whose description with the labels is missing.
        """
        if LOGITS not in self.outputs:
            raise ValueError("this file gives features only; export it with --head for labels")
        if not self.labels:
            raise ValueError("the labels are missing: keep the .json description beside the file")
        logits = self._all(images, LOGITS).astype(np.float64)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return [(self.labels[best], float(row[best])) for best, row in zip(shares.argmax(axis=1), shares, strict=True)]

    def _all(self, images, output: str) -> np.ndarray:
        # One at a time: on one thread a batch is no faster an image, and this needs the memory of one.
        return np.concatenate([self.run(self._pixels(image)[np.newaxis])[output] for image in _as_list(images)])

    def _pixels(self, image) -> np.ndarray:
        """uint8 [height, width, 3] of the network's size."""
        if isinstance(image, np.ndarray):
            _check_array(image, 3)
            if image.shape[:2] == self.image_size:
                return image
            image = Image.fromarray(image)
        height, width = self.image_size
        if height != width:
            raise ValueError(f"images: this network's input is not square; expected arrays of {height} x {width} x 3")
        if isinstance(image, Image.Image):
            return to_square(image, height, float("inf"))  # in memory already, or opened by the caller
        if not isinstance(image, (str, os.PathLike)):
            raise ValueError(f"images: expected uint8 arrays, Pillow images or paths, got {type(image).__name__}")
        if os.path.exists(image) and not os.path.isfile(image):  # a pipe would wait for a writer for ever
            raise ValueError(f"{os.fspath(image)}: cannot be read as an image: it is no file")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow warns of large pictures and odd metadata
                with Image.open(image, formats=_FORMATS) as opened:
                    return to_square(opened, height, self._max_pixels)
        except Exception as error:  # on damaged files Pillow raises OSError, SyntaxError, struct.error, IndexError, ...
            raise ValueError(f"{os.fspath(image)}: cannot be read as an image: {error}") from error


def to_square(image: Image.Image, size: int, max_pixels: float = MAX_PIXELS) -> np.ndarray:
    """The centre of `image` as uint8 [size, size, 3], values 0..255: what the network saw in training, to the bit.

    In this order: turn it upright (EXIF), crop the largest centred square, convert to RGB (transparency on white, 16-bit grey
    divided by 257), resize by Pillow's BILINEAR. A JPEG file that is not decoded yet is decoded at a fraction of its size.
    Raises what Pillow raises on damaged data, and ValueError for other pixel types (32-bit float, Lab, ...) and for more than
    `max_pixels` to decode.
    """
    whole = image.size
    image.draft(None, (2 * size, 2 * size))
    # A progressive JPEG is unpacked whole before it is reduced.
    width, height = whole if image.info.get("progressive") else image.size
    if width * height > max_pixels:
        raise ValueError(f"{width} x {height} pixels, more than the {max_pixels / 1e6:g} million of max_pixels")
    image = _upright(image)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = _to_rgb(image.crop((left, top, left + side, top + side)))
    if side != size:
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(image)


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # Pillow's parser fails in many ways on a damaged EXIF block
        image.load()  # ... while the pixels are fine, or raise here
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in _SIXTEEN_BIT:
        grey = np.clip(np.asarray(image), 0, 65535).astype(np.float32)
        return Image.fromarray(np.round(grey / 257).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if image.mode in ("1", "L", "P", "CMYK", "YCbCr", "RGBX", "HSV"):
        return image.convert("RGB")
    raise ValueError(f"pixel type {image.mode} is not supported")


def _stated(details) -> dict:
    quantised = details["dtype"] != np.float32
    scale, zero_point = details["quantization"] if quantised else (None, None)
    shape = [None, *(int(side) for side in details["shape"][1:])]
    return {"dtype": np.dtype(details["dtype"]).name, "shape": shape, "scale": scale, "zero_point": zero_point}


def _real(values: np.ndarray, scale, zero_point, **_) -> np.ndarray:
    return values if scale is None else np.float32(scale) * (values.astype(np.float32) - zero_point)


def _as_list(images) -> list:
    if isinstance(images, (str, os.PathLike, Image.Image)):
        return [images]
    if isinstance(images, np.ndarray):
        if images.ndim == 3:
            return [images]
        _check_array(images, 4)
    elif not isinstance(images, (list, tuple)):
        raise ValueError(f"images: expected an array, a Pillow image, a path or a list, got {type(images).__name__}")
    if not len(images):
        raise ValueError("images: expected at least one, got none")
    return list(images)


def _check_array(array: np.ndarray, dimensions: int) -> None:
    if array.dtype != np.uint8:
        raise ValueError(f"images: expected uint8 pixel values 0..255, got {array.dtype}")
    if array.ndim != dimensions or array.shape[-1] != 3 or 0 in array.shape[-3:]:
        raise ValueError(f"images: expected shape [B, H, W, 3] or [H, W, 3], got {list(array.shape)}")


def _read(path, name: str) -> tuple[bytes, dict | None]:
    """The model without what is appended to it, and its description: the file beside it, else the one appended to it."""
    if not isinstance(path, bytes) and Path(path).exists() and not Path(path).is_file():
        raise ValueError(f"{name}: cannot be read: it is no file")  # a pipe would wait for a writer for ever
    try:
        content = path if isinstance(path, bytes) else Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{name}: cannot be read: {error.strerror}") from error
    if not content:
        raise ValueError(f"{name}: expected a TFLite file, it is empty")
    model, text = _split(content, name)
    source, sidecar = name, None if isinstance(path, bytes) else Path(path).with_suffix(".json")
    if sidecar and sidecar.is_file():
        with sidecar.open("rb") as file:
            text, source = file.read(LARGEST_DESCRIPTION + 1), str(sidecar)
    if text is None:
        return model, None
    try:
        if len(text) > LARGEST_DESCRIPTION:
            raise ValueError("larger than any description")
        metadata = json.loads(text)
        expected = metadata["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{source}: expected the JSON description of an exported encoder, with its sha256") from error
    found = hashlib.sha256(model).hexdigest()
    if found != expected:
        raise ValueError(f"{name}: damaged or replaced: its sha256 is {found}, {source} states {expected}")
    return model, metadata


def _split(content: bytes, name: str) -> tuple[bytes, bytes | None]:
    """The model, and the description that is appended to it as a zip archive; None without one."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content, None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if METADATA not in archive.namelist():
                return content, None
            model = content[: min(entry.header_offset for entry in archive.infolist())]
            with archive.open(METADATA) as file:
                return model, file.read(LARGEST_DESCRIPTION + 1)
    except Exception as error:  # a damaged archive raises much: BadZipFile, zlib.error, NotImplementedError, EOFError
        raise ValueError(f"{name}: damaged: its description cannot be unpacked: {error}") from error


@contextlib.contextmanager
def _captured_stderr():
    """What native code writes to file descriptor 2 inside is dropped, or shown after all if an exception leaves the block."""
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(screen, kept.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)


BENCHMARK = "dogo-tf device benchmark 1"
CALLS, WARM_UP = 200, 10


def benchmark(path, image=None, threads: int = 1, calls: int = CALLS) -> dict:
    """Time and memory of one file on this device, ready for JSON.

    Args:
        path: the .tflite file.
        image: path of a picture; then decoding and resizing it is timed, too. Without one the network gets random pixels.
        threads: of the interpreter.
        calls: how many are timed, one image each, after 10 others.
    Returns:
        median_ms, p95_ms: of the network alone, milliseconds; load_ms: from the file to the first answer; with_image_ms: the
        median from a picture's file to its features, or None; memory_bytes: by how much the process grew for the model, and
        peak_memory_bytes: all of it with Python and the libraries (None where the system does not tell); sha256: of the model
        without its description; and what the device is.
    Raises:
        ValueError: as Encoder and its `features`; fewer than one call.
    """
    if calls < 1:
        raise ValueError(f"calls: expected at least 1, got {calls}")
    model, _ = _read(path, str(path))
    before, started = _peak_memory(), time.perf_counter()
    encoder = Encoder(path, threads)
    pixels = np.random.default_rng(0).integers(0, 256, (1, *encoder.image_size, 3), np.uint8)
    encoder.run(pixels)
    load_ms = 1000 * (time.perf_counter() - started)
    times = _times(lambda: encoder.run(pixels), calls)
    whole = None if image is None else float(np.median(_times(lambda: encoder.features(image), calls)))
    after = _peak_memory()
    told = encoder.metadata or {}
    return {
        "kind": BENCHMARK,
        "file": Path(path).name,
        "encoder": told.get("encoder"),
        "variant": told.get("variant"),
        "sha256": hashlib.sha256(model).hexdigest(),
        "batch": 1,
        "threads": threads,
        "calls": calls,
        "median_ms": float(np.median(times)),
        "p95_ms": float(np.percentile(times, 95)),
        "load_ms": load_ms,
        "with_image_ms": whole,
        "memory_bytes": None if before is None or after is None else after - before,
        "peak_memory_bytes": after,
        "device": _device(),
    }


def _times(call, calls: int) -> list[float]:
    """Milliseconds of each call, after a warm-up."""
    found = []
    for number in range(WARM_UP + calls):
        started = time.perf_counter()
        call()
        if number >= WARM_UP:
            found.append(1000 * (time.perf_counter() - started))
    return found


def _peak_memory() -> int | None:
    """Bytes that this process has had in memory at most; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _device() -> dict:
    return {
        "name": _first_line("/proc/device-tree/model") or _processor() or platform.machine(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        **{name: version(name) for name in ("ai-edge-litert", "numpy", "pillow")},
    }


def _processor() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor() or None
    found = (line.partition(":")[2].strip() for line in lines if line.lower().startswith(("model name", "hardware")))
    return next(found, None)


def _first_line(path: str) -> str | None:
    try:
        return Path(path).read_text(errors="replace").strip("\0\n ").partition("\n")[0] or None
    except OSError:
        return None


def main(words: list[str] | None = None) -> int:
    """The program; see the top of this file. Returns its exit code: 0, or 2 with a message for what cannot be read."""
    parser = argparse.ArgumentParser(description="Runs an exported .tflite encoder, or times it on this device.")
    parser.add_argument("model", help="a .tflite file of dogo-export; keep its .json beside it")
    parser.add_argument(
        "images", nargs="*", help="pictures: a line each with label and confidence, or else its features"
    )
    parser.add_argument(
        "--benchmark", action="store_true", help="print time and memory as JSON; of a picture, too, if given"
    )
    parser.add_argument("--threads", type=int, default=1, help="of the interpreter (default: 1)")
    parser.add_argument("--calls", type=int, default=CALLS, help=f"how many --benchmark times (default: {CALLS})")
    asked = parser.parse_intermixed_args(words)  # pictures may stand behind the flags
    if not asked.benchmark and not asked.images:
        parser.error("expected pictures, or --benchmark")
    try:
        if asked.benchmark:
            image = asked.images[0] if asked.images else None
            print(json.dumps(benchmark(asked.model, image, asked.threads, asked.calls), indent=1))
            return 0
        encoder = Encoder(asked.model, asked.threads)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    failed = False
    for image in asked.images:
        try:
            print(_line(encoder, image), flush=True)
        except ValueError as error:
            failed = True
            print(f"error: {error}", file=sys.stderr)
    return 2 if failed else 0


def _line(encoder: Encoder, image: str) -> str:
    if encoder.labels:
        label, confidence = encoder.classify(image)[0]
        return f"{image}\t{label}\t{confidence:.4f}"
    return f"{image}\t{' '.join(f'{value:.6g}' for value in encoder.features(image)[0])}"


if __name__ == "__main__":
    sys.exit(main())
