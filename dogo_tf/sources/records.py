"""The images of a TFDS data set in array_record files: read by their numbers, like files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dogo_tf.errors import InputError
from dogo_tf.sources.record_files import RecordFiles

_BLOCK = 256  # records that are read at a time for their labels


@dataclass(frozen=True, slots=True)
class Record:
    """The encoded image of one record. name: for messages, and unique within its data set."""

    name: str
    number: int
    get: Callable[[int], dict]

    def __fspath__(self) -> str:
        return self.name

    def __str__(self) -> str:
        return self.name

    def read(self) -> bytes:
        """Raises what array_record raises on damaged files."""
        return self.get(self.number)["image"]


class Records(RecordFiles, Sequence):
    """Reads like a FileIndex of files.

    Args:
        name, files, parts: see RecordFiles.
        data: data[number] gives {"image": encoded bytes, ...}, as TFDS' data sources do.
    """

    def __init__(self, name: str, data: Sequence[dict], files: Sequence[Path], parts: Iterable[Sequence[int]]):
        super().__init__(name, len(data), files, parts)
        self._data = data

    def __getitem__(self, number):
        """A Record; of a slice, a list of them."""
        if isinstance(number, slice):
            return [self[k] for k in range(*number.indices(len(self)))]
        k = range(len(self))[number]
        return Record(f"{self.name} #{k}", k, self._data.__getitem__)

    def read_labels(self) -> Iterator[list[int]]:
        """What the records' feature `label` says, block by block. Raises InputError: damaged records."""
        for start in range(0, len(self), _BLOCK):
            end = min(start + _BLOCK, len(self))
            try:
                yield [record["label"] for record in self._data.__getitems__(range(start, end))]
            except Exception as error:  # array_record has no class of its own for damage
                reason = " ".join(str(error).split())[:300]
                raise InputError(f"{self.name}: a record of {start} to {end - 1} cannot be read: {reason}") from error
