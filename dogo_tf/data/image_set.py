"""A data set in memory: uint8 images, and labels if there are any."""

import hashlib
import math
import os
from dataclasses import dataclass

import numpy as np

from dogo_tf.errors import InputError

_CHUNK = 1024  # images at a time, so that the wider integers of a sum of squares stay small


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images of one split, decoded and resized.

    Attributes:
        name: what was loaded, e.g. "cifar10 train".
        images: uint8 [N, S, S, 3], values 0..255.
        labels: int64 [N], indices into `class_names`; None if unlabelled.
        class_names: one name a class; empty if unlabelled.
        bad_files: (path, reason) of every file that could not be read and was left out.
        files: the path of every image, in their order; empty if they did not come from files of their own.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    bad_files: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()


def check_images(images: np.ndarray, argument: str = "images") -> None:
    """Raises InputError unless `images` is a uint8 array [N, H, W, 3]; the message says how to convert what came."""
    expected = f"{argument}: expected a NumPy array uint8 [N, H, W, 3] with values 0..255, got"
    if isinstance(images, ImageSet):
        raise InputError(f"{expected} an ImageSet; pass its .images")
    if not isinstance(images, np.ndarray):
        raise InputError(f"{expected} {type(images).__name__}; convert it with numpy.asarray")
    if images.ndim != 4 or images.shape[-1] != 3:
        raise InputError(f"{expected} shape {list(images.shape)}")
    if images.dtype != np.uint8:
        raise InputError(f"{expected} {_describe(images)}")


def _describe(images: np.ndarray) -> str:
    """The type and range of an array of the wrong type, and how to convert it."""
    if images.dtype.kind not in "fiu" or not images.size:
        return str(images.dtype)
    low, high = images.min(), images.max()
    came = f"{images.dtype} in [{low:.4g}, {high:.4g}]"
    if low >= 0 and high <= 1:
        return f"{came}; convert it with (255 * images).round().astype('uint8')"
    if low >= 0 and high <= 255:
        return f"{came}; convert it with images.round().astype('uint8')"
    return f"{came}; undo its normalisation, so that it lies in 0..255, then images.round().astype('uint8')"


def pixel_statistics(images: np.ndarray) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """(mean, std) of every channel over all images and pixels, in units of 0..255; exact, by integer sums.

    The standard deviation is the population's, and at least 1 (one grey level), so that networks can divide by it even
    where a channel is constant.
    """
    check_images(images)
    if not images.size:
        raise InputError("images: no images to take the mean and standard deviation of")
    total, squares = np.zeros(3, np.uint64), np.zeros(3, np.uint64)
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK]
        # Over the images first: long rows add up several times as fast as the three channels do.
        total += chunk.sum(axis=0, dtype=np.uint32).sum(axis=(0, 1), dtype=np.uint64)
        squares += np.square(chunk, dtype=np.uint16).sum(axis=0, dtype=np.uint32).sum(axis=(0, 1), dtype=np.uint64)
    count = images.size // 3
    red, green, blue = (_mean_and_std(int(t), int(q), count) for t, q in zip(total, squares, strict=True))
    return (red[0], green[0], blue[0]), (red[1], green[1], blue[1])


def _mean_and_std(total: int, squares: int, count: int) -> tuple[float, float]:
    mean = total / count
    return mean, max(1.0, math.sqrt(max(0.0, squares / count - mean * mean)))


def digest(images: np.ndarray) -> str:
    """The sha256 of the shape and of every pixel in order, hexadecimal: the same only for the same images in the same order."""
    found = hashlib.sha256(f"{tuple(images.shape)}\n".encode())
    for start in range(0, len(images), _CHUNK):
        found.update(np.ascontiguousarray(images[start : start + _CHUNK]).data)
    return found.hexdigest()


def allocate(count: int, size: int) -> np.ndarray:
    """An uninitialised uint8 array [count, size, size, 3]; InputError if the machine has not the memory for it."""
    needed, available = count * size * size * 3, available_memory()
    if available is not None and needed > available:
        fits = int(math.sqrt(available / (3 * count))) // 8 * 8
        advice = f"image_size={fits} would fit" if fits >= 8 else "use fewer images"
        raise InputError(
            f"image_size: {count} images of {size} x {size} pixels need {needed} bytes of memory, "
            f"but {available} are available; {advice}"
        )
    return np.empty([count, size, size, 3], np.uint8)


def available_memory() -> int | None:
    """Bytes of memory that a new array may use; None where the system does not say."""
    try:  # Linux counts the file cache, which it gives up on demand, as available here; SC_AVPHYS_PAGES does not
        with open("/proc/meminfo", encoding="ascii") as lines:
            return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
