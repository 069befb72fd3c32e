"""Some images of a source, without reading them."""

import hashlib

import numpy as np

from dogo_tf.sources.source import ImageSource


class Selection(ImageSource):
    """The images `rows`, int64 [n], of a source, in this order."""

    def __init__(self, source: ImageSource, rows: np.ndarray):
        digest = hashlib.sha256(f"{source.digest}\n".encode() + np.ascontiguousarray(rows, np.int64).tobytes())
        super().__init__(source.side, digest.hexdigest())
        self._source, self._rows = source, rows

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, rows: np.ndarray) -> np.ndarray:
        return self._source[self._rows[rows]]


def selected(images, rows: np.ndarray):
    """images[rows] of an array; of an ImageSource one that reads these rows when it is asked for them."""
    return Selection(images, rows) if isinstance(images, ImageSource) else images[rows]
