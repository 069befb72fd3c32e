"""Which files of a folder are images, in which order, and what is left out."""

import difflib
import os
from array import array
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.platform.files import expanded
from dogo_tf.reporting.progress import Progress
from dogo_tf.sources.file_index import FileIndex

EXTENSIONS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_NAMED = 6  # kinds of left-out files that a message names


class Listing(NamedTuple):
    """files: every image file, in sorted order. left_out: how many other files there are, by extension, most first.

    folders: all that were gone through.
    """

    files: FileIndex
    left_out: dict[str, int]
    folders: FileIndex

    def left_out_text(self) -> str:
        """ "12 .heic, 1 .txt"; empty if nothing was left out."""
        named = [f"{count:,} {extension or 'without extension'}" for extension, count in self.left_out.items()]
        return ", ".join(named[:_NAMED]) + (", ..." if len(named) > _NAMED else "")


def list_images(folder: Path) -> Listing:
    """Every image file below `folder`, by its extension; hidden files and folders are ignored, symbolic links are followed.

    What has the extension of an image but is no regular file (a broken link, a pipe) is listed, too: a bad file for the reader.
    Raises InputError if there is no image, or a folder cannot be listed.
    """
    walk = _Walk()
    try:
        with Progress(f"listing {folder}") as walk.progress:
            walk.into(os.fspath(folder), "", ())
    except OSError as error:
        raise InputError(f"{error.filename}: cannot list this folder: {error.strerror}") from error
    left_out = dict(sorted(walk.others.items(), key=lambda found: (-found[1], found[0])))
    files, folders = (
        FileIndex.of([folder], names, np.frombuffer(stamped, np.int64))
        for names, stamped in ((walk.names, walk.stamps), (walk.folders, walk.folder_stamps))
    )
    listing = Listing(files, left_out, folders)
    if not walk.names:
        found = f"; found: {listing.left_out_text()}" if left_out else ""
        raise InputError(f"{folder}: no images here or below; looked for {', '.join(EXTENSIONS)}{found}")
    return listing


def split_folder(folder: Path, split: str) -> Path:
    """`folder/split` if it exists; `folder` itself for "train" otherwise; else InputError with the sub-folders."""
    if split and not split.startswith(".") and (folder / split).is_dir():
        return folder / split
    if split == "train":
        return folder
    found = sub_folders(folder)
    raise InputError(
        f"split: the folder {folder} has no sub-folder {split!r}; "
        f"known: {', '.join(found) or 'none'} (without a sub-folder 'train', 'train' is the folder itself)"
    )


def sub_folders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


class _Walk:
    """What was found on the way through folders: names relative to the first, in sorted order, and their files.stamps."""

    def __init__(self):
        self.names: list[str] = []
        self.folders: list[str] = []
        self.stamps, self.folder_stamps = array("q"), array("q")
        self.others: Counter[str] = Counter()

    def into(self, folder: str, prefix: str, above: tuple[str, ...]) -> None:
        """above: the real paths of the folders it was reached through, to see a loop."""
        real = os.path.realpath(folder)
        if real in above:
            return
        found = os.stat(folder)  # before it is listed: what comes later is a change
        self.folders.append(prefix)
        self.folder_stamps.extend((found.st_size, found.st_mtime_ns))
        with os.scandir(folder) as entries:
            visible = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda e: e.name)
        for entry in visible:
            if _is_folder(entry):
                self.into(entry.path, f"{prefix}{entry.name}/", (*above, real))
                continue
            extension = os.path.splitext(entry.name)[1].lower()
            if extension in EXTENSIONS:
                self.names.append(prefix + entry.name)
                self.stamps.extend(_stamp(entry))
            else:
                self.others[extension] += 1
        self.progress.update(len(self.names), "images")


def _stamp(entry: os.DirEntry) -> tuple[int, int]:
    try:
        found = entry.stat()
    except OSError:  # a broken link
        return -1, -1
    return found.st_size, found.st_mtime_ns


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def folders_alike(name: str) -> list[str]:
    """The folders with names like that of `name`, which is not there, beside where it would be; the most alike first."""
    path = expanded(name)
    try:
        beside = {entry.name.lower(): entry.name for entry in os.scandir(path.parent) if entry.is_dir()}
    except OSError:
        return []
    return [str(path.parent / beside[found]) for found in difflib.get_close_matches(path.name.lower(), beside)]
