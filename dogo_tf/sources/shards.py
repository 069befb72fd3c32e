"""The files of an image cache: shards of fixed rows, each with a note that tells what is in it and that it is whole."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.platform.files import temporary_sibling, write_atomically
from dogo_tf.sources.file_index import FileIndex
from dogo_tf.sources.pixel_sums import PixelSums, pixel_sums

SHARD_BYTES = 64 * 2**20
_AT_ONCE = 256  # images that are in memory while a shard is built


@dataclass(frozen=True)
class Note:
    """What a shard holds.

    Attributes:
        crc32: of every row; a bad file's row is black.
        bad: (row, reason) of the files that could not be decoded.
        sums: PixelSums of the other rows.
    """

    crc32: list[int]
    bad: list[tuple[int, str]]
    sums: PixelSums


class Shards:
    """Writes and reads `files`, decoded to side x side pixels, as shards in `folder`.

    Args:
        files: in the order of the rows, as they were when the cache got its name.
        decode: path -> uint8 [side, side, 3], or the reason why the file is bad.
    """

    def __init__(self, folder: Path, files: FileIndex, side: int, decode: Callable):
        self.folder, self.files, self.side = folder, files, side
        self._decode = decode
        self.row_bytes = 3 * side * side
        self.rows = max(1, SHARD_BYTES // self.row_bytes)

    def __len__(self) -> int:
        return -(-len(self.files) // self.rows)

    def rows_of(self, k: int) -> range:
        """The numbers of the files in shard k."""
        return range(k * self.rows, min((k + 1) * self.rows, len(self.files)))

    def path(self, k: int) -> Path:
        return self.folder / f"{k:05}.pixels"

    def note(self, k: int) -> Note | None:
        """What is known of a shard that was built; None if it is missing or cut short, or its note is damaged."""
        path, count = self.path(k), len(self.rows_of(k))
        try:
            found = json.loads(path.with_suffix(".json").read_text())
            bad = [(int(row), str(reason)) for row, reason in found["bad"]]
            note = Note([int(crc) for crc in found["crc32"]], bad, PixelSums(*found["sums"]))
            whole = path.stat().st_size == count * self.row_bytes and len(note.crc32) == count
            return note if whole else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @contextlib.contextmanager
    def sole_builder(self, k: int, wait: bool) -> Iterator[bool]:
        """Whether this process may build shard k; the system frees the lock when a process ends, however."""
        with open(self.folder / f".{k:05}.lock", "a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True

    def build(self, k: int, pool: ThreadPool, on_images: Callable[[int], None] = lambda count: None) -> Note:
        """Decodes and writes shard k, then its note; for its sole builder.

        on_images: called with the number of images that are done.
        Raises InputError: a file has changed since the cache got its name.
        """
        numbers, crc32, bad, sums = self.rows_of(k), [], [], PixelSums()
        path = self.path(k)
        for left in self.folder.glob(f".*_{path.name}"):  # by a process that was killed: nobody else may build now
            left.unlink()
        temporary = temporary_sibling(path)
        try:
            with temporary.open("wb") as file:
                for start in range(0, len(numbers), _AT_ONCE):
                    part = numbers[start : start + _AT_ONCE]
                    images, reasons = self._decoded(part, pool)
                    file.write(images)
                    crc32 += [zlib.crc32(image) for image in images]
                    bad += [(start + row, reason) for row, reason in reasons.items()]
                    sums = sums.plus(pixel_sums(np.delete(images, list(reasons), axis=0)))
                    on_images(len(part))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        note = Note(crc32, bad, sums)
        write_atomically(path.with_suffix(".json"), json.dumps(asdict(note)).encode())
        return note

    def _decoded(self, numbers: range, pool: ThreadPool) -> tuple[np.ndarray, dict[int, str]]:
        """The images of these files, black where one is bad; and {row: reason} of the bad ones."""
        files = self.files[numbers.start : numbers.stop]
        images = np.zeros((len(files), self.side, self.side, 3), np.uint8)
        reasons = {}
        for row, found in enumerate(pool.imap(self._decode, files, chunksize=8)):
            if isinstance(found, str):
                reasons[row] = found
            else:
                images[row] = found
        # A request for each file again would double those of a remote set.
        changed = [] if self.files.is_remote else self.files.changed(np.array(numbers))
        if len(changed):
            raise InputError(
                f"{self.files[int(changed[0])]} has changed since it was listed; start again when nothing else writes "
                "to the folder"
            )
        return images, reasons

    def read_row(self, file: int, image: np.ndarray, row: int) -> bool:
        """Reads a row of the shard behind a file descriptor into `image`; False if the file is too short.

        Not mapped into memory: the pages are the same, but a file that was cut short would end the process by SIGBUS, and
        what is read would count as its memory.
        """
        return os.preadv(file, [image], row * self.row_bytes) == self.row_bytes
