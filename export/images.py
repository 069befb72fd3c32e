"""Parts of a set of images, drawn by a seed."""

from dataclasses import replace

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError

TEST_SHARE = 0.2


def set_aside(data: ImageSet, share: float, seed: int) -> tuple[ImageSet, ImageSet]:
    """(the rest, `share` of the images, 0..1), disjoint; each in the order of the data."""
    order = np.random.default_rng(seed).permutation(len(data.images))
    count = round(share * len(order))
    if not 0 < count < len(order):
        raise InputError(f"{data.name}: its {len(order)} images cannot be divided into two parts")
    rest, aside = _part(data, order[count:]), _part(data, order[:count])
    return replace(rest, name=f"{data.name} (the rest)"), replace(aside, name=f"{data.name} ({share:.0%} set aside)")


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
    return replace(data, images=data.images[rows], labels=labels)
