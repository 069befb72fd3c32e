"""The files of a data set before any is opened: what a folder, a list or archives come to."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dogo_tf.platform.files import reason
from dogo_tf.reporting.plain_text import printable
from dogo_tf.sources import kept_index
from dogo_tf.sources.file_index import FileIndex
from dogo_tf.sources.kept_index import Contents
from dogo_tf.sources.records import Records
from dogo_tf.sources.remote import RemoteFile

KEPT_FROM = 10_000  # files: what is listed in a moment needs no index on disk


class FileSet(NamedTuple):
    """files: of the images, in their order. labels: int64 [N], indices into class_names; None and () if unlabelled.

    name: of the data set, e.g. "photos train". place: the folder, file or URL that the user named, for messages.
    """

    name: str
    place: Path | RemoteFile
    files: FileIndex | Records
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()


class Listed(NamedTuple):
    """How the files of a data set are found.

    Attributes:
        name, place: see FileSet.
        kind: of the listing, with its version. places: which names are relative to. watched: places of what is watched.
        split: if it says which of the files there count.
        read: lists them.
    """

    name: str
    place: Path | RemoteFile
    kind: str
    places: Sequence[Path | RemoteFile]
    watched: Sequence[Path | RemoteFile]
    split: str
    read: Callable[[], Contents]

    def index_path(self, cache_dir: Path) -> Path:
        """Where the index is, or would be, kept."""
        return kept_index.index_path(cache_dir, self.kind, self.places, self.split)

    def kept(self, cache_dir: Path) -> Contents | None:
        """What the index in cache_dir says; None if there is none, or it is damaged."""
        return kept_index.read_index(self.index_path(cache_dir), self.places, self.watched)

    def files(self, cache_dir: Path) -> FileSet:
        """From the index in cache_dir, if that is still true; else listed, and kept there if they are many or remote."""
        found = self.kept(cache_dir)
        changes = "" if found is None else kept_index.changes(found)
        if changes:
            _say(f"{self.place}: {changes}; listing it again")
        if found is None or changes:
            found = self.read()
            if found.files.is_remote or len(found.files) >= KEPT_FROM or self.index_path(cache_dir).exists():
                try:
                    kept_index.write_index(self.index_path(cache_dir), found)
                except OSError as error:
                    _say(f"cache_dir: cannot keep the index of {self.place} in {cache_dir}: {reason(error)}")
        if found.notice:
            _say(f"{self.place}: {found.notice}")
        return FileSet(self.name, self.place, found.files, found.labels, found.class_names)


def numbered(labels: Sequence[str], of_all: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """int64 [N] of labels as text, and the classes' names: the different ones in `of_all`.

    In the order of the numbers if all are whole numbers, else of the alphabet.
    """
    known = set(of_all)
    numbers = all(label.isdecimal() for label in known)
    names = sorted(known, key=lambda label: (int(label) if numbers else 0, label))
    index = {name: i for i, name in enumerate(names)}
    return np.array([index[label] for label in labels], np.int64), tuple(names)


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)
