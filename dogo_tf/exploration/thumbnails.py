"""Thumbnails in sheets: many small pictures in one file, which a browser decodes at once."""

import io
from collections.abc import Iterator
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
from PIL import Image

from dogo_tf.data import decode
from dogo_tf.data.image_set import ImageSet
from dogo_tf.reporting.progress import Progress

SHEET = 1024  # pixels, width and height
SIDES = (32, 64)
MANY = 20_000  # images; of more, thumbnails are small, so that a page stays below 100 MB
QUALITY = 80
_READERS = 8


def side_for(images: ImageSet, count: int) -> int:
    """The side of thumbnails in pixels: as large as the pictures are, and as so many allow."""
    small, large = SIDES
    some = np.linspace(0, len(images) - 1, decode.SAMPLE).round().astype(int) if len(images.files) else []
    shorter = (
        [min(size) for size in decode.sample_sizes([Path(images.files[row]) for row in some])] if len(some) else []
    )
    enough = float(np.median(shorter)) if shorter else images.images.shape[1]
    return large if count <= MANY and enough > small else small


def per_sheet(side: int) -> int:
    return (SHEET // side) ** 2


def sheets(images: ImageSet, rows, side: int, max_pixels: float) -> Iterator[bytes]:
    """WebP files with per_sheet(side) thumbnails each, row by row, in the order of `rows`; the last one may be lower.

    Thumbnails come from the files, where these are on this machine and larger, else from what the encoder saw.
    """
    count, across = per_sheet(side), SHEET // side
    with Progress("making thumbnails", len(rows)) as progress, ThreadPool(_READERS) as pool, decode.quiet():
        for start in range(0, len(rows), count):
            some = rows[start : start + count]
            cells = np.zeros((count, side, side, 3), np.uint8)
            cells[: len(some)] = _thumbnails(images, some, side, max_pixels, pool)
            height = side * -(-len(some) // across)
            sheet = cells.reshape(across, across, side, side, 3).swapaxes(1, 2).reshape(SHEET, SHEET, 3)[:height]
            file = io.BytesIO()
            Image.fromarray(sheet).save(file, "WEBP", quality=QUALITY)
            progress.update(start + len(some))
            yield file.getvalue()


def _thumbnails(images: ImageSet, rows, side: int, max_pixels: float, pool: ThreadPool) -> np.ndarray:
    seen = images[rows]
    if seen.shape[1] >= side or not len(images.files):
        return np.stack(pool.map(lambda pixels: _resized(pixels, side), seen))

    def best(number: int) -> np.ndarray:
        read = decode.read_image(Path(images.files[rows[number]]), side, max_pixels)
        return _resized(seen[number], side) if isinstance(read, str) else read

    return np.stack(pool.map(best, range(len(rows))))


def _resized(pixels: np.ndarray, side: int) -> np.ndarray:
    if pixels.shape[0] == side:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR))
