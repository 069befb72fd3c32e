"""Labels that some images have by now: a list with the columns path,label (or image,label for images without files)."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dogo_tf.data.choose import default_cache_dir
from dogo_tf.data.file_set import numbered
from dogo_tf.data.image_set import ImageSet
from dogo_tf.data.list_file import EXTENSIONS, named_files, read_columns
from dogo_tf.errors import InputError
from dogo_tf.platform.files import expanded
from dogo_tf.sources.files import full_name


class LabelList(NamedTuple):
    """What of an ImageSet has a label, and which other files have.

    rows: int64 [R], numbers of images of the set. files: F others. labels: int64 [R + F], indices into class_names, of the
    rows, then of the files.
    """

    rows: np.ndarray
    files: list[os.PathLike]
    labels: np.ndarray
    class_names: tuple[str, ...]


def has_labels(path: Path) -> bool:
    """Whether a line of this list has a label. Raises InputError for what is no list, or cannot be read."""
    if path.suffix not in EXTENSIONS:
        raise InputError(f"{path}: expected a list of labelled images, {' or '.join(EXTENSIONS)}")
    return any(read_columns(path).get("label", ()))


def check_has_labels(path: Path) -> None:
    if not has_labels(path):
        raise InputError(f"{path}: no image in this list has a label, in a column 'label'")


def read_labels(lists: Sequence[Path], images: ImageSet, cache_dir: str | os.PathLike | None = None) -> LabelList:
    """The lines of .csv or .parquet lists that have a label, whatever their split; paths as list_file.read_list takes them.

    A list of dogo-select in which some labels were filled in is one. Images that have no files of their own (from TFDS) go by
    their number in the set, in a column `image`. cache_dir: as of data.open.
    Raises InputError: a list that cannot be read, other columns, an image that has a label twice, no label at all, numbers out
    of range, files that do not exist.
    """
    known = {full_name(file): row for row, file in enumerate(images.files)}
    list_of: dict[int | str, Path] = {}  # the list that labels a row or another file
    labels: dict[int | str, str] = {}
    for path in lists:
        for name, label in _labelled_lines(path, images):
            image = _number(path, name, len(images)) if not images.files else full_name(name, path.parent)
            image = known.get(image, image)
            if image in list_of:
                lists_of_both = f"{list_of[image]} and {path}" if list_of[image] != path else f"{path}, twice"
                raise InputError(f"labelled: expected one label for each image; {name} has one in {lists_of_both}")
            list_of[image], labels[image] = path, label
    rows = [image for image in labels if not isinstance(image, str)]
    others = [image for image in labels if isinstance(image, str)]
    kept_in = default_cache_dir() if cache_dir is None else expanded(cache_dir)
    files: dict[str, os.PathLike] = {}
    for path in lists:
        named = [image for image in others if list_of[image] == path]
        count = sum(of == path for of in list_of.values())
        files |= zip(named, named_files(path, named, count, kept_in), strict=True)
    ordered = [labels[image] for image in (*rows, *others)]
    return LabelList(np.array(rows, np.int64), [files[image] for image in others], *numbered(ordered, ordered))


def _labelled_lines(path: Path, images: ImageSet) -> list[tuple[str, str]]:
    """(what names the image, its label) of every line with a label."""
    check_has_labels(path)
    key, columns = "path" if images.files else "image", read_columns(path)
    if key not in columns:
        raise InputError(f"{path}: expected the columns {key},label of {images.name}, got {','.join(columns)}")
    lines = [(name, label) for name, label in zip(columns[key], columns["label"], strict=True) if label]
    if not all(name for name, _ in lines):
        raise InputError(
            f"{path}: a line with the label {next(label for name, label in lines if not name)!r} has no {key}"
        )
    return lines


def _number(path: Path, text: str, count: int) -> int:
    if not text.isdecimal() or int(text) >= count:
        raise InputError(f"{path}: image: expected numbers from 0 to {count - 1}, got {text!r}")
    return int(text)
