"""Images decoded once and kept on disk, for what does not fit into memory.

A cache is a folder named by a digest of what it holds: the list of files (path, bytes, modification time), the size that they
are decoded to and the decoder's version. It is built shard by shard: a build that was stopped goes on where it was, several
processes that build the same one share the work, and a shard that is damaged is noticed and built again.
"""

import os
import shutil
import sys
import zlib
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.reporting.plain_text import printable
from dogo_tf.reporting.progress import Progress
from dogo_tf.sources.file_index import FileIndex, readers
from dogo_tf.sources.pixel_sums import PixelSums
from dogo_tf.sources.shards import Note, Shards
from dogo_tf.sources.source import ImageSource


class CachedImages(ImageSource):
    """The images of a cache; a file that could not be decoded has no row.

    Attributes:
        good: int64 [N], the number of every row's file. bad: (number of the file, reason) of the others.
        folder: where the shards lie.
    """

    def __init__(self, shards: Shards, notes: list[Note], digest: str):
        super().__init__(shards.side, digest)
        self.folder = shards.folder
        self._shards, self._notes = shards, notes
        self._crc32 = np.array([crc for note in notes for crc in note.crc32], np.uint32)
        self._checked = np.zeros(len(self._crc32), bool)  # rows whose checksum was right in this process
        self.bad = [(shards.rows_of(k)[row], reason) for k, note in enumerate(notes) for row, reason in note.bad]
        self.good = np.setdiff1d(np.arange(len(self._crc32)), [number for number, _ in self.bad])

    def __len__(self) -> int:
        return len(self.good)

    def read(self, rows: np.ndarray) -> np.ndarray:
        numbers = self.good[rows]
        images = np.empty((len(numbers), self.side, self.side, 3), np.uint8)
        shards = numbers // self._shards.rows
        for k in np.unique(shards).tolist():
            places = np.flatnonzero(shards == k)
            if not self._read_from(k, numbers, images, places):
                self._build_again(k)
                if not self._read_from(k, numbers, images, places):
                    raise InputError(f"{self._shards.path(k)} is damaged, and is so again after it was built again")
        return images

    def pixel_sums(self) -> PixelSums:
        """As they were found when the cache was built."""
        found = PixelSums()
        for note in self._notes:
            found = found.plus(note.sums)
        return found

    def _read_from(self, k: int, numbers: np.ndarray, images: np.ndarray, places: np.ndarray) -> bool:
        """Fills images[places] from shard k; False if a row of it is damaged."""
        try:
            file = os.open(self._shards.path(k), os.O_RDONLY)
        except OSError:
            return False
        try:
            for place in places.tolist():
                number = int(numbers[place])
                if not self._shards.read_row(file, images[place], number - self._shards.rows_of(k).start):
                    return False
                if not self._checked[number]:
                    if zlib.crc32(images[place]) != self._crc32[number]:
                        return False
                    self._checked[number] = True
        finally:
            os.close(file)
        return True

    def _build_again(self, k: int) -> None:
        path = self._shards.path(k)
        print(printable(f"{path} is damaged; building it again"), file=sys.stderr, flush=True)
        try:
            with self._shards.sole_builder(k, wait=True), ThreadPool(readers(self._shards.files)) as pool:
                self._shards.build(k, pool)
        except OSError as error:
            raise _not_writable(self.folder, error) from error


def open_cache(folder: Path, files: FileIndex, side: int, digest: str, decode: Callable) -> CachedImages:
    """The CachedImages of these files in `folder`, built first as far as it is not there.

    Args:
        folder: of this cache alone; its name says what is in it.
        files, side, decode: see Shards. digest: see ImageSource.
    Raises:
        InputError: not enough room on the disk, a folder that cannot be written to, files that change meanwhile.
    """
    shards = Shards(folder, files, side, decode)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        missing = [k for k in range(len(shards)) if shards.note(k) is None]
        if missing:
            _check_room(shards, missing)
            _build(shards, missing)
        notes = [shards.note(k) for k in range(len(shards))]
    except OSError as error:
        raise _not_writable(folder, error) from error
    return CachedImages(shards, notes, digest)


def missing_bytes(folder: Path, files: FileIndex, side: int) -> int:
    """What `open_cache` would write."""
    shards = Shards(folder, files, side, decode=None)
    return shards.row_bytes * sum(len(shards.rows_of(k)) for k in range(len(shards)) if shards.note(k) is None)


def free_bytes(folder: Path) -> int:
    """Free room on the disk on which `folder` lies, or would lie."""
    folder = folder.absolute()
    return shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free


def _not_writable(folder: Path, error: OSError) -> InputError:
    return InputError(f"cache_dir: cannot write the cache to {folder}: {error.strerror}")


def _check_room(shards: Shards, missing: list[int]) -> None:
    needed = shards.row_bytes * sum(len(shards.rows_of(k)) for k in missing)
    free = free_bytes(shards.folder)
    if needed > free:
        raise InputError(
            f"cache_dir: {len(shards.files):,} images of {shards.side} x {shards.side} pixels need {needed:,} bytes in "
            f"{shards.folder}, but {free:,} are free; expected room for them, a smaller size, or source=stream, which keeps "
            "nothing"
        )


def _build(shards: Shards, missing: list[int]) -> None:
    """Every missing shard, of which other processes may build some meanwhile."""
    total, side = sum(len(shards.rows_of(k)) for k in missing), shards.side
    gigabytes = total * shards.row_bytes / 1e9
    what = (
        f"building an image cache: {total:,} images of {side} x {side} pixels, {gigabytes:.2f} GB, in {shards.folder}"
    )
    print(printable(what), file=sys.stderr, flush=True)
    left, done = list(missing), 0
    with Progress("decoding images", total) as progress, ThreadPool(readers(shards.files)) as pool:

        def decoded(count: int) -> None:
            nonlocal done
            done += count
            progress.update(done)

        for wait in (False, True):  # first what nobody else is at, then what somebody began and did not finish
            for k in list(left):
                with shards.sole_builder(k, wait) as free:
                    if not free:
                        continue
                    if shards.note(k) is None:
                        shards.build(k, pool, decoded)
                    else:
                        decoded(len(shards.rows_of(k)))  # by another process
                left.remove(k)
