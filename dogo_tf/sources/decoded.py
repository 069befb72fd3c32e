"""Images that are decoded whenever they are asked for: for what is larger than memory and disk."""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.reporting.plain_text import printable
from dogo_tf.reporting.progress import Progress
from dogo_tf.sources.pixel_sums import PixelSums, pixel_sums
from dogo_tf.sources.source import ImageSource

SAMPLE = 10_000  # images of which the statistics of a larger set are taken
_BLOCK = 256
_LISTED = 5  # bad files that an error names


class DecodedImages(ImageSource):
    """Decodes on all cores, in the order asked for.

    A file that cannot be decoded is replaced by the next one in order that can, the same at every time; it is named on stderr.

    Args:
        files: paths, in the order of the rows.
        side: of the images, in pixels.
        digest: see ImageSource.
        decode: path -> uint8 [side, side, 3], or the reason why the file is bad.
        max_bad_images: largest share (0..1) of the files that may be bad.
    Attributes:
        bad: {number in `files`: reason} of what was found to be bad so far.
    """

    def __init__(
        self, files: Sequence[os.PathLike], side: int, digest: str, decode: Callable, max_bad_images: float = 0.0
    ):
        super().__init__(side, digest)
        self.files, self.max_bad_images = files, max_bad_images
        self.bad: dict[int, str] = {}
        self._decode = decode
        self._pool = ThreadPoolExecutor(os.cpu_count())  # Pillow decodes and resizes outside Python's global lock
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.files)

    def read(self, rows: np.ndarray) -> np.ndarray:
        images = np.empty((len(rows), self.side, self.side, 3), np.uint8)
        for row, image in enumerate(self._pool.map(self._image, rows.tolist())):
            images[row] = image
        return images

    def pixel_sums(self) -> PixelSums:
        """Of all images, or of SAMPLE evenly spaced ones of a larger set."""
        rows = np.linspace(0, len(self) - 1, min(SAMPLE, len(self))).round().astype(np.int64)
        found = PixelSums()
        with Progress(f"statistics of {len(rows):,} of {len(self):,} images", len(rows)) as progress:
            for start in range(0, len(rows), _BLOCK):
                found = found.plus(pixel_sums(self[rows[start : start + _BLOCK]]))
                progress.update(min(start + _BLOCK, len(rows)))
        return found

    def _image(self, number: int) -> np.ndarray:
        for step in range(len(self.files)):
            candidate = (number + step) % len(self.files)
            if candidate in self.bad:
                continue
            found = self._decode(self.files[candidate])
            if not isinstance(found, str):
                return found
            self._note(candidate, found)
        raise InputError(f"none of {len(self.files)} images can be read")

    def _note(self, number: int, reason: str) -> None:
        with self._lock:
            if number not in self.bad:
                self.bad[number] = reason
                named = f"{self.files[number]}: {reason}; the next image stands for it ({len(self.bad):,} so far)"
                print(printable(named), file=sys.stderr, flush=True)
            if len(self.bad) > self.max_bad_images * len(self.files):
                listed = "".join(f"\n  {self.files[n]}: {why}" for n, why in list(self.bad.items())[:_LISTED])
                raise InputError(
                    f"{len(self.bad)} of {len(self.files)} images cannot be read, more than "
                    f"max_bad_images={self.max_bad_images:g} allows:{listed}"
                )
