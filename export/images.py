"""Parts of a set of images, drawn by a seed."""

from dataclasses import replace

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.sources.selection import selected

TEST_SHARE = 0.2


def set_aside(data: ImageSet, at_least: int, seed: int) -> tuple[ImageSet, ImageSet]:
    """(the rest, a fifth of the images or `at_least` that many), disjoint; each in the order of the data."""
    order = np.random.default_rng(seed).permutation(len(data.images))
    count = max(at_least, round(TEST_SHARE * len(order)))
    if count >= len(order):
        raise InputError(f"{data.name}: expected more than {count} images, to set {count} aside; got {len(order)}")
    rest, aside = _part(data, order[count:]), _part(data, order[:count])
    return replace(rest, name=f"{data.name}, the rest"), replace(aside, name=f"{data.name}, {count} set aside")


def at_most(data: ImageSet, count: int, seed: int) -> ImageSet:
    """All images, or `count` of them."""
    if count < 1:
        raise InputError(f"max_images: expected at least 1, got {count}")
    if len(data.images) <= count:
        return data
    return _part(data, np.random.default_rng(seed).permutation(len(data.images))[:count])


def _part(data: ImageSet, rows: np.ndarray) -> ImageSet:
    rows = np.sort(rows)
    labels = None if data.labels is None else data.labels[rows]
    files = tuple(data.files[row] for row in rows) if data.files else ()
    return replace(data, images=selected(data.images, rows), labels=labels, files=files)
