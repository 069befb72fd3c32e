"""The images of a folder: any nesting, with or without labels."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dogo_tf.data.decode import KINDS
from dogo_tf.data.listing import EXTENSIONS, list_images
from dogo_tf.errors import InputError
from dogo_tf.sources import remote
from dogo_tf.sources.file_index import FileIndex
from dogo_tf.sources.kept_index import Contents
from dogo_tf.sources.remote import RemoteFile

KIND = "folder 1"  # of listing: raise the number when other files count, or get other labels


def read_folder(root: Path) -> Contents:
    """Every image below `root`, in sorted order.

    If every image lies in a sub-folder, its class is the first-level sub-folder; else there are no labels. See list_images for
    which files count; what other extensions there are is noticed.
    Raises InputError: no images.
    """
    listing = list_images(root)
    notice = f"not read, as they are no {KINDS} images: {listing.left_out_text()}" if listing.left_out else ""
    names = (listing.files.name(k) for k in range(len(listing.files)))
    return Contents(listing.files, listing.folders, *labels_of_folders(names), notice)


def read_remote_folder(root: RemoteFile) -> Contents:
    """The same of a folder behind a URL, of which nothing is watched: only listing it again would tell what is new.

    Raises InputError: no images, a web server, which lists nothing, no access. Interrupted: no network.
    """
    try:
        found = zip(*remote.list_files(root), strict=True)
    except FileNotFoundError as error:
        raise InputError(f"the folder '{root}' does not exist: {error}") from error
    chosen = [
        (name, stamp)
        for name, stamp in found
        if os.path.splitext(name)[1].lower() in EXTENSIONS and not (name.startswith(".") or "/." in name)
    ]
    if not chosen:
        raise InputError(f"{root}: no images here or below; looked for {', '.join(EXTENSIONS)}")
    names = [name for name, _ in chosen]
    files = FileIndex.of([root], names, [stamp for _, stamp in chosen])
    return Contents(files, FileIndex.of([root], [], []), *labels_of_folders(names))


def remote_split(folder: RemoteFile, split: str) -> RemoteFile:
    """`folder/split` if something lies there; `folder` itself for "train" otherwise; else InputError."""
    remote.refuse_http(folder)
    if split and remote.is_folder(folder / split):
        return folder / split
    if split == "train":
        return folder
    raise InputError(
        f"split: the folder {folder} has no sub-folder {split!r} (without 'train', 'train' is the folder itself)"
    )


def labels_of_folders(names: Iterable[str]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """(labels, class names) by the first folder of every name; None if a file lies in none."""
    numbers: dict[str, int] = {}
    found = [
        numbers.setdefault(first, len(numbers)) if rest else -1 for first, _, rest in (n.partition("/") for n in names)
    ]
    if min(found) < 0:
        return None, ()
    names = tuple(sorted(numbers))
    order = np.array([names.index(name) for name in numbers], np.int64)
    return order[np.array(found)], names
