"""Features on disk, so that no probe computes them twice."""

import hashlib
import io
import sys
from pathlib import Path

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import check_images, embed
from dogo_tf.evaluate.sources import fingerprint
from dogo_tf.platform.files import write_atomically
from dogo_tf.sources.source import ImageSource


class FeatureCache:
    """`features.embed` that remembers: one .npy file for each pair of an encoder and a set of images.

    A file's name is the sha256 of what the encoder computes and of every pixel (of an ImageSource, its digest), so nothing ever
    has to be invalidated; the folder can be deleted at any time.

    Args:
        folder: for the files, made when it is first needed; None computes everything and keeps nothing.
    """

    def __init__(self, folder=None):
        self.folder = None if folder is None else Path(folder).expanduser()

    def embed(self, encoder, images, batch_size: int = 256) -> np.ndarray:
        """The features of every image, float32 [N, d]; arguments and errors as `features.embed`.

        Raises:
            InputError: besides those of `features.embed`: an encoder that cannot be fingerprinted, or a folder that cannot be
                written to.
        """
        if self.folder is None:
            return embed(encoder, images, batch_size)
        images = images if isinstance(images, ImageSource) else np.asarray(images)
        check_images(images, getattr(encoder, "input_shape", None))
        path = self.folder / f"{_key(encoder, images)}.npy"
        features = _read(path, len(images))
        if features is None:
            features = embed(encoder, images, batch_size)
            self._write(path, features)
        return features

    def _write(self, path: Path, features: np.ndarray) -> None:
        content = io.BytesIO()
        np.save(content, features)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content.getvalue())
        except OSError as error:
            raise InputError(f"cache: cannot write to {self.folder}: {error.strerror}") from error


def _key(encoder, images) -> str:
    digest = hashlib.sha256(f"{fingerprint(encoder)} {images.shape}\n".encode())
    digest.update(images.digest.encode() if isinstance(images, ImageSource) else np.ascontiguousarray(images))
    return digest.hexdigest()


def _read(path: Path, count: int) -> np.ndarray | None:
    """The features in a file; None if there is none, or, with a message, if it is damaged."""
    try:
        features = np.load(path, allow_pickle=False)
        if features.dtype != np.float32 or features.ndim != 2 or len(features) != count:
            raise ValueError(f"expected float32 [{count}, d], it holds {features.dtype} {list(features.shape)}")
        return features
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError) as error:
        print(f"{path} is damaged and will be replaced: {error}", file=sys.stderr)
        return None
