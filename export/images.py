"""Which images: whether two are the same set, and parts of one, drawn by a seed."""

import os
from dataclasses import replace

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.platform.files import expanded
from dogo_tf.sources.selection import selected

TEST_SHARE = 0.2


def place(name: str, split: str) -> tuple[str, str]:
    """Equal for one split of one data set, however its path is written; nothing needs to be there."""
    path = expanded(name)
    if not path.is_dir():
        return os.path.realpath(path), split
    return os.path.realpath(path / split if (path / split).is_dir() else path), ""  # as data.open chooses the folder


def set_aside(data: ImageSet, at_least: int, seed: int) -> tuple[ImageSet, ImageSet]:
    """(the rest, a fifth of the images or `at_least` that many), disjoint; each in the order of the data.

    Of every class the rest has an image, as long as there are no more classes than it has images.
    """
    order = np.random.default_rng(seed).permutation(len(data.images))
    order = _every_class_first(order[::-1], data.labels)[::-1]
    count = max(at_least, round(TEST_SHARE * len(order)))
    if count >= len(order):
        raise InputError(f"{data.name}: expected more than {count} images, to set {count} aside; got {len(order)}")
    rest, aside = _part(data, order[count:]), _part(data, order[:count])
    return replace(rest, name=f"{data.name}, the rest"), replace(aside, name=f"{data.name}, {count} set aside")


def at_most(data: ImageSet, count: int, seed: int, every_class: bool = False) -> ImageSet:
    """All images, or `count` of them.

    every_class: one image of each at least, as far as `count` goes, for what is to be learnt from.
    """
    if count < 1:
        raise InputError(f"max_images: expected at least 1, got {count}")
    if len(data.images) <= count:
        return data
    order = np.random.default_rng(seed).permutation(len(data.images))
    return _part(data, (_every_class_first(order, data.labels) if every_class else order)[:count])


def _every_class_first(order: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """The rows with the first one of each class in front, so that none is lost with the rest."""
    if labels is None:
        return order
    first = np.sort(np.unique(labels[order], return_index=True)[1])
    return np.concatenate([order[first], np.delete(order, first)])


def _part(data: ImageSet, rows: np.ndarray) -> ImageSet:
    rows = np.sort(rows)
    labels = None if data.labels is None else data.labels[rows]
    files = tuple(data.files[row] for row in rows) if data.files else ()
    return replace(data, images=selected(data.images, rows), labels=labels, files=files)
