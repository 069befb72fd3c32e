"""Places on a map of whole numbers, and the order in which images appear there when one comes nearer.

The map is a square of 2^16 x 2^16. At level l it has 2^l x 2^l cells, of which each shows one picture, the first in Z-order
(Morton, 1966) of those within. So the pictures of a level are those of the level above and some more: in the order of their
first level, the pictures of every level are the first ones of all, and a page need not look for them.
"""

from typing import NamedTuple

import numpy as np

BITS = 16
SIDE = 2**BITS


class Appearance(NamedTuple):
    """order: int64 [N], row numbers, those that appear first at the beginning. counts: [BITS + 1], pictures of each level."""

    order: np.ndarray
    counts: np.ndarray


def on_grid(places, seed: int = 0) -> np.ndarray:
    """float [N, 2] -> int64 [N, 2] within 0 .. SIDE - 1, as large as fits, each place once: copies are moved a little."""
    places = np.asarray(places, np.float64)
    low, high = places.min(axis=0), places.max(axis=0)
    scale = (SIDE - 1) / max(float((high - low).max()), 1e-12)
    found = np.clip(np.round((places - (low + high) / 2) * scale + (SIDE - 1) / 2), 0, SIDE - 1).astype(np.int64)
    rng, reach = np.random.default_rng(seed), 8
    while True:
        _, first = np.unique(found @ (SIDE, 1), return_index=True)
        copies = np.setdiff1d(np.arange(len(found)), first)
        if not len(copies):
            return found
        moved = found[copies] + rng.integers(-reach, reach, (len(copies), 2), endpoint=True)
        found[copies] = np.clip(moved, 0, SIDE - 1)
        reach = min(2 * reach, SIDE)


def appearance(points) -> Appearance:
    """points: different whole numbers [N, 2] within 0 .. SIDE - 1."""
    codes = _spread(points[:, 0]) | _spread(points[:, 1]) << np.uint64(1)
    along = np.argsort(codes)
    # An image is the first of a cell where the cell of the one before it is another.
    changed = codes[along][1:] ^ codes[along][:-1]
    levels = np.zeros(len(points), np.int64)
    for level in range(1, BITS + 1):
        levels[1:] += changed >> np.uint64(2 * (BITS - level + 1)) == 0
    order = along[np.argsort(levels, kind="stable")]
    return Appearance(order, np.searchsorted(np.sort(levels), np.arange(BITS + 1), side="right"))


def _spread(numbers) -> np.ndarray:
    """The 16 bits of each number, with a zero above each of them."""
    spread = np.asarray(numbers).astype(np.uint64)
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        spread = (spread | spread << np.uint64(shift)) & np.uint64(mask)
    return spread
