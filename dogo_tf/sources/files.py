"""Which files a source reads, and whether they are still the same."""

import hashlib
import os
from collections.abc import Sequence

import numpy as np

_GONE = (-1, -1)


def stamps(files: Sequence[os.PathLike]) -> np.ndarray:
    """int64 [N, 2]: number of bytes and modification time in ns of every file; -1, -1 of one that is not there.

    A file in an archive has the archive's time.
    """
    return np.array([_stamp(path) for path in files], np.int64).reshape(-1, 2)


def digest(files: Sequence[os.PathLike], stamped: np.ndarray, side: int, decoder: str) -> str:
    """Hexadecimal: of every absolute path with its stamps, in order, the side of the images and the decoder's version."""
    found = hashlib.sha256(f"{decoder}\n{side}\n".encode())
    for path, (size, modified) in zip(files, stamped.tolist(), strict=True):
        found.update(os.fsencode(os.path.abspath(path)) + f"\0{size} {modified}\n".encode())
    return found.hexdigest()


def _stamp(path: os.PathLike) -> tuple[int, int]:
    archive = getattr(path, "archive", None)
    try:
        found = os.stat(archive or path)
    except OSError:
        return _GONE
    return path.size if archive else found.st_size, found.st_mtime_ns
