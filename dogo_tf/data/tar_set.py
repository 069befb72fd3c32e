"""Images in tar archives: WebDataset's shards, or a folder that was packed."""

import math
import posixpath
import re
from pathlib import Path

import numpy as np

from dogo_tf.data.file_set import FileSet, numbered
from dogo_tf.data.folder import labels_of_folders
from dogo_tf.data.listing import EXTENSIONS as IMAGES
from dogo_tf.errors import InputError
from dogo_tf.reporting.progress import Progress
from dogo_tf.sources.tar import TarMember, tar_index

EXTENSION = ".tar"
CLASS = ".cls"  # WebDataset's: a file beside the image, under the same name, that holds its class
MOST_ARCHIVES = 100_000  # that a pattern may name
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_NAMED = 5  # archives that an error names


def read_archives(pattern: str, split: str, cache_dir: Path) -> FileSet:
    """Every image in the archives, in the order of the archives and of the files in them.

    The class of an image is what a .cls file of its name says; where there is none, its first-level folder, if all images lie
    in one. Hidden files are ignored.
    Raises InputError: archives that are missing, cut short or damaged, no image, .cls files for some of the images only.

    Args:
        pattern: the path of one archive, or of many: "shards/{00000..00099}.tar".
        split: "train": archives have no others.
        cache_dir: where the indexes of the archives are kept.
    """
    if split != "train":
        raise InputError(
            f"split: archives are all 'train' (name those of another split as another data set); got {split!r}"
        )
    archives = expanded(pattern)
    missing = [path for path in archives if not path.is_file()]
    if missing:
        named = ", ".join(map(str, missing[:_NAMED])) + (", ..." if len(missing) > _NAMED else "")
        raise InputError(f"{len(missing)} of {len(archives)} archives do not exist: {named}")
    images: list[TarMember] = []
    classes: dict[str, TarMember] = {}
    with Progress("indexing archives", len(archives)) as progress:
        for done, archive in enumerate(archives, start=1):
            for member in _members(archive, cache_dir / "tar"):
                if posixpath.splitext(member.name)[1].lower() in IMAGES:
                    images.append(member)
                elif member.name.endswith(CLASS):
                    classes[_key(member)] = member
            progress.update(done)
    if not images:
        raise InputError(f"{pattern}: no images in the archives; looked for {', '.join(IMAGES)}")
    return FileSet(f"{pattern} {split}", Path(pattern), images, *_labels(images, classes))


def expanded(pattern: str) -> list[Path]:
    """ "a{08..10}.tar" -> a08.tar, a09.tar, a10.tar."""
    found = _RANGE.search(pattern)
    if not found:
        return [Path(pattern)]
    first, last = found.groups()
    if int(first) > int(last):
        raise InputError(f"dataset: expected a range from a smaller to a larger number, got {found[0]}")
    if math.prod(int(b) - int(a) + 1 for a, b in _RANGE.findall(pattern)) > MOST_ARCHIVES:
        raise InputError(f"dataset: expected a pattern of at most {MOST_ARCHIVES:,} archives, got {pattern}")
    numbers = (f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1))
    return [path for number in numbers for path in expanded(pattern.replace(found[0], number, 1))]


def _members(archive: Path, indexes: Path):
    index = tar_index(archive, indexes)
    for name, offset, size in zip(index.names, index.offsets.tolist(), index.sizes.tolist(), strict=True):
        if not any(part.startswith(".") for part in name.split("/")):
            yield TarMember(archive, name, offset, size)


def _key(member: TarMember) -> str:
    """What the files of one example have in common: archive, folder, and name up to the first dot."""
    folder, name = posixpath.split(member.name)
    return f"{member.archive}/{folder}/{name.partition('.')[0]}"


def _labels(images: list[TarMember], classes: dict[str, TarMember]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    if not classes:
        return labels_of_folders([tuple(image.name.split("/")) for image in images])
    without = [image for image in images if _key(image) not in classes]
    if without:
        raise InputError(f"{without[0]} has no {CLASS} file, but others have; expected one for every image or for none")
    labels = [classes[_key(image)].read().decode(errors="backslashreplace").strip() for image in images]
    return numbered(labels, labels)
