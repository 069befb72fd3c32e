"""The files of a data set before any is opened: what a folder, a list or archives come to."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np


class FileSet(NamedTuple):
    """files: of the images, in their order. labels: int64 [N], indices into class_names; None and () if unlabelled.

    name: of the data set, e.g. "photos train". place: the folder or file that the user named, for messages.
    """

    name: str
    place: Path
    files: Sequence[os.PathLike]
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()


def numbered(labels: Sequence[str], of_all: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """int64 [N] of labels as text, and the classes' names: the different ones in `of_all`.

    In the order of the numbers if all are whole numbers, else of the alphabet.
    """
    known = set(of_all)
    numbers = all(label.isdecimal() for label in known)
    names = sorted(known, key=lambda label: (int(label) if numbers else 0, label))
    index = {name: i for i, name in enumerate(names)}
    return np.array([index[label] for label in labels], np.int64), tuple(names)
