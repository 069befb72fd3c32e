"""A data set: uint8 images, in memory or fetched when they are asked for, and labels if there are any."""

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.reporting.progress import say
from dogo_tf.sources.pixel_sums import pixel_sums
from dogo_tf.sources.source import ImageSource

_CHUNK = 1024  # images that are hashed at a time
# Share of the test images that may be among the training images: public data sets hold a few pictures twice.
TOLERATED_SHARE = 0.01


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images of one split, decoded and resized: `data[rows]` gives uint8 [n, S, S, 3] of them, wherever they are kept.

    Attributes:
        name: what was loaded, e.g. "cifar10 train".
        images: uint8 [N, S, S, 3], values 0..255: an array from `load`; from `open`, also an ImageSource, which has the shape,
            the length and the rows of one.
        labels: int64 [N], indices into `class_names`; None if unlabelled.
        class_names: one name a class; empty if unlabelled.
        bad_files: (path, reason) of every file that could not be read and was left out. A stream leaves none out.
        files: the path of every image, in their order; empty if they did not come from files of their own.
        source: where the images are kept: "memory", "cache" or "stream".
        records: what names every image that is a record of a data set, and so has no file of its own; else empty.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    bad_files: tuple[tuple[str, str], ...] = ()
    files: Sequence[str] = ()
    source: str = "memory"
    records: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows) -> np.ndarray:
        """rows: as of an array, e.g. int64 [n]."""
        return self.images[rows]


def check_images(images, argument: str = "images") -> None:
    """Raises InputError unless `images` is a uint8 array [N, H, W, 3] or an ImageSource; says how to convert what came."""
    expected = f"{argument}: expected a NumPy array uint8 [N, H, W, 3] with values 0..255, got"
    if isinstance(images, ImageSet):
        raise InputError(f"{expected} an ImageSet; pass its .images")
    if isinstance(images, ImageSource):
        return
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


def pixel_statistics(images) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """(mean, std) of every channel over all images and pixels, in units of 0..255; exact, by integer sums.

    images: uint8 [N, H, W, 3], an array or an ImageSource. Of more than 10,000 images that are decoded on the fly ("stream"),
    10,000 evenly spaced ones are taken.

    The standard deviation is the population's, and at least 1 (one grey level), so that networks can divide by it even
    where a channel is constant.
    """
    check_images(images)
    if not math.prod(images.shape):
        raise InputError("images: no images to take the mean and standard deviation of")
    sums = images.pixel_sums() if isinstance(images, ImageSource) else pixel_sums(images)
    red, green, blue = (_mean_and_std(t, q, sums.pixels) for t, q in zip(sums.totals, sums.squares, strict=True))
    return (red[0], green[0], blue[0]), (red[1], green[1], blue[1])


def _mean_and_std(total: int, squares: int, count: int) -> tuple[float, float]:
    mean = total / count
    return mean, max(1.0, math.sqrt(max(0.0, squares / count - mean * mean)))


def digest(images) -> str:
    """Hexadecimal; the same only for the same images in the same order.

    The sha256 of the shape and of every pixel; of an ImageSource that of its files' paths, sizes and modification times.
    """
    if isinstance(images, ImageSource):
        return images.digest
    found = hashlib.sha256(f"{tuple(images.shape)}\n".encode())
    for start in range(0, len(images), _CHUNK):
        found.update(np.ascontiguousarray(images[start : start + _CHUNK]).data)
    return found.hexdigest()


def warn_of_shared_images(train: ImageSet, test: ImageSet) -> None:
    """Says so where more than 1 % of the test images are pixel by pixel among train's, whose labels are learnt.

    Of images in memory; to read those of a cache or a stream only for this would take too long.
    """
    if not all(isinstance(part.images, np.ndarray) for part in (train, test)):
        return
    known = {_fingerprint(image) for image in train.images}
    shared = sum(_fingerprint(image) in known for image in test.images)
    if shared > TOLERATED_SHARE * len(test):
        say(
            f"warning: {shared:,} of the {len(test):,} images of {test.name} are among those of {train.name}, whose labels are "
            "learnt: accuracies will be too high; choose splits that share no images"
        )


def _fingerprint(image: np.ndarray) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()


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
