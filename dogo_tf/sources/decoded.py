"""Images that are decoded whenever they are asked for: for what is larger than memory and disk."""

import bisect
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from dogo_tf.errors import InputError, Interrupted
from dogo_tf.reporting.plain_text import printable
from dogo_tf.reporting.progress import Progress
from dogo_tf.sources.file_index import readers
from dogo_tf.sources.pixel_sums import PixelSums, pixel_sums, read_sums, write_sums
from dogo_tf.sources.source import ImageSource
from dogo_tf.views.crops import ViewRequest

SAMPLE = 10_000  # images of which the statistics of a larger set are taken
_BLOCK = 256
_ROWS = 8  # that a thread reads in one go, at most
_LISTED = 5  # bad files that an error names


class DecodedImages(ImageSource):
    """Decodes on all cores, in the order asked for.

    A file that cannot be decoded is replaced by the next one in order that can, the same at every time; it is named on stderr.
    Where there are labels, by the next one of its class, so that no image goes under another one's label.

    Args:
        files: paths, in the order of the rows.
        side: of the images, in pixels.
        digest: see ImageSource.
        decode: path -> uint8 [side, side, 3], or the reason why the file is bad.
        cut: (path, uniforms [views, CROP_UNIFORMS], requests) -> a crop uint8 [size, size, 3] for each request, or the reason
            why the file is bad; None where crops are never asked for.
        larger: whether there is more to see in the files than in squares of `side`.
        max_bad_images: largest share (0..1) of the files that may be bad.
        kept: folder in which the statistics of a large set are kept, so that they are taken once; None keeps none.
        labels: int64 [N], the classes of the files; None where they have none. The digest has to depend on them, too.
    Attributes:
        bad: {number in `files`: reason} of what was found to be bad so far.
    """

    def __init__(
        self,
        files: Sequence[os.PathLike],
        side: int,
        digest: str,
        decode: Callable,
        max_bad_images: float = 0.0,
        cut: Callable | None = None,
        larger: bool = False,
        kept: Path | None = None,
        labels: np.ndarray | None = None,
    ):
        super().__init__(side, digest)
        self.files, self.max_bad_images = files, max_bad_images
        self.bad: dict[int, str] = {}
        self.larger, self.labels = larger, labels
        self._decode, self._cut, self._kept = decode, cut, kept
        self._threads = readers(files)
        self._pool = ThreadPoolExecutor(self._threads)  # Pillow decodes and resizes outside Python's global lock
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.files)

    def read(self, rows: np.ndarray) -> np.ndarray:
        images = np.empty((len(rows), self.side, self.side, 3), np.uint8)

        def fill(row: int) -> None:
            images[row] = self._first_good(self._decode, int(rows[row]))

        self._each(fill, len(rows))
        return images

    def crops(self, rows: np.ndarray, uniforms: np.ndarray, requests: Sequence[ViewRequest]) -> list[np.ndarray]:
        """Cut out of the files' own pictures, each of which is decoded once for all views.

        Args:
            rows: int64 [n]. uniforms: float32 [n, views, CROP_UNIFORMS], see CropPlan.
            requests: the views.
        Returns:
            uint8 [n, size, size, 3] for each request.
        """

        crops = [np.empty((len(rows), view.size, view.size, 3), np.uint8) for view in requests]

        def fill(row: int) -> None:
            found = self._first_good(lambda path: self._cut(path, uniforms[row], requests), int(rows[row]))
            for crop, target in zip(found, crops, strict=True):
                target[row] = crop

        try:
            self._each(fill, len(rows))
        except (InputError, Interrupted) as error:
            self.failure = error
            raise
        return crops

    def pixel_sums(self) -> PixelSums:
        """Of all images, or of SAMPLE evenly spaced ones of a larger set."""
        if self._kept is None or len(self) <= SAMPLE:
            return self._sums_of_sample()
        path = self._kept / f"{self.digest}.json"
        found = read_sums(path)
        if found is None:
            found = self._sums_of_sample()
            write_sums(path, found)
        return found

    def _sums_of_sample(self) -> PixelSums:
        rows = np.linspace(0, len(self) - 1, min(SAMPLE, len(self))).round().astype(np.int64)
        found = PixelSums()
        with Progress(f"statistics of {len(rows):,} of {len(self):,} images", len(rows)) as progress:
            for start in range(0, len(rows), _BLOCK):
                found = found.plus(pixel_sums(self[rows[start : start + _BLOCK]]))
                progress.update(min(start + _BLOCK, len(rows)))
        return found

    def _each(self, fill: Callable[[int], None], count: int) -> None:
        """Calls it with every row, several rows a task: handing over each to its thread costs more than Python does in it."""
        at_once = max(1, min(_ROWS, count // (2 * self._threads)))

        def part(start: int) -> None:
            for row in range(start, min(start + at_once, count)):
                fill(row)

        list(self._pool.map(part, range(0, count, at_once)))

    def _first_good(self, decode: Callable, number: int):
        """What `decode` makes of this file, or, if it is bad, of the next one of its class that is not."""
        for candidate in self._from(number):
            if candidate in self.bad:
                continue
            found = decode(self.files[candidate])
            if not isinstance(found, str):
                return found
            self._note(candidate, found)
        if self.labels is None:
            raise InputError(f"none of {len(self.files)} images can be read")
        raise InputError(
            f"{self.files[number]}: {self.bad[number]}, and no image of its class can be read that could stand for it; "
            "expected one at least (source=memory and source=cache leave such an image out)"
        )

    def _from(self, number: int) -> Iterator[int]:
        """This file, then those that may stand for it: all of its class in their order, beginning after it."""
        yield number  # most files are good, and nothing needs to be looked for
        same = range(len(self.files)) if self.labels is None else np.flatnonzero(self.labels == self.labels[number])
        first = bisect.bisect_left(same, number)
        for step in range(1, len(same)):
            yield int(same[(first + step) % len(same)])

    def _note(self, number: int, reason: str) -> None:
        with self._lock:
            if number not in self.bad:
                self.bad[number] = reason
                substitute = "the next image" if self.labels is None else "the next image of its class"
                named = f"{self.files[number]}: {reason}; {substitute} stands for it ({len(self.bad):,} so far)"
                print(printable(named), file=sys.stderr, flush=True)
            if len(self.bad) > self.max_bad_images * len(self.files):
                listed = "".join(f"\n  {self.files[n]}: {why}" for n, why in list(self.bad.items())[:_LISTED])
                raise InputError(
                    f"{len(self.bad)} of {len(self.files)} images cannot be read, more than "
                    f"max_bad_images={self.max_bad_images:g} allows:{listed}"
                )
