"""Files inside of tar archives, read where they lie: an archive is gone through once, and then known by offsets."""

from __future__ import annotations

import io
import os
import posixpath
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.platform.files import write_atomically
from dogo_tf.sources.files import digest, stamps

_BLOCK = 512  # bytes; archives end with blocks of zeros


@dataclass(frozen=True, slots=True)
class TarMember:
    """A file of `size` bytes from `offset` on in `archive`; as a path it is archive/name."""

    archive: Path
    name: str
    offset: int
    size: int

    def __fspath__(self) -> str:
        return f"{self.archive}/{self.name}"

    def __str__(self) -> str:
        return self.__fspath__()

    def read(self) -> bytes:
        """All of it, or what is left of it where the archive was cut short."""
        file = os.open(self.archive, os.O_RDONLY)
        try:
            return os.pread(file, self.size, self.offset)
        finally:
            os.close(file)


class TarIndex(NamedTuple):
    """names, offsets, sizes: of every regular file of an archive, in its order."""

    names: list[str]
    offsets: np.ndarray
    sizes: np.ndarray


def tar_index(archive: Path, folder: Path) -> TarIndex:
    """The index of an archive, kept in `folder` under a name that changes with the archive's path, size and time.

    Raises InputError: no uncompressed tar archive, one that is cut short or damaged, a folder that cannot be written to.
    """
    kept = folder / f"{digest([archive], stamps([archive]), 0, 'tar index 1')[:32]}.npz"
    found = _kept(kept)
    if found is None:
        found = _scanned(archive)
        content = io.BytesIO()
        names = "\0".join(found.names).encode(errors="surrogateescape")
        np.savez(content, names=np.frombuffer(names, np.uint8), offsets=found.offsets, sizes=found.sizes)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(kept, content.getvalue())
        except OSError as error:
            raise InputError(f"cache_dir: cannot keep the index of {archive} in {folder}: {error.strerror}") from error
    return found


def _kept(path: Path) -> TarIndex | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            text = arrays["names"].tobytes().decode(errors="surrogateescape")
            names = text.split("\0") if text else []
            found = TarIndex(names, arrays["offsets"], arrays["sizes"])
        return found if len(names) == len(found.offsets) == len(found.sizes) else None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None  # not there, or damaged: the archive says it again


def _scanned(archive: Path) -> TarIndex:
    try:
        with tarfile.open(archive, "r:", errors="surrogateescape") as tar:
            files = [(posixpath.normpath(m.name), m.offset_data, m.size) for m in tar if m.isreg() and not m.issparse()]
            end = tar.offset
        with archive.open("rb") as file:
            file.seek(end)
            whole = file.read(_BLOCK) == bytes(_BLOCK)  # tarfile ends without a word where a header is no header
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"{archive}: cannot be read as an uncompressed tar archive: {error}") from error
    if not whole:
        raise InputError(f"{archive}: the archive is cut short or damaged at byte {end:,}")
    names, offsets, sizes = zip(*files, strict=True) if files else ((), (), ())
    return TarIndex(list(names), np.array(offsets, np.int64), np.array(sizes, np.int64))
