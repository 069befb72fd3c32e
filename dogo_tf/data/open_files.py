"""Images of a set of files, by any of the three sources."""

import hashlib
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dogo_tf.data import decode
from dogo_tf.data.choose import choose, store_size
from dogo_tf.data.file_set import FileSet
from dogo_tf.data.image_set import ImageSet, allocate
from dogo_tf.data.pixels import check_image_size
from dogo_tf.errors import InputError
from dogo_tf.reporting.plain_text import printable
from dogo_tf.reporting.progress import Progress
from dogo_tf.sources import cached
from dogo_tf.sources.decoded import DecodedImages
from dogo_tf.sources.file_index import FileNames, readers
from dogo_tf.sources.records import Records

_LISTED = 5  # bad files that an error names


def open_files(
    found: FileSet,
    image_size: int | None,
    max_bad_images: float,
    max_pixels: float,
    source: str,
    cache_dir: Path,
    store_ratio: float = 1.0,
) -> ImageSet:
    """The images of these files; arguments as of data.open.

    image_size=None takes the files' own size, which must be one and the same square.
    Raises InputError: unequal sizes without image_size, more bad files than the share `max_bad_images` (0..1), too little
    memory or disk.
    """
    files, sizes = found.files, []
    if image_size is None:
        image_size = _common_size(files)
    elif source == "stream" or store_ratio > 1:
        sizes = decode.sample_sizes(files)
    stored = store_size(sizes, image_size, store_ratio)
    if source == "auto":
        source = chosen(files, stored, _digest(files, stored, max_pixels), cache_dir)
    image_size = image_size if source == "stream" else stored  # a stream's crops come from the files themselves
    read = partial(decode.read_image, size=image_size, max_pixels=max_pixels)
    if source == "stream":
        cut = partial(decode.read_crops, max_pixels=max_pixels)
        larger = any(size != (image_size, image_size) for size in sizes)
        name, kept_in = _digest(files, image_size, max_pixels, found.labels), cache_dir / "statistics"
        images = DecodedImages(files, image_size, name, read, max_bad_images, cut, larger, kept_in, found.labels)
        kept = _Kept(images, np.arange(len(files)), [])
    else:
        if source == "cache":
            kept = _in_cache(files, image_size, max_pixels, read, cache_dir)
        else:
            kept = _in_memory(files, image_size, read)
        _check_bad(found.place, kept.bad, len(files), max_bad_images)
    if kept.bad:
        path, reason = kept.bad[0]
        counts = f"left out {len(kept.bad)} of {len(files)} images of {found.place}"
        _say(f"{counts} that cannot be read, e.g. {path}: {reason}")
    names = FileNames(files, kept.good)
    named = {"records" if isinstance(files, Records) else "files": names}
    return ImageSet(
        name=found.name,
        images=kept.images,
        labels=None if found.labels is None else found.labels[kept.good],
        class_names=found.class_names,
        bad_files=tuple(kept.bad),
        source=source,
        **named,
    )


class _Kept(NamedTuple):
    """images: of the good files. good: int64 [N], their numbers. bad: (path, reason) of the others."""

    images: np.ndarray
    good: np.ndarray
    bad: list[tuple[str, str]]


def _digest(files, size: int, max_pixels: float, labels: np.ndarray | None = None) -> str:
    """Hexadecimal: of the files, the side of the images and the decoder's version.

    labels: where they decide which images stand for bad files: features under one digest must be of the same images.
    """
    found = hashlib.sha256(f"{files.digest()}\n{size}\n{decode.version(max_pixels)}".encode())
    if labels is not None:
        found.update(np.ascontiguousarray(labels, np.int64).data)
    return found.hexdigest()


def cache_folder(cache_dir: Path, digest: str) -> Path:
    return cache_dir / digest[:32]


def chosen(files, size: int, digest: str, cache_dir: Path, without_stream: str = "") -> str:
    """The source for "auto", which is told with why.

    digest: names the cache. without_stream: why, if a stream is impossible, and what to do about it.
    Raises InputError: only a stream would do, and is impossible.
    """

    def missing() -> int:
        return cached.missing_bytes(cache_folder(cache_dir, digest), files, size)

    source, why = choose(3 * size * size * len(files), missing, lambda: cached.free_bytes(cache_dir))
    if source == "stream" and without_stream:
        raise InputError(f"source: {why}; {without_stream}")
    _say(f"source={source}: {why}")
    return source


def _in_cache(files, size: int, max_pixels: float, read: Callable, cache_dir: Path) -> _Kept:
    digest = _digest(files, size, max_pixels)
    with decode.quiet():
        images = cached.open_cache(cache_folder(cache_dir, digest), files, size, digest, read)
    return _Kept(images, images.good, [(str(files[number]), reason) for number, reason in images.bad])


def _in_memory(files, size: int, read: Callable) -> _Kept:
    images = allocate(len(files), size)
    good: list[int] = []
    bad: list[tuple[str, str]] = []
    with (
        decode.quiet(),
        Progress("reading images", len(files)) as progress,
        ThreadPool(readers(files)) as pool,
    ):  # Pillow decodes and resizes outside Python's global lock
        for index, result in enumerate(pool.imap(read, files, chunksize=16)):
            if isinstance(result, str):
                bad.append((str(files[index]), result))
            else:
                images[len(good)] = result
                good.append(index)
            progress.update(index + 1)
    return _Kept(images[: len(good)], np.array(good, np.int64), bad)


def _common_size(files: list[Path]) -> int:
    """The side of the square that all readable files share, from their headers alone."""
    first = None
    with decode.quiet(), ThreadPool(readers(files)) as pool:
        for path, size in zip(files, pool.imap(decode.header_size, files, chunksize=16), strict=True):
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


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)
