"""Images in tar archives: WebDataset's shards, or a folder that was packed."""

import math
import posixpath
import re
from collections.abc import Sequence
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np

from dogo_tf.data.file_set import numbered
from dogo_tf.data.folder import labels_of_folders
from dogo_tf.data.listing import EXTENSIONS as IMAGES
from dogo_tf.errors import InputError
from dogo_tf.reporting.progress import Progress
from dogo_tf.sources.file_index import FileIndex, readers
from dogo_tf.sources.files import GONE, TarMember, place, stamps
from dogo_tf.sources.kept_index import Contents
from dogo_tf.sources.remote import RemoteFile
from dogo_tf.sources.tar import tar_index

EXTENSION = ".tar"
KIND = "archives 2"  # of listing: raise the number when other files count, or get other labels
CLASS = ".cls"  # WebDataset's: a file beside the image, under the same name, that holds its class
MOST_ARCHIVES = 100_000  # that a pattern may name
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_REMOTE_ARCHIVES = 8  # that are indexed at once
_NAMED = 5  # archives that an error names


def read_archives(pattern: str, archives: Sequence[Path | RemoteFile], cache_dir: Path) -> Contents:
    """Every image in the archives, in the order of the archives and of the files in them.

    The class of an image is what a .cls file of its name says; where there is none, its first-level folder, if all images lie
    in one. Hidden files are ignored. Of files of one name in an archive the last one counts; links are followed within it.
    What is left out is noticed.
    Raises InputError: archives that are missing, cut short or damaged, no image, .cls files for some of the images only.

    Args:
        pattern: what names the archives, for messages.
        cache_dir: where the indexes of the archives are kept.
    """
    stamped = stamps(archives)  # before they are read: what comes later is a change
    gone = (stamped == GONE).all(axis=1).tolist()
    missing = [p for p, it_is in zip(archives, gone, strict=True) if it_is or isinstance(p, Path) and not p.is_file()]
    if missing:
        named = ", ".join(map(str, missing[:_NAMED])) + (", ..." if len(missing) > _NAMED else "")
        raise InputError(f"{len(missing)} of {len(archives)} archives do not exist: {named}")
    images: list[tuple[int, str, int, int]] = []  # (number of the archive, name, offset, size)
    classes: dict[tuple[int, str], TarMember] = {}
    left_out: list[str] = []
    superseded: list[str] = []
    at_once = _REMOTE_ARCHIVES if isinstance(archives[0], RemoteFile) else 1
    with Progress("indexing archives", len(archives)) as progress, ThreadPool(at_once) as pool:
        indexes = pool.imap(partial(tar_index, folder=cache_dir / "tar"), archives)
        for number, (archive, index) in enumerate(zip(archives, indexes, strict=True)):
            for name, offset, size in zip(index.names, index.offsets.tolist(), index.sizes.tolist(), strict=True):
                if _is_hidden(name):
                    continue
                if _is_image(name):
                    images.append((number, name, offset, size))
                elif name.endswith(CLASS):
                    classes[number, _key(name)] = TarMember(archive, name, offset, size)
            left_out += [f"{archive}/{name}" for name in index.left_out if not _is_hidden(name)]
            superseded += [f"{archive}/{name}" for name in index.superseded if _is_image(name) and not _is_hidden(name)]
            progress.update(number + 1)
    if not images:
        raise InputError(f"{pattern}: no images in the archives; looked for {', '.join(IMAGES)}")
    numbers, names, offsets, sizes = zip(*images, strict=True)
    archive_of = np.array(numbers, np.int32)
    times = stamped[archive_of, 1]
    files = FileIndex.of(
        archives, names, np.stack([np.array(sizes, np.int64), times], 1), archive_of, np.array(offsets, np.int64)
    )
    watched = FileIndex.of(archives, [""] * len(archives), stamped, np.arange(len(archives), dtype=np.int32))
    return Contents(files, watched, *_labels(files, classes), _notice(left_out, superseded))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or "/." in name


def _is_image(name: str) -> bool:
    return posixpath.splitext(name)[1].lower() in IMAGES


def _notice(left_out: list[str], superseded: list[str]) -> str:
    found = {
        "neither a regular file nor a link to one in its archive": left_out,
        "an image of which the archive holds a later one": superseded,
    }
    counts = [f"{len(names):,} (each {what}), e.g. {names[0]}" for what, names in found.items() if names]
    return f"not read: {'; '.join(counts)}" if counts else ""


def archives_of(pattern: str, split: str) -> list[Path | RemoteFile]:
    """The paths or URLs of the archives that `pattern` names: one, or many as "shards/{00000..00099}.tar".

    Raises InputError: a split other than "train", a pattern of more than MOST_ARCHIVES.
    """
    if split != "train":
        raise InputError(
            f"split: archives are all 'train' (name those of another split as another data set); got {split!r}"
        )
    return expanded(pattern)


def expanded(pattern: str) -> list[Path | RemoteFile]:
    """ "a{08..10}.tar" -> a08.tar, a09.tar, a10.tar."""
    found = _RANGE.search(pattern)
    if not found:
        return [place(pattern)]
    first, last = found.groups()
    if int(first) > int(last):
        raise InputError(f"dataset: expected a range from a smaller to a larger number, got {found[0]}")
    if math.prod(int(b) - int(a) + 1 for a, b in _RANGE.findall(pattern)) > MOST_ARCHIVES:
        raise InputError(f"dataset: expected a pattern of at most {MOST_ARCHIVES:,} archives, got {pattern}")
    numbers = (f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1))
    return [path for number in numbers for path in expanded(pattern.replace(found[0], number, 1))]


def _key(name: str) -> str:
    """What the files of one example in an archive have in common: the folder, and the name up to the first dot."""
    folder, name = posixpath.split(name)
    return f"{folder}/{name.partition('.')[0]}"


def _labels(files: FileIndex, classes: dict[tuple[int, str], TarMember]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    keys = zip(files.place.tolist(), map(files.name, range(len(files))), strict=True)
    if not classes:
        return labels_of_folders(name for _, name in keys)
    members = [classes.get((number, _key(name))) for number, name in keys]
    if None in members:
        without = files[members.index(None)]
        raise InputError(f"{without} has no {CLASS} file, but others have; expected one for every image or for none")
    with ThreadPool(readers(files)) as pool:
        contents = pool.map(TarMember.read, members)
    labels = [content.decode(errors="backslashreplace").strip() for content in contents]
    return numbered(labels, labels)
