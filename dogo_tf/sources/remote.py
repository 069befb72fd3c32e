"""Files behind a URL, read whole or in ranges: tried again while the network fails, refused once where access is denied."""

from __future__ import annotations

import hashlib
import posixpath
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import fsspec

from dogo_tf.errors import InputError, Interrupted
from dogo_tf.reporting.plain_text import printable
from dogo_tf.sources import http

ATTEMPTS = 6
FIRST_WAIT = 0.5  # seconds; every further one is twice as long
MAX_BYTES = 256 * 2**20  # of an image
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://[^\s]")
_HTTP = ("http", "https")
_EXTRAS = {"gs": "gcs", "gcs": "gcs", "s3": "s3", "s3a": "s3"}
# What the clouds' libraries raise where there are no credentials: each has a class of its own for it.
_NO_CREDENTIALS = (
    "NoCredentialsError",
    "PartialCredentialsError",
    "ProfileNotFound",
    "DefaultCredentialsError",
    "RefreshError",
)
_VERSIONS = ("ETag", "etag", "md5Hash", "LastModified", "updated", "mtime", "created")


def scheme(name: str) -> str | None:
    """ "s3" of "s3://bucket/a.jpg"; None of what is no URL."""
    found = _URL.match(name)
    return found[1] if found else None


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file or a folder behind a URL. size: in bytes, where a list of the folder has told it."""

    url: str
    size: int | None = None

    def __fspath__(self) -> str:
        return self.url

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> RemoteFile:
        if not name or scheme(name):
            return RemoteFile(name or self.url)
        return RemoteFile(f"{self.url.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        return posixpath.basename(self.url)

    @property
    def suffix(self) -> str:
        return posixpath.splitext(self.url.partition("?")[0])[1]

    @property
    def parent(self) -> RemoteFile:
        return RemoteFile(self.url.partition("?")[0].rpartition("/")[0])

    def read(self, most: int = MAX_BYTES) -> bytes:
        """All of it. Raises FileNotFoundError, and as `attempted` does; InputError if it has more than `most` bytes."""
        if scheme(self.url) in _HTTP:
            return attempted(self.url, lambda: http.get(self.url, 0, None, most))

        def read() -> bytes:
            system, path = _filesystem(self.url)
            size = self.size if self.size is not None else system.info(path)["size"]
            if size is None or size > most:
                raise InputError(f"{self.url}: expected at most {most:,} bytes, got {size}")
            return system.cat_file(path)

        return attempted(self.url, read)

    def read_range(self, start: int, size: int) -> bytes:
        """`size` bytes from `start` on, or what is left of them where the file ends before; raises as `read` does."""
        if not size:
            return b""
        if size > MAX_BYTES:
            raise InputError(f"{self.url}: expected at most {MAX_BYTES:,} bytes at once, got {size:,}")
        if scheme(self.url) in _HTTP:
            return attempted(self.url, lambda: http.get(self.url, start, size, size))

        def read() -> bytes:
            system, path = _filesystem(self.url)
            return system.cat_file(path, start=start, end=start + size)  # by name: the order differs

        return attempted(self.url, read)

    def stamp(self) -> tuple[int, int]:
        """(bytes, a number that changes with the file, as far as its server tells). Raises as `read` does."""
        if scheme(self.url) in _HTTP:
            size, version = attempted(self.url, lambda: http.facts(self.url))
            return -1 if size is None else size, _number(version)

        def stamp() -> tuple[int, int]:
            system, path = _filesystem(self.url)
            return _stamp_of(system.info(path))

        return attempted(self.url, stamp)


def list_files(folder: RemoteFile) -> tuple[list[str], list[tuple[int, int]]]:
    """(names relative to it, stamps) of every file below a folder, in sorted order."""
    refuse_http(folder)

    def find() -> dict:
        system, path = _filesystem(folder.url)
        system.invalidate_cache()
        found = system.find(path, detail=True)
        return {posixpath.relpath(name, path): _stamp_of(facts) for name, facts in found.items()}

    found = attempted(folder.url, find)
    names = sorted(found, key=lambda name: name.split("/"))
    return names, [found[name] for name in names]


def is_folder(place: RemoteFile) -> bool:
    """Whether something lies below this URL."""

    def look() -> bool:
        system, path = _filesystem(place.url)
        return system.isdir(path)

    return attempted(place.url, look)


def attempted(url: str, action: Callable):
    """What `action` returns, within ATTEMPTS; the waits in between are told on stderr.

    Raises:
        InputError: access is denied, a package is missing, ...: trying again would not help.
        FileNotFoundError: it is not there. Interrupted: the network or the server failed every time.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return action()
        except (InputError, FileNotFoundError):
            raise
        except Exception as error:  # each of the libraries of the clouds has errors of its own
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            if _denied(error):
                raise InputError(
                    f"{url}: access is denied ({reason}); expected an address that may be read, or credentials for it"
                ) from error
            if attempt == ATTEMPTS:
                raise Interrupted(f"{url}: cannot be reached, tried {ATTEMPTS} times ({reason})") from error
        wait = FIRST_WAIT * 2 ** (attempt - 1)
        told = f"{url}: {reason}; trying again in {wait:g} s ({attempt} of {ATTEMPTS})"
        print(printable(told), file=sys.stderr, flush=True)
        time.sleep(wait)
    raise AssertionError


def _denied(error: Exception) -> bool:
    return (
        isinstance(error, PermissionError)
        or type(error).__name__ in _NO_CREDENTIALS
        or getattr(error, "code", None) in (401, 403)  # of gcsfs
    )


def _filesystem(url: str):
    """(the file system of fsspec, the path in it)."""
    kind = scheme(url)
    try:
        return fsspec.core.url_to_fs(url)
    except ImportError as error:
        package = f"'dogo-tf[{_EXTRAS[kind]}]'" if kind in _EXTRAS else f"what it asks for: {error}"
        raise InputError(f"{url}: a package is missing that reads {kind}://; pip install {package}") from error
    except ValueError as error:
        raise InputError(
            f"{url}: expected gs://, s3://, http(s):// or another URL that fsspec knows: {error}"
        ) from error


def refuse_http(place: RemoteFile) -> None:
    """InputError for a folder of a web server."""
    if scheme(place.url) in _HTTP:
        raise InputError(
            f"{place}: a web server does not say what lies in a folder; expected a list of the images (.csv, .parquet) or tar "
            "archives"
        )


def _stamp_of(facts: dict) -> tuple[int, int]:
    version = next((facts[key] for key in _VERSIONS if facts.get(key)), "")
    # A list and a file's own entry may say the same time in two ways.
    version = version.timestamp() if isinstance(version, datetime) else version
    return -1 if facts.get("size") is None else int(facts["size"]), _number(str(version))


def _number(version: str) -> int:
    """A number of 63 bits for it."""
    return int.from_bytes(hashlib.sha256(version.encode()).digest()[:8], "big") >> 1
