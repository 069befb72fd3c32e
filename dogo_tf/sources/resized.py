"""Images at another size, made when they are asked for."""

import hashlib
from collections.abc import Callable

import numpy as np

from dogo_tf.sources.source import ImageSource


class Resized(ImageSource):
    """Images at another size.

    Args:
        images: uint8 [N, S, S, 3], an array or an ImageSource. digest: of them.
        side: wanted, in pixels.
        resize: (uint8 [S, S, 3], side) -> uint8 [side, side, 3].
    """

    def __init__(self, images, digest: str, side: int, resize: Callable):
        super().__init__(side, hashlib.sha256(f"{digest} {side}".encode()).hexdigest())
        self._images, self._resize = images, resize

    def __len__(self) -> int:
        return len(self._images)

    def read(self, rows: np.ndarray) -> np.ndarray:
        return np.stack([self._resize(image, self.side) for image in self._images[rows]])
