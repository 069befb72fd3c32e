"""The images of a TFDS data set in array_record files: read by their numbers, like files."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.platform.files import write_atomically
from dogo_tf.reporting.progress import Progress
from dogo_tf.sources.files import stamps

_BLOCK = 256  # records that are read at a time for their labels


@dataclass(frozen=True, slots=True)
class Record:
    """The encoded image of one record. name: for messages, and unique within its data set."""

    name: str
    number: int
    get: Callable[[int], dict]

    def __fspath__(self) -> str:
        return self.name

    def __str__(self) -> str:
        return self.name

    def read(self) -> bytes:
        """Raises what array_record raises on damaged files."""
        return self.get(self.number)["image"]


class Records(Sequence):
    """Reads like a FileIndex of files.

    Args:
        name: of the data set and its split.
        data: data[number] gives {"image": encoded bytes, ...}, as TFDS' data sources do.
        files: that hold the records. parts: what of each belongs to the split, as numbers.
    """

    is_remote = False

    def __init__(self, name: str, data: Sequence[dict], files: Sequence[Path], parts: Iterable[Sequence[int]]):
        self._name, self._data, self._files, self._parts = name, data, files, [list(part) for part in parts]
        self._stamps = stamps(files)

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, number):
        """A Record; of a slice, a list of them."""
        if isinstance(number, slice):
            return [self[k] for k in range(*number.indices(len(self)))]
        k = range(len(self))[number]
        return Record(f"{self._name} #{k}", k, self._data.__getitem__)

    def changed(self, rows: np.ndarray) -> np.ndarray:
        """int64 [m]: all of `rows` if any of the files is no longer what it was, else none."""
        return rows if (stamps(self._files) != self._stamps).any() else rows[:0]

    def digest(self) -> str:
        """Hexadecimal: of the files' absolute paths, their stamps and what of them belongs to the split."""
        places = [os.path.abspath(file) for file in self._files]
        return hashlib.sha256(json.dumps([places, self._stamps.tolist(), self._parts]).encode()).hexdigest()

    def labels(self, folder: Path) -> np.ndarray:
        """int64 [N], what the records' feature `label` says: all are read once, and the labels kept in `folder`.

        Raises InputError: damaged records, a folder that cannot be written to.
        """
        path = folder / f"{self.digest()[:32]}.npz"
        found = _kept(path, len(self))
        if found is not None:
            return found
        found = np.empty(len(self), np.int64)
        with Progress(f"reading the labels of {self._name}", len(self)) as progress:
            for start in range(0, len(self), _BLOCK):
                end = min(start + _BLOCK, len(self))
                try:
                    found[start:end] = [record["label"] for record in self._data.__getitems__(range(start, end))]
                except Exception as error:  # array_record has no class of its own for damage
                    reason = " ".join(str(error).split())[:300]
                    raise InputError(
                        f"{self._name}: a record of {start} to {end - 1} cannot be read: {reason}"
                    ) from error
                progress.update(end)
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
