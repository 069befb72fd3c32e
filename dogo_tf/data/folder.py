"""Images from a folder of files: any nesting, with or without labels."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from dogo_tf.data.image_set import ImageSet, allocate
from dogo_tf.data.listing import list_images, split_folder
from dogo_tf.data.pixels import MAX_PIXELS, check_image_size, to_square
from dogo_tf.errors import InputError
from dogo_tf.reporting.plain_text import printable
from dogo_tf.reporting.progress import Progress

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")
_KINDS = "JPEG, PNG, BMP, GIF, WebP or TIFF"
_LISTED = 5  # bad files that an error names


def load_folder(
    folder: Path, split: str, image_size: int | None, max_bad_images: float, max_pixels: float = MAX_PIXELS
) -> ImageSet:
    """Every image below `folder/split` (or, for "train" without such a folder, below `folder` itself), in sorted order.

    If every image lies in a sub-folder of that folder, its class is the first-level sub-folder; else there are no
    labels. See list_images for which files count; what other extensions there are is told on stderr.
    image_size=None takes the files' own size, which must be one and the same square.
    Raises InputError: no such split, no images, unequal sizes without image_size, more bad files than the share
    `max_bad_images` (0..1) of all image files, too little memory.
    """
    root = split_folder(folder, split)
    listing = list_images(root)
    files = listing.files
    if listing.left_out:
        left_out = f"{root}: not read, as they are no {_KINDS} images: {listing.left_out_text()}"
        print(printable(left_out), file=sys.stderr)
    if image_size is None:
        image_size = _common_size(files)
    images, good, bad = _decode(files, image_size, max_pixels)
    _check_bad(root, bad, len(files), max_bad_images)
    labels, class_names = _labels(root, files)
    return ImageSet(
        name=f"{folder} {split}",
        images=images,
        labels=None if labels is None else labels[good],
        class_names=class_names,
        bad_files=tuple(bad),
        files=tuple(str(files[index]) for index in good),
    )


def _labels(root: Path, files: list[Path]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    parts = [path.relative_to(root).parts for path in files]
    if any(len(p) < 2 for p in parts):
        return None, ()
    names = tuple(sorted({p[0] for p in parts}))
    index = {name: i for i, name in enumerate(names)}
    return np.array([index[p[0]] for p in parts], np.int64), names


def _common_size(files: list[Path]) -> int:
    """The side of the square that all readable files share, from their headers alone."""
    first = None
    with _quiet(), ThreadPool(os.cpu_count()) as pool:
        for path, size in zip(files, pool.imap(_header_size, files, chunksize=16), strict=True):
            if size is None:
                continue
            first = first or (path, size)
            if size != first[1] or size[0] != size[1]:
                raise InputError(
                    "image_size: give it, because the images are not all squares of one size: "
                    + ", ".join(dict.fromkeys(f"{p} is {w} x {h}" for p, (w, h) in (first, (path, size))))
                )
    if first is None:
        return 8  # no file is readable: any size will do to collect the reasons
    check_image_size(first[1][0])
    return first[1][0]


def _header_size(path: Path) -> tuple[int, int] | None:
    try:
        with _opened(path) as image:
            return image.size
    except Exception:  # a bad file, which _read reports with its reason
        return None


class _Unreadable(Exception):
    """Why a file is not even opened."""


def _opened(path: Path) -> Image.Image:
    """The picture, not decoded yet. Only a regular file is opened: a pipe would wait for a writer for ever."""
    if not path.is_file():
        raise _Unreadable("not a file, or a broken link")
    if not path.stat().st_size:
        raise _Unreadable("empty file")
    return Image.open(path, formats=FORMATS)


def _decode(files: list[Path], size: int, max_pixels: float) -> tuple[np.ndarray, np.ndarray, list[tuple[str, str]]]:
    """(images of the good files, their indices, (path, reason) of the bad ones), in the order of `files`."""
    images = allocate(len(files), size)
    good: list[int] = []
    bad: list[tuple[str, str]] = []
    with (
        _quiet(),
        Progress("reading images", len(files)) as progress,
        ThreadPool(os.cpu_count()) as pool,
    ):  # Pillow decodes and resizes outside Python's global lock
        for index, result in enumerate(
            pool.imap(partial(_read, size=size, max_pixels=max_pixels), files, chunksize=16)
        ):
            if isinstance(result, str):
                bad.append((str(files[index]), result))
            else:
                images[len(good)] = result
                good.append(index)
            progress.update(index + 1)
    return images[: len(good)], np.array(good, np.int64), bad


def _read(path: Path, size: int, max_pixels: float) -> np.ndarray | str:
    """uint8 [size, size, 3], or the reason why this file is bad."""
    try:
        with _opened(path) as image:
            return to_square(image, size, max_pixels)
    except UnidentifiedImageError:
        return f"not a {_KINDS} image"
    except _Unreadable as error:
        return str(error)
    except Exception as error:  # on damaged files Pillow raises OSError, SyntaxError, struct.error, IndexError, ...
        return f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Pillow warns of large pictures and odd metadata; what matters to the user is in bad_files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _check_bad(root: Path, bad: list[tuple[str, str]], count: int, max_bad_images: float) -> None:
    if not bad or (len(bad) < count and len(bad) <= max_bad_images * count):
        return
    listed = "".join(f"\n  {path}: {reason}" for path, reason in bad[:_LISTED])
    more = f"\n  ... and {len(bad) - _LISTED} more" if len(bad) > _LISTED else ""
    limit = (
        "none is left"
        if len(bad) == count
        else f"more than max_bad_images={max_bad_images:g} allows ({len(bad) / count:.3g} of the files)"
    )
    raise InputError(f"{root}: {len(bad)} of {count} images cannot be read, {limit}:{listed}{more}")
