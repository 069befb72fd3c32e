"""The images of a TFDS data set in files that are only read from their start to their end, as a cache wants them."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from dogo_tf.errors import InputError
from dogo_tf.sources.record_files import RecordFiles


class SequentialRecords(RecordFiles, Sequence):
    """Slices of it are lists of encoded images. What follows the last slice is the cheapest; what lies before it is read from
    the start of the files again.

    Args:
        name, count, files, parts: see RecordFiles.
        read: number -> iterator of the encoded images from that one on.
    """

    def __init__(
        self,
        name: str,
        count: int,
        files: Sequence[Path],
        parts: Iterable[Sequence[int]],
        read: Callable[[int], Iterator[bytes]],
    ):
        super().__init__(name, count, files, parts)
        self._read, self._records, self._next = read, iter(()), count

    def __getitem__(self, numbers: slice) -> list[bytes]:
        start, stop, _ = numbers.indices(len(self))
        if start < self._next:
            self._records, self._next = self._read(start), start
        found = list(itertools.islice(self._records, start - self._next, stop - self._next))
        self._next = stop
        if len(found) < stop - start:
            raise InputError(
                f"{self.name}: expected {len(self):,} records, got {start + len(found):,}; prepare it again"
            )
        return found
