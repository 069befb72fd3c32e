"""A file to read, alone or in an archive, and whether it is still the same."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np

from dogo_tf.sources.remote import RemoteFile, scheme

GONE = (-1, -1)
NOT_ASKED = (-2, -2)  # a stamp that would take a request to a server for each of very many files
_THREADS = 16  # on a network's file system, waiting for its answers is most of the work
_CHUNK = 256
_THROUGH = ".tar/"  # as archives call themselves


@dataclass(frozen=True, slots=True)
class TarMember:
    """A file of `size` bytes from `offset` on in `archive`; as a path it is archive/name."""

    archive: Path | RemoteFile
    name: str
    offset: int
    size: int

    def __fspath__(self) -> str:
        return f"{self.archive}/{self.name}"

    def __str__(self) -> str:
        return self.__fspath__()

    def read(self) -> bytes:
        """All of it, or what is left of it where the archive was cut short."""
        if isinstance(self.archive, RemoteFile):
            return self.archive.read_range(self.offset, self.size)
        file = os.open(self.archive, os.O_RDONLY)
        try:
            return os.pread(file, self.size, self.offset)
        finally:
            os.close(file)


def place(name: str | os.PathLike) -> Path | RemoteFile:
    """Where a path or a URL leads."""
    if isinstance(name, RemoteFile):
        return name
    text = os.fspath(name)
    return RemoteFile(text) if scheme(text) else Path(text)


def within(folder: Path | RemoteFile, name: str) -> Path | RemoteFile:
    """Where a name leads that is relative to a folder, absolute, or a URL."""
    return RemoteFile("") / name if scheme(name) else folder / name


def split_archive(name: str) -> tuple[str, str] | None:
    """("photos.tar", "a/1.png") of "photos.tar/a/1.png"; None of a name that goes through no .tar, be that a file or not."""
    path = name.find("/", name.index("://") + 3) if scheme(name) else 0
    at = name.find(_THROUGH, path) if path >= 0 else -1
    end = at + len(_THROUGH)
    return (name[: end - 1], name[end:]) if at >= 0 and name[end:] else None


def absolute(path: Path | RemoteFile) -> str:
    """The same wherever it is named from."""
    return path.url if isinstance(path, RemoteFile) else os.path.abspath(path)


def full_name(file: str, folder: Path = Path()) -> str:
    """What a list calls a file, wherever the list lies: a URL as it is; a path absolute, from this folder on."""
    return file if scheme(file) else os.path.abspath(folder / file)


def stamps(files: Sequence[os.PathLike]) -> np.ndarray:
    """int64 [N, 2]: number of bytes and modification time in ns of every file; -1, -1 of one that is not there.

    A file in an archive has the archive's time; of a remote file, a number that changes with it stands for the time.
    Raises what RemoteFile.stamp raises, but for a file that is not there.
    """
    times = {archive: _stamp(archive)[1] for archive in {f.archive for f in files if isinstance(f, TarMember)}}

    def stamp(file: os.PathLike) -> tuple[int, int]:
        return (file.size, times[file.archive]) if isinstance(file, TarMember) else _stamp(file)

    if len(files) <= _CHUNK:
        found = list(map(stamp, files))
    else:
        with ThreadPool(_THREADS) as pool:
            found = pool.map(stamp, files, _CHUNK)
    return np.array(found, np.int64).reshape(-1, 2)


def _stamp(path: os.PathLike) -> tuple[int, int]:
    try:
        if isinstance(path, RemoteFile):
            return path.stamp()
        found = os.stat(path)
    except OSError:
        return GONE
    return found.st_size, found.st_mtime_ns
