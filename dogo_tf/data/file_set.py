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
