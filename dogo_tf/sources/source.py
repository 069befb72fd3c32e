"""The interface of images that are not in memory: rows of an array that are fetched when they are asked for."""

import abc

import numpy as np

from dogo_tf.errors import InputError, Interrupted
from dogo_tf.sources.pixel_sums import PixelSums, pixel_sums


class ImageSource(abc.ABC):
    """Reads like an array uint8 [N, S, S, 3], but holds no images: `source[rows]` fetches them.

    Attributes:
        side: S, in pixels.
        digest: hexadecimal; the same only for the same files in the same order, decoded alike.
        failure: the InputError, or the Interrupted of a network, that ended a read. TensorFlow passes on only the text of what
            is raised while it reads.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, side: int, digest: str):
        self.side, self.digest = side, digest
        self.failure: InputError | Interrupted | None = None

    @abc.abstractmethod
    def __len__(self) -> int: ...

    @abc.abstractmethod
    def read(self, rows: np.ndarray) -> np.ndarray:
        """int64 [n], each in 0..N-1 -> uint8 [n, S, S, 3]."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return (len(self), self.side, self.side, 3)

    def __getitem__(self, rows) -> np.ndarray:
        """As of an array: a number, a slice, or numbers or booleans [n]."""
        chosen = np.arange(len(self))[rows]
        try:
            return self.read(np.atleast_1d(chosen)) if np.ndim(chosen) else self.read(np.array([chosen]))[0]
        except (InputError, Interrupted) as error:
            self.failure = error
            raise

    def __array__(self, *_, **__):
        """NumPy would take all rows into memory, one by one."""
        raise InputError(f"images: {len(self):,} images that are not in memory; read rows of them, as images[rows]")

    def pixel_sums(self) -> PixelSums:
        """Of all images."""
        return pixel_sums(self)
