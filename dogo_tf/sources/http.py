"""Ranges of files behind http(s) URLs."""

import contextlib
import threading
import time
from collections.abc import Iterator

import requests
import urllib3

from dogo_tf.errors import InputError

_TIMEOUT = (10, 30)  # seconds until a connection is there, and between two pieces of an answer
_DEADLINE = 300  # seconds for a whole answer
_PIECE = 1 << 16
_TRY_AGAIN = (408, 425, 429)
_DENIED, _GONE = (401, 403, 407), (404, 410)
_BEYOND = 416  # a range after the end of the file
_session = threading.local()  # a session keeps connections open, and is not for several threads


def get(url: str, start: int, size: int | None, most: int) -> bytes:
    """The bytes start .. start + size - 1 of a file, fewer at its end; all of it if size is None.

    Raises:
        InputError: more than `most` bytes, a server that gives no ranges, or a request that it will never answer.
        FileNotFoundError, PermissionError. ConnectionError: what may be better the next time.
    """
    ranges = {} if size is None else {"Range": f"bytes={start}-{start + size - 1}"}
    with _answered(url, ranges) as answer:
        if answer.status_code == _BEYOND:
            return b""
        if ranges and answer.status_code != 206:
            raise InputError(f"{url}: its server gives whole files only; expected one that serves ranges of bytes")
        return _read(url, answer.raw, most)


def facts(url: str) -> tuple[int | None, str]:
    """(bytes of a file, its version), as far as its server tells; raises as `get` does."""
    # No HEAD: some servers, and addresses that are signed for reading, refuse it.
    with _answered(url, {"Range": "bytes=0-0"}) as answer:
        headers = answer.headers
        if answer.status_code == 206:
            answer.raw.read(1)  # so that the connection can be used again
        text = headers.get("Content-Range", "").rpartition("/")[2] or headers.get("Content-Length", "")
        return int(text) if text.isdecimal() else None, headers.get("ETag") or headers.get("Last-Modified") or ""


@contextlib.contextmanager
def _answered(url: str, headers: dict[str, str]) -> Iterator[requests.Response]:
    headers = {**headers, "Accept-Encoding": "identity"}  # nothing is unpacked on the way
    try:
        with _of_thread().get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
            _check(url, answer.status_code, answer.reason)
            yield answer
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.TooManyRedirects) as error:
        raise InputError(f"{url}: {error}") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, TimeoutError) as error:
        raise ConnectionError(" ".join(str(error).split())[:300]) from error


def _of_thread() -> requests.Session:
    if not hasattr(_session, "kept"):
        _session.kept = requests.Session()
    return _session.kept


def _check(url: str, status: int, reason: str) -> None:
    if status in _GONE:
        raise FileNotFoundError(f"HTTP {status} {reason}")
    if status in _DENIED:
        raise PermissionError(f"HTTP {status} {reason}")
    if status >= 500 or status in _TRY_AGAIN:
        raise ConnectionError(f"HTTP {status} {reason}")
    if status >= 400 and status != _BEYOND:
        raise InputError(f"{url}: its server refuses the request: HTTP {status} {reason}")


def _read(url: str, raw, most: int) -> bytes:
    content, started = bytearray(), time.monotonic()
    for piece in raw.stream(_PIECE, decode_content=False):  # raises if less comes than was promised
        content += piece
        if len(content) > most:
            raise InputError(f"{url}: expected at most {most:,} bytes, got more")
        if time.monotonic() - started > _DEADLINE:
            raise ConnectionError(f"no whole answer within {_DEADLINE} s")
    return bytes(content)
