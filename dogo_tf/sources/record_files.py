"""The files that hold the records of a TFDS data set: whether they are still the same, and the labels in them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.platform.files import write_atomically
from dogo_tf.reporting.progress import Progress
from dogo_tf.sources.files import stamps


class RecordFiles:
    """What data sets of records have in common, however records are read.

    Args:
        name: of the data set and its split. count: of its records.
        files: that hold the records. parts: what of each belongs to the split, as numbers.
    """

    is_remote = False

    def __init__(self, name: str, count: int, files: Sequence[Path], parts: Iterable[Sequence[int]]):
        self.name, self._count, self._files, self._parts = name, count, files, [list(part) for part in parts]
        self._stamps = stamps(files)

    def __len__(self) -> int:
        return self._count

    def changed(self, rows: np.ndarray) -> np.ndarray:
        """int64 [m]: all of `rows` if any of the files is no longer what it was, else none."""
        return rows if (stamps(self._files) != self._stamps).any() else rows[:0]

    def digest(self) -> str:
        """Hexadecimal: of the files' absolute paths, their stamps and what of them belongs to the split."""
        places = [os.path.abspath(file) for file in self._files]
        return hashlib.sha256(json.dumps([places, self._stamps.tolist(), self._parts]).encode()).hexdigest()

    def labels(self, folder: Path, read: Callable[[], Iterable[Sequence[int]]]) -> np.ndarray:
        """int64 [N]: read once and kept in `folder`.

        read: gives them block by block, in order.
        Raises InputError: a folder that cannot be written to, and what `read` raises.
        """
        path = folder / f"{self.digest()[:32]}.npz"
        found = _kept(path, len(self))
        if found is not None:
            return found
        found, done = np.empty(len(self), np.int64), 0
        with Progress(f"reading the labels of {self.name}", len(self)) as progress:
            for block in read():
                found[done : done + len(block)] = block
                done += len(block)
                progress.update(done)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, found)
        except OSError as error:
            raise InputError(f"cache_dir: cannot keep labels in {path.parent}: {error.strerror}") from error
        return found


def _kept(path: Path, count: int) -> np.ndarray | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = arrays["labels"]
        return found if found.shape == (count,) and found.dtype == np.int64 else None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(path: Path, labels: np.ndarray) -> None:
    content = io.BytesIO()
    np.savez(content, labels=labels)
    write_atomically(path, content.getvalue())
