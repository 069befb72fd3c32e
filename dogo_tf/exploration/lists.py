"""Lists of images to go through: select.csv of dogo-select, suspects.csv of dogo-suspects, or any with path or image."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.data.list_file import read_columns
from dogo_tf.errors import InputError
from dogo_tf.sources.files import full_name

_NAMED = 5  # lines that an error names


class ReadingList(NamedTuple):
    """title: the file. rows: int64 [L], numbers of images. notes, suggested: for each a reason, a label; may be empty.

    missing: how many lines of the file name no image of the set.
    """

    title: str
    rows: np.ndarray
    notes: tuple[str, ...]
    suggested: tuple[str, ...]
    missing: int


def read_reading_list(path: Path, images: ImageSet) -> ReadingList:
    """The lines of a list in its order; what names no image of this set is counted.

    Columns: `path` (relative to the list, or absolute) or `file`, as dogo-suspects writes it; or, where images have no files,
    `image`, their number in the set. `why` is a note, `label`, `suggested` and their shares another one.
    Raises InputError: a list that cannot be read, other columns, no image of this set.
    """
    columns = read_columns(path)
    key = next((name for name in (("path", "file") if len(images.files) else ("image",)) if name in columns), None)
    if key is None:
        wanted = "path or file" if len(images.files) else "image"
        raise InputError(f"{path}: expected a column {wanted} that names images, got {','.join(columns) or 'nothing'}")
    found = (_numbers if key == "image" else _rows)(columns[key], path, key, images)
    if not found:
        raise InputError(f"{path}: no images in this list")
    gone = [name for name, row in zip(columns[key], found, strict=True) if row < 0]
    if len(gone) == len(found):
        shown = "".join(f"\n  {name}" for name in gone[:_NAMED])
        raise InputError(f"{path}: none of its {len(found)} images is in {images.name}:{shown}")
    kept = [number for number, row in enumerate(found) if row >= 0]
    notes = [_note(columns, number) for number in kept]
    suggested = [columns["suggested"][number] if "suggested" in columns else "" for number in kept]
    return ReadingList(path.name, np.array(found, np.int64)[kept], tuple(notes), tuple(suggested), len(gone))


def _rows(names, path: Path, key: str, images: ImageSet) -> list[int]:
    known = {full_name(file): row for row, file in enumerate(images.files)}
    # dogo-suspects writes files as the data set names them, from where it was started.
    base = path.parent if key == "path" else Path()
    return [known.get(full_name(name, base), -1) for name in names]


def _numbers(names, path: Path, key: str, images: ImageSet) -> list[int]:
    for name in names:
        if not name.isdecimal():
            raise InputError(f"{path}: {key}: expected numbers of images, got {name!r}")
    return [int(name) if int(name) < len(images) else -1 for name in names]


def _note(columns, number: int) -> str:
    if "why" in columns:
        return columns["why"][number]
    if "suggested" in columns and "label" in columns:
        return f"labelled {columns['label'][number]}, its neighbours say {columns['suggested'][number]}"
    return ""
