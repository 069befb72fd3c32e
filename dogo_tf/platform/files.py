"""Files and folders that are whole or not there, and folders with one owner."""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dogo_tf.errors import InputError

LOCK = ".lock"


def expanded(path) -> Path:
    """The path with a leading ~ as the home folder: shells leave that of --flag=~/folder as it is."""
    return Path(os.path.expanduser(path))  # Path's own raises RuntimeError for the ~ of an unknown user


def temporary_sibling(path: Path) -> Path:
    """A new name in the same folder for what is not whole yet; `is_temporary` knows what a killed process left there.

    Not the process' number, which on machines or in containers that share a folder may be the same.
    """
    return path.with_name(f".{secrets.randbits(63)}_{path.name}")


def is_temporary(path: Path) -> bool:
    """Whether this is a name by `temporary_sibling`, of whatever process."""
    return path.name.startswith(".") and path.name[1:].partition("_")[0].isdigit()


def write_atomically(path: Path, data: bytes) -> None:
    """The file appears under its name only when it is whole."""
    temporary = temporary_sibling(path)
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_atomically(path: Path):
    """Gives a new folder beside `path` to write to. If all goes well, it takes the place of `path`, else it vanishes.

    The current folder stays, and what is in it is exchanged, one entry after the other: a shell that stands in a folder whose
    place is taken looks at what is no longer there. What a killed process left there is cleaned up first.
    """
    path = Path(path).resolve()  # "." has no name, which the new folder beside it needs
    path.parent.mkdir(parents=True, exist_ok=True)
    _clean_up_after_killed(path)
    temporary, old = (path.with_name(f".{os.getpid()}_{kind}_{path.name}") for kind in ("new", "old"))
    try:
        temporary.mkdir()
        yield temporary
        if path.exists() and path.samefile(os.curdir):
            _move_contents(path, old)
            _move_contents(temporary, path)
        else:
            if path.exists():
                path.rename(old)
            temporary.rename(path)
    finally:
        for rubbish in (temporary, old):
            shutil.rmtree(rubbish, ignore_errors=True)


def _move_contents(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for entry in list(source.iterdir()):
        entry.rename(target / entry.name)


def _clean_up_after_killed(path: Path) -> None:
    """Removes what `folder_atomically` of processes that are no more left beside `path`, and puts a moved folder back."""
    for entry in list(path.parent.iterdir()):
        found = re.fullmatch(r"\.(\d+)_(new|old)_" + re.escape(path.name), entry.name)
        if not found or _runs(int(found[1])):
            continue
        if found[2] == "old" and not path.exists():  # killed between the two renames
            entry.rename(path)
        else:
            remove(entry)


def _runs(process: int) -> bool:
    """Whether another process of this number is there. This one has not begun: what carries its number is of an earlier one."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def reason(error: Exception) -> str:
    """Why a file could not be read or written, in one line: the system's words, without TensorFlow's names of operations."""
    found = getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0]
    full = os.strerror(errno.ENOSPC)
    return full if full in found else re.sub(r"\{\{.*?\}\}\s*|\s*\[Op:.*?\]", "", found)


def remove(path: Path) -> None:
    """A file, a link (not what it leads to) or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def to_disk(path: Path) -> None:
    """Returns when a file, or the names in a folder, would survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_regular(path: Path) -> BinaryIO:
    """Opens a file to read. Raises OSError for a pipe, which would be waited for without end, or a device."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return path.open("rb")


def sha256(path: Path) -> str:
    """Of the file's contents, hexadecimal."""
    with open_regular(path) as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def sole_owner(folder: Path) -> Iterator[None]:
    """Makes `folder` if need be and locks it for this process; the system frees the lock when the process ends, however.

    Raises:
        InputError: another process has the lock (the message names it), or the folder cannot be written to.
    """
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise InputError(f"run_dir: cannot write to {folder}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            owner = file.read().strip() or "another process"
            raise InputError(
                f"run_dir: {folder} is in use by {owner}; wait for it, or choose another folder"
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        try:
            yield
        finally:
            # Nothing came of it; or somebody has removed the folder, and an error that says so is on its way.
            if folder.is_dir() and [entry.name for entry in folder.iterdir()] == [LOCK]:
                path.unlink()
                with contextlib.suppress(OSError):  # where we are, or where a disk is mounted: it stays, empty
                    folder.rmdir()
