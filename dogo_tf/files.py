"""Files and folders that are whole or not there."""

import contextlib
import os
import shutil
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """The file appears under its name only when it is whole."""
    temporary = path.with_name(f".{os.getpid()}_{path.name}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_atomically(path: Path):
    """Gives a new folder beside `path` to write to. If all goes well, it takes the place of `path`, else it vanishes."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, old = (path.with_name(f".{os.getpid()}_{kind}_{path.name}") for kind in ("new", "old"))
    try:
        temporary.mkdir()
        yield temporary
        if path.exists():
            path.rename(old)
        temporary.rename(path)
    finally:
        for rubbish in (temporary, old):
            shutil.rmtree(rubbish, ignore_errors=True)
