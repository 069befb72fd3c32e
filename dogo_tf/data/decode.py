"""One image file -> one small RGB square, or the reason why not."""

import contextlib
import io
import os
import stat
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, UnidentifiedImageError

from dogo_tf.data.crops import cut_crops
from dogo_tf.data.pixels import to_square
from dogo_tf.errors import InputError, Interrupted
from dogo_tf.sources.file_index import readers
from dogo_tf.sources.files import TarMember
from dogo_tf.sources.records import Record
from dogo_tf.sources.remote import RemoteFile
from dogo_tf.views.crops import ViewRequest

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")
SAMPLE = 64  # pictures that are looked at to know how large they are
KINDS = "JPEG, PNG, BMP, GIF, WebP or TIFF"


def read_image(path: Path | RemoteFile | TarMember | Record, size: int, max_pixels: float) -> np.ndarray | str:
    """uint8 [size, size, 3], or the reason why this file is bad."""

    def square():
        with _opened(path) as image:
            return to_square(image, size, max_pixels)

    return _or_reason(square)


def read_crops(
    path: Path | TarMember, uniforms: np.ndarray, requests: Sequence[ViewRequest], max_pixels: float
) -> list[np.ndarray] | str:
    """Each crop, uint8 [size, size, 3], or the reason why this file is bad; see crops.cut_crops."""
    return _or_reason(lambda: cut_crops(partial(_opened, path), uniforms, requests, max_pixels))


def _or_reason(decode: Callable):
    try:
        return decode()
    except UnidentifiedImageError:
        return f"not a {KINDS} image"
    except _Unreadable as error:
        return str(error)
    except (InputError, Interrupted):  # of a server: no file of it can be read
        raise
    except Exception as error:  # on damaged files Pillow raises OSError, SyntaxError, struct.error, IndexError, ...
        return f"{type(error).__name__}: {error}"


def header_size(path: Path | RemoteFile | TarMember | Record) -> tuple[int, int] | None:
    """(width, height) from the file's first bytes; None if they cannot be read."""
    try:
        with _opened(path) as image:
            return image.size
    except (InputError, Interrupted):
        raise
    except Exception:  # a bad file, of which read_image gives the reason
        return None


def sample_sizes(files: Sequence[os.PathLike]) -> list[tuple[int, int]]:
    """(width, height) of SAMPLE evenly spaced files, from their headers; without those that cannot be read."""
    numbers = np.linspace(0, len(files) - 1, min(SAMPLE, len(files))).round().astype(int)
    with quiet(), ThreadPool(readers(files)) as pool:
        found = pool.map(header_size, [files[number] for number in numbers])
    return [size for size in found if size is not None]


def version(max_pixels: float) -> str:
    """Of the pixels that `read_image` gives: a cache of another version is not used. Raise the number when they change."""
    return f"read_image 1, Pillow {PIL.__version__}, max_pixels {max_pixels:g}"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Pillow warns of large pictures and odd metadata; what matters to the user is the reason why a file is bad."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _Unreadable(Exception):
    """Why a file is not even opened."""


def _opened(path: Path | RemoteFile | TarMember | Record) -> Image.Image:
    """The picture, not decoded yet. Only a regular file is opened: a pipe would wait for a writer for ever."""
    if isinstance(path, Record):
        return Image.open(io.BytesIO(path.read()), formats=FORMATS)
    if isinstance(path, (TarMember, RemoteFile)):
        try:
            content = path.read()
        except FileNotFoundError as error:
            raise _Unreadable("not there") from error
        if path.size is not None and len(content) != path.size:
            raise _Unreadable(
                "its archive is cut short" if isinstance(path, TarMember) else "changed since it was listed"
            )
        if not content:
            raise _Unreadable("empty file")
        return Image.open(io.BytesIO(content), formats=FORMATS)
    try:
        found = os.stat(path)
    except OSError:
        found = None
    if found is None or not stat.S_ISREG(found.st_mode):
        raise _Unreadable("not a file, or a broken link")
    if not found.st_size:
        raise _Unreadable("empty file")
    return Image.open(path, formats=FORMATS)
