"""Which files of a folder are images, in which order, and what is left out."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dogo_tf.errors import InputError

EXTENSIONS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_NAMED = 6  # kinds of left-out files that a message names


class Listing(NamedTuple):
    """files: every image file, in sorted order. left_out: how many other files there are, by extension, most first."""

    files: list[Path]
    left_out: dict[str, int]

    def left_out_text(self) -> str:
        """ "12 .heic, 1 .txt"; empty if nothing was left out."""
        named = [f"{count:,} {extension or 'without extension'}" for extension, count in self.left_out.items()]
        return ", ".join(named[:_NAMED]) + (", ..." if len(named) > _NAMED else "")


def list_images(folder: Path) -> Listing:
    """Every image file below `folder`, by its extension; hidden files and folders are ignored, symbolic links are followed.

    What has the extension of an image but is no regular file (a broken link, a pipe) is listed, too: a bad file for the reader.
    Raises InputError if there is no image, or a folder cannot be listed.
    """
    files: list[Path] = []
    others: Counter[str] = Counter()
    try:
        for path in _walk(folder, ()):
            extension = path.suffix.lower()
            if extension in EXTENSIONS:
                files.append(path)
            else:
                others[extension] += 1
    except OSError as error:
        raise InputError(f"{error.filename}: cannot list this folder: {error.strerror}") from error
    left_out = dict(sorted(others.items(), key=lambda found: (-found[1], found[0])))
    listing = Listing(sorted(files, key=lambda path: path.relative_to(folder).parts), left_out)
    if not files:
        found = f"; found: {listing.left_out_text()}" if others else ""
        raise InputError(f"{folder}: no images here or below; looked for {', '.join(EXTENSIONS)}{found}")
    return listing


def split_folder(folder: Path, split: str) -> Path:
    """`folder/split` if it exists; `folder` itself for "train" otherwise; else InputError with the sub-folders."""
    if split and not split.startswith(".") and (folder / split).is_dir():
        return folder / split
    if split == "train":
        return folder
    found = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    raise InputError(
        f"split: the folder {folder} has no sub-folder {split!r}; "
        f"known: {', '.join(found) or 'none'} (without a sub-folder 'train', 'train' is the folder itself)"
    )


def _walk(folder: Path, above: tuple[str, ...]) -> Iterator[Path]:
    """All files below `folder`. `above`: the real paths of the folders it was reached through, to see a loop."""
    real = os.path.realpath(folder)
    if real in above:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                yield from _walk(folder / entry.name, (*above, real))
            else:
                yield folder / entry.name


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
