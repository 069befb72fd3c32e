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
_TEXTS = ("names", "superseded", "left_out")
_MOST_LINKS = 40  # from link to link until a file: as many as Linux follows


class TarIndex(NamedTuple):
    """names, offsets, sizes: of every file of an archive, in its order, and of every link to one of them.

    superseded: names of those of which a later one has the name, as `tar --append` leaves them; they count no more.
    left_out: of what is neither a regular file nor a link to one in the archive, nor a folder.
    """

    names: list[str]
    offsets: np.ndarray
    sizes: np.ndarray
    superseded: list[str]
    left_out: list[str]


def tar_index(archive: Path | RemoteFile, folder: Path) -> TarIndex:
    """The index of an archive, kept in `folder` under a name that changes with the archive's path, size and time.

    Raises InputError: no uncompressed tar archive, one that is cut short or damaged, a folder that cannot be written to.
    """
    what = f"tar index 3\n{absolute(archive)}\n{stamps([archive]).tolist()}"
    kept = folder / f"{hashlib.sha256(os.fsencode(what)).hexdigest()[:32]}.npz"
    found = _kept(kept)
    if found is None:
        found = _scanned(archive)
        content = io.BytesIO()
        np.savez(
            content,
            offsets=found.offsets,
            sizes=found.sizes,
            **{column: _packed(getattr(found, column)) for column in _TEXTS},
        )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(kept, content.getvalue())
        except OSError as error:
            raise InputError(f"cache_dir: cannot keep the index of {archive} in {folder}: {error.strerror}") from error
    return found


def _kept(path: Path) -> TarIndex | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            texts = {column: _unpacked(arrays[column]) for column in _TEXTS}
            found = TarIndex(offsets=arrays["offsets"], sizes=arrays["sizes"], **texts)
        return found if len(found.names) == len(found.offsets) == len(found.sizes) else None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None  # not there, or damaged: the archive says it again


def _packed(names: list[str]) -> np.ndarray:
    return np.frombuffer("\0".join(names).encode(errors="surrogateescape"), np.uint8)


def _unpacked(text: np.ndarray) -> list[str]:
    names = text.tobytes().decode(errors="surrogateescape")
    return names.split("\0") if names else []


def _scanned(archive: Path | RemoteFile) -> TarIndex:
    try:
        with _opened(archive) as file:
            with tarfile.open(fileobj=file, mode="r:", errors="surrogateescape") as tar:
                found = _Members()
                for member in tar:
                    found.add(member)
                end = tar.offset
            file.seek(end)
            whole = file.read(_BLOCK) == bytes(_BLOCK)  # tarfile ends without a word where a header is no header
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"{archive}: cannot be read as an uncompressed tar archive: {error}") from error
    if not whole:
        raise InputError(f"{archive}: the archive is cut short or damaged at byte {end:,}")
    return found.index()


class _Members:
    """What an archive unpacks to: of a name a file's (offset, size), a symbolic link's target, or None of anything else."""

    def __init__(self):
        self.found: dict[str, tuple[int, int] | str | None] = {}
        self.superseded: list[str] = []

    def add(self, member: tarfile.TarInfo) -> None:
        """After all that come before it."""
        if member.isdir():
            return
        name, what = posixpath.normpath(member.name), None
        if member.isreg() and not member.issparse():
            what = member.offset_data, member.size
        elif member.issym():
            what = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
        elif member.islnk():  # of what has the name now: a later file of that name is another one
            what = self.found.get(posixpath.normpath(member.linkname))
        if name in self.found:
            del self.found[name]  # so that it takes its place where it comes last
            self.superseded.append(name)
        self.found[name] = what

    def index(self) -> TarIndex:
        files = {name: self._file(what) for name, what in self.found.items()}
        left_out = [name for name, file in files.items() if file is None]
        whole = {name: file for name, file in files.items() if file is not None}
        offsets, sizes = np.array(list(whole.values()), np.int64).reshape(-1, 2).T
        return TarIndex(list(whole), offsets, sizes, self.superseded, left_out)

    def _file(self, what: tuple[int, int] | str | None) -> tuple[int, int] | None:
        """What a name leads to: links are followed within the archive alone."""
        for _ in range(_MOST_LINKS):
            if not isinstance(what, str):
                return what
            what = self.found.get(what)
        return None


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
