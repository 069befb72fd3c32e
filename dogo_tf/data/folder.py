"""The images of a folder: any nesting, with or without labels."""

import sys
from pathlib import Path

import numpy as np

from dogo_tf.data.decode import KINDS
from dogo_tf.data.file_set import FileSet
from dogo_tf.data.listing import list_images, split_folder
from dogo_tf.reporting.plain_text import printable


def read_folder(folder: Path, split: str) -> FileSet:
    """Every image below `folder/split` (or, for "train" without such a folder, below `folder` itself), in sorted order.

    If every image lies in a sub-folder of that folder, its class is the first-level sub-folder; else there are no
    labels. See list_images for which files count; what other extensions there are is told on stderr.
    Raises InputError: no such split, no images.
    """
    root = split_folder(folder, split)
    listing = list_images(root)
    if listing.left_out:
        left_out = f"{root}: not read, as they are no {KINDS} images: {listing.left_out_text()}"
        print(printable(left_out), file=sys.stderr)
    parts = [path.relative_to(root).parts for path in listing.files]
    return FileSet(f"{folder} {split}", root, listing.files, *labels_of_folders(parts))


def labels_of_folders(parts: list[tuple[str, ...]]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """(labels, class names) by the first of every path's parts; None if a path has only its name."""
    if any(len(p) < 2 for p in parts):
        return None, ()
    names = tuple(sorted({p[0] for p in parts}))
    index = {name: i for i, name in enumerate(names)}
    return np.array([index[p[0]] for p in parts], np.int64), names
