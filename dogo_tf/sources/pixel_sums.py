"""Sums over pixels as whole numbers: exact, and the same however the images are divided into blocks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dogo_tf.platform.files import reason, write_atomically
from dogo_tf.reporting.plain_text import printable

_CHUNK = 1024  # images at a time, so that the wider integers of a sum of squares stay small


class PixelSums(NamedTuple):
    """totals, squares: for red, green and blue, over all pixels, 0..255 each. pixels: how many."""

    totals: tuple[int, int, int] = (0, 0, 0)
    squares: tuple[int, int, int] = (0, 0, 0)
    pixels: int = 0

    def plus(self, other: PixelSums) -> PixelSums:
        totals, squares = (
            tuple(a + b for a, b in zip(mine, theirs, strict=True))
            for mine, theirs in ((self.totals, other.totals), (self.squares, other.squares))
        )
        return PixelSums(totals, squares, self.pixels + other.pixels)


def pixel_sums(images) -> PixelSums:
    """Of uint8 [N, H, W, 3], read in blocks."""
    found = PixelSums()
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK]
        # Over the images first: long rows add up several times as fast as the three channels do.
        totals = chunk.sum(axis=0, dtype=np.uint32).sum(axis=(0, 1), dtype=np.uint64)
        squares = np.square(chunk, dtype=np.uint16).sum(axis=0, dtype=np.uint32).sum(axis=(0, 1), dtype=np.uint64)
        found = found.plus(PixelSums(tuple(totals.tolist()), tuple(squares.tolist()), chunk.size // 3))
    return found


def read_sums(path: Path) -> PixelSums | None:
    """What write_sums wrote there; None if there is nothing, or it is damaged."""
    try:
        totals, squares, pixels = json.loads(path.read_bytes())
        found = PixelSums(tuple(map(int, totals)), tuple(map(int, squares)), int(pixels))
        return found if len(found.totals) == len(found.squares) == 3 and found.pixels > 0 else None
    except (OSError, ValueError, TypeError):
        return None


def write_sums(path: Path, sums: PixelSums) -> None:
    """Where nothing can be written, that is told on stderr: it is only taken again then."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(sums).encode())
    except OSError as error:
        told = f"cache_dir: cannot keep statistics in {path.parent}: {reason(error)}"
        print(printable(told), file=sys.stderr, flush=True)
