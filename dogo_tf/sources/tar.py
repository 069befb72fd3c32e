"""Files inside of tar archives, read where they lie: an archive is gone through once, and then known by offsets."""

import hashlib
import io
import os
import posixpath
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.platform.files import write_atomically
from dogo_tf.sources.files import absolute, stamps
from dogo_tf.sources.remote import RemoteFile

_BLOCK = 512  # bytes; archives end with blocks of zeros
_AT_ONCE = (
    1 << 18
)  # bytes that are asked for at a time where an archive is remote: headers of small files lie close together


class TarIndex(NamedTuple):
    """names, offsets, sizes: of every regular file of an archive, in its order."""

    names: list[str]
    offsets: np.ndarray
    sizes: np.ndarray


def tar_index(archive: Path | RemoteFile, folder: Path) -> TarIndex:
    """The index of an archive, kept in `folder` under a name that changes with the archive's path, size and time.

    Raises InputError: no uncompressed tar archive, one that is cut short or damaged, a folder that cannot be written to.
    """
    what = f"tar index 2\n{absolute(archive)}\n{stamps([archive]).tolist()}"
    kept = folder / f"{hashlib.sha256(os.fsencode(what)).hexdigest()[:32]}.npz"
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
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            text = arrays["names"].tobytes().decode(errors="surrogateescape")
            names = text.split("\0") if text else []
            found = TarIndex(names, arrays["offsets"], arrays["sizes"])
        return found if len(names) == len(found.offsets) == len(found.sizes) else None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None  # not there, or damaged: the archive says it again


def _scanned(archive: Path | RemoteFile) -> TarIndex:
    try:
        with _opened(archive) as file:
            with tarfile.open(fileobj=file, mode="r:", errors="surrogateescape") as tar:
                files = [
                    (posixpath.normpath(m.name), m.offset_data, m.size) for m in tar if m.isreg() and not m.issparse()
                ]
                end = tar.offset
            file.seek(end)
            whole = file.read(_BLOCK) == bytes(_BLOCK)  # tarfile ends without a word where a header is no header
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"{archive}: cannot be read as an uncompressed tar archive: {error}") from error
    if not whole:
        raise InputError(f"{archive}: the archive is cut short or damaged at byte {end:,}")
    names, offsets, sizes = zip(*files, strict=True) if files else ((), (), ())
    return TarIndex(list(names), np.array(offsets, np.int64), np.array(sizes, np.int64))


def _opened(archive: Path | RemoteFile) -> io.BufferedReader:
    return _Buffered(_Ranges(archive), _AT_ONCE) if isinstance(archive, RemoteFile) else archive.open("rb")


class _Ranges(io.RawIOBase):
    """A remote file to be read and sought in, by a request for every piece."""

    def __init__(self, file: RemoteFile):
        self._file, self._at, (self._size, _) = file, 0, file.stamp()
        if self._size < 0:
            raise InputError(f"{file}: its server does not say how large the archive is")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer) -> int:
        content = self._file.read_range(self._at, max(0, min(len(buffer), self._size - self._at)))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


class _Buffered(io.BufferedReader):
    """Headers may say that the next one has gigabytes: of a stranger's archive that is not believed."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _AT_ONCE:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return super().read(size)
