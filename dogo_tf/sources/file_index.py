"""The files of a data set as columns: a million of them take some 60 MB, and none is an object before it is asked for."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from dogo_tf.sources import files
from dogo_tf.sources.files import NOT_ASKED, TarMember, absolute, split_archive, within
from dogo_tf.sources.remote import RemoteFile


class FileIndex(Sequence):
    """Reads like a list of paths: a Path of a file, a RemoteFile behind a URL, a TarMember of one in an archive.

    Args:
        places: the folder or the archives that names are relative to.
            Paths or URLs.
        names: uint8, all names, one after the other. ends: int64 [N], where each ends.
        stamps: int64 [N, 2], bytes and modification time of every file (see files.stamps), or NOT_ASKED.
        place: int32 [N], number of each file's place; None if there is one place only, a folder.
        offsets: int64 [N], where each file begins in its archive; None if none lies in one. Where the place is a folder, names
            go through the archive as through a folder, and files that lie in none have -1.
    """

    def __init__(self, places: Sequence[os.PathLike], names, ends, stamps, place=None, offsets=None):
        self.places = tuple(map(files.place, places))
        self.names, self.ends, self.stamps, self.place, self.offsets = names, ends, stamps, place, offsets

    @classmethod
    def of(cls, places: Sequence[os.PathLike], names: Iterable[str], stamps, place=None, offsets=None) -> FileIndex:
        """`names`: of the files, relative to their places."""
        encoded = [os.fsencode(name) for name in names]
        ends = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)))
        stamps = np.asarray(stamps, np.int64).reshape(-1, 2)
        return cls(places, np.frombuffer(b"".join(encoded), np.uint8), ends, stamps, place, offsets)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, number):
        """A path; of a slice, a list of them."""
        if isinstance(number, slice):
            return [self[k] for k in range(*number.indices(len(self)))]
        k = range(len(self))[number]
        place, name, size = (
            self.places[0 if self.place is None else self.place[k]],
            self.name(k),
            int(self.stamps[k, 0]),
        )
        if self.offsets is not None and self.offsets[k] >= 0:
            if self.place is None:
                archive, name = split_archive(name)
                place = within(place, archive)
            return TarMember(place, name, int(self.offsets[k]), size)
        found = within(place, name)
        return replace(found, size=size if size >= 0 else None) if isinstance(found, RemoteFile) else found

    def name(self, k: int) -> str:
        """Relative to its place."""
        return os.fsdecode(self.names[self.ends[k - 1] if k else 0 : self.ends[k]].tobytes())

    @property
    def is_remote(self) -> bool:
        """Whether reading waits for a network: some files are behind a URL."""
        if isinstance(self.places[0], RemoteFile) or bool((self.stamps == NOT_ASKED).any()):
            return True
        # Members of remote archives have stamps. "://" is in URLs alone: paths have no two slashes side by side.
        return self.offsets is not None and self.place is None and b"://" in self.names.tobytes()

    def changed(self, rows: np.ndarray) -> np.ndarray:
        """int64 [m]: those of `rows` whose file is no longer what it was; stamps that were not asked for are not compared."""
        rows = rows[(self.stamps[rows] != NOT_ASKED).all(axis=1)]
        return rows[(files.stamps([self[row] for row in rows.tolist()]) != self.stamps[rows]).any(axis=1)]

    def digest(self) -> str:
        """Hexadecimal: of the absolute places and of every column."""
        found = hashlib.sha256(json.dumps(list(map(absolute, self.places))).encode())
        for column in (self.names, self.ends, self.stamps, self.place, self.offsets):
            if column is not None:
                found.update(np.ascontiguousarray(column).data)
        return found.hexdigest()


def readers(files: Sequence[os.PathLike]) -> int:
    """Threads that read them at once: one for each core decodes, many wait for a network."""
    return max(32 if getattr(files, "is_remote", False) else 1, os.cpu_count() or 1)


class FileNames(Sequence):
    """The names of some files of an index, as text; equal to a list or tuple of the same."""

    def __init__(self, files: Sequence[os.PathLike], rows: np.ndarray):
        self._files, self._rows = files, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, number):
        if isinstance(number, slice):
            return tuple(self[k] for k in range(*number.indices(len(self))))
        return str(self._files[int(self._rows[number])])

    def __eq__(self, other) -> bool:
        if not isinstance(other, (FileNames, tuple, list)):
            return NotImplemented
        if isinstance(other, FileNames) and self._files is other._files:
            return np.array_equal(self._rows, other._rows)
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None

    def __repr__(self) -> str:
        shown = [*self[:3], "..."] if len(self) > 3 else list(self)
        return f"<{len(self):,} files: {', '.join(shown)}>"
