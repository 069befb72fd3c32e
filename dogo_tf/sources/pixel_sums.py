"""Sums over pixels as whole numbers: exact, and the same however the images are divided into blocks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

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
