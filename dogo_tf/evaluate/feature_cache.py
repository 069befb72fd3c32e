"""Features on disk, so that no probe computes them twice."""

import hashlib
import sys
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import as_images, check_images, embed, embedded_batches
from dogo_tf.evaluate.sources import fingerprint
from dogo_tf.platform.files import expanded, temporary_sibling
from dogo_tf.sources.source import ImageSource

_FLOAT32 = npy.dtype_to_descr(np.dtype(np.float32))


class FeatureCache:
    """`features.embed` that remembers: one .npy file for each pair of an encoder and a set of images.

    A file's name is the sha256 of what the encoder computes and of every pixel (of an ImageSource, its digest), so nothing ever
    has to be invalidated; the folder can be deleted at any time. Features are mapped from these files and need no memory.

    Args:
        folder: for the files, made when it is first needed; None computes everything and keeps nothing.
    """

    def __init__(self, folder=None):
        self.folder = None if folder is None else expanded(folder)

    def embed(self, encoder, images, batch_size: int = 256) -> np.ndarray:
        """The features of every image, float32 [N, d], not to be written to; arguments and errors as `features.embed`.

        Raises:
            InputError: besides those of `features.embed`: an encoder that cannot be fingerprinted, or a folder that cannot be
                written to.
        """
        if self.folder is None:
            return embed(encoder, images, batch_size)
        images = as_images(images)
        check_images(images, getattr(encoder, "input_shape", None))
        path = self.folder / f"{_key(encoder, images)}.npy"
        features = _read(path, len(images))
        if features is None:
            self._compute(path, encoder, images, batch_size)
            features = _read(path, len(images))
            if features is None:
                raise InputError(f"cache: {path} cannot be read again after it was written")
        return features

    def _compute(self, path: Path, encoder, images, batch_size: int) -> None:
        """Batch by batch into a file that gets its name when it is whole."""
        temporary = temporary_sibling(path)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._write(temporary, encoder, images, batch_size)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"cache: cannot write to {self.folder}: {error.strerror}") from error

    def _write(self, path: Path, encoder, images, batch_size: int) -> None:
        with path.open("wb") as file:  # written, not mapped: a mapped page that finds the disk full ends the process
            for features in embedded_batches(encoder, images, batch_size):
                if not file.tell():
                    shape = (len(images), features.shape[1])
                    npy.write_array_header_1_0(file, {"descr": _FLOAT32, "fortran_order": False, "shape": shape})
                file.write(np.ascontiguousarray(features))


def _key(encoder, images) -> str:
    digest = hashlib.sha256(f"{fingerprint(encoder)} {images.shape}\n".encode())
    digest.update(images.digest.encode() if isinstance(images, ImageSource) else np.ascontiguousarray(images))
    return digest.hexdigest()


def _read(path: Path, count: int) -> np.ndarray | None:
    """The features in a file; None if there is none, or, with a message, if it is damaged."""
    try:
        features = np.load(path, mmap_mode="r", allow_pickle=False)
        if features.dtype != np.float32 or features.ndim != 2 or len(features) != count:
            raise ValueError(f"expected float32 [{count}, d], it holds {features.dtype} {list(features.shape)}")
        return features
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError) as error:
        print(f"{path} is damaged and will be replaced: {error}", file=sys.stderr)
        return None
