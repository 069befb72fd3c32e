"""Where images come from: a folder, a list of files, a TFDS name, or the embedded set `patterns`."""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dogo_tf.data.choose import SOURCES, default_cache_dir
from dogo_tf.data.file_set import Listed
from dogo_tf.data.image_set import ImageSet, digest, pixel_statistics
from dogo_tf.data.pixels import MAX_PIXELS, check_image_size
from dogo_tf.errors import InputError, unknown_name
from dogo_tf.platform import lazy, ranges
from dogo_tf.platform.files import expanded
from dogo_tf.sources.remote import RemoteFile, scheme

if TYPE_CHECKING:
    from dogo_tf.data.stream import training_stream
else:
    __getattr__, __dir__ = lazy.attributes(__name__, {"training_stream": "dogo_tf.data.stream"})

__all__ = ["ImageSet", "digest", "load", "open", "pixel_statistics", "training_stream"]


def load(
    name_or_path: str | os.PathLike,
    split: str = "train",
    image_size: int | None = None,
    data_dir: str | os.PathLike | None = None,
    max_bad_images: float = 0.01,
    prepare: bool = True,
    max_pixels: float = MAX_PIXELS,
) -> ImageSet:
    """All images of a split, in memory: uint8 [N, image_size, image_size, 3], with labels if there are any.

    Args:
        name_or_path: "patterns" or "patterns/ood", the set that comes with this package; the path of an existing folder of
            images (see folder.read_folder), of a list of them, .csv or .parquet (see list_file.read_list), or of tar
            archives, "shards/{00000..00099}.tar" (see tar_set.read_archives); anything else is a TFDS name (see
            tfds_source.find_tfds).
        split: "train", "test", ...; for a folder, its sub-folder; for a list, what its column `split` says.
        image_size: side in pixels, >= 8; None: the data's own, where all its images are squares of one size.
        data_dir: where TFDS keeps prepared data sets; not used for folders.
        max_bad_images: largest share (0..1) of the files that may be unreadable; they are left out, named on stderr
            and listed in ImageSet.bad_files.
        prepare: whether a TFDS set that is missing in data_dir is made there; False where data_dir comes from a file.
        max_pixels: of a file to decode, >= 1: a larger JPEG is decoded at 1/2, 1/4 or 1/8 of its sides, other files
            count as unreadable. So does what Pillow refuses to open, whatever max_pixels says: all of more than twice
            PIL.Image.MAX_IMAGE_PIXELS, 179 million unless your program raises it; the commands do, to their --max_pixels.
    Raises:
        InputError: what the user can put right.
    """
    return open(name_or_path, split, image_size, "memory", None, data_dir, max_bad_images, prepare, max_pixels)


def open(
    name_or_path: str | os.PathLike,
    split: str = "train",
    image_size: int | None = None,
    source: str = "auto",
    cache_dir: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    max_bad_images: float = 0.01,
    prepare: bool = True,
    max_pixels: float = MAX_PIXELS,
    store_ratio: float = 1.0,
) -> ImageSet:
    """The images of a split, also of a folder with more of them than memory holds; see `load` for the other arguments.

    Args:
        source: "memory": as `load`. "cache": decoded once into files in cache_dir, which later runs find again as long as the
            folder's files are the same; the same images as "memory". "stream": decoded whenever they are asked for, where a
            file that cannot be read is replaced by the next one in order that can (of its class, where there are labels), and
            counted when it is met. "auto": memory, if the images take at most half of what is free; else cache, if its disk
            has the room; else stream; what it was, and why, is told on stderr. Data sets from TFDS that are not in array_record
            cannot be a stream.
        cache_dir: for all caches, and the indexes of archives; None: ~/.cache/dogo_tf (or $XDG_CACHE_HOME/dogo_tf). What lies
            there may be deleted.
        store_ratio: where most pictures are larger than image_size (by a sample of 64), they are kept at up to this many times
            image_size, for sharper views of a training; of a "stream" always at image_size, as views are cut out of the files.
    """
    if source not in SOURCES:
        raise unknown_name("source", source, SOURCES)
    if image_size is not None:
        check_image_size(image_size)
    if not isinstance(max_bad_images, (int, float)) or not 0 <= max_bad_images <= 1:
        raise InputError(f"max_bad_images: expected a share of the files in 0..1 (0.01 is 1 %), got {max_bad_images!r}")
    ranges.check("max_pixels", max_pixels)
    if not 1 <= store_ratio < float("inf"):
        raise InputError(f"store_ratio: expected a number of at least 1, got {store_ratio!r}")
    name = os.fspath(name_or_path)
    cache_dir = default_cache_dir() if cache_dir is None else expanded(cache_dir)
    found = None if _is_patterns(name) else listed(name, split, cache_dir)
    if found is not None:
        from dogo_tf.data.open_files import open_files

        return open_files(
            found.files(cache_dir), image_size, max_bad_images, max_pixels, source, cache_dir, store_ratio
        )
    return _open_tfds(
        name, split, image_size, data_dir, prepare, max_bad_images, max_pixels, source, cache_dir, store_ratio
    )


def _is_patterns(name: str) -> bool:
    return name == "patterns" or name.startswith("patterns/")


def listed(name: str, split: str, cache_dir: Path) -> Listed | None:
    """What a path leads to; None for a name that can only be TFDS'."""
    from dogo_tf.data import folder, list_file, listing, tar_set

    path = RemoteFile(name.rstrip("/")) if scheme(name) else expanded(name)
    called = f"{path} {split}"
    if name and isinstance(path, Path) and path.is_dir():
        root = listing.split_folder(path, split)
        return Listed(called, root, folder.KIND, [root], [root], "", partial(folder.read_folder, root))
    if path.suffix in list_file.EXTENSIONS:
        read = partial(list_file.read_list, path, split, cache_dir)
        return Listed(called, path, f"{list_file.KIND} {path.name}", [path.parent], [path], split, read)
    if path.suffix == tar_set.EXTENSION:
        archives = tar_set.archives_of(str(path), split)
        read = partial(tar_set.read_archives, str(path), archives, cache_dir)
        return Listed(called, path, tar_set.KIND, archives, archives, "", read)
    if isinstance(path, RemoteFile):
        place = folder.remote_split(path, split)
        return Listed(called, place, folder.KIND, [place], [place], "", partial(folder.read_remote_folder, place))
    if path.is_file():
        raise InputError(
            f"{name} is a file; expected a folder of images (unpack archives first), a list of images "
            f"({', '.join(list_file.EXTENSIONS)}), {tar_set.EXTENSION} archives or a data set's name"
        )
    if not name or name.startswith((".", "~")) or path.is_absolute():
        raise InputError(f"the folder {name!r} does not exist{_instead(name)}")
    return None


def check_split(name: str, split: str, called: str) -> None:
    """InputError for a split that a folder, a list or archives do not have, before anything is read; TFDS is not asked.

    called: the argument that names the split, for the message.
    """
    from dogo_tf.data import list_file

    path = _local(name)
    try:
        if not _is_patterns(name):
            listed(name, split, default_cache_dir())
        if path and path.suffix in list_file.EXTENSIONS and not path.is_dir():
            list_file.check_split(path, split)
    except InputError as error:
        about, _, problem = str(error).partition(": ")
        if about != "split":
            raise
        raise InputError(f"{called}: {problem}") from error


def known_splits(name: str) -> tuple[str, ...] | None:
    """The splits of a folder (its sub-folders), a list or archives on this machine; None where that is not known."""
    from dogo_tf.data import list_file, listing, tar_set

    path = _local(name)
    if path is None:
        return None
    if path.is_dir():
        return tuple(listing.sub_folders(path))
    if path.suffix in list_file.EXTENSIONS:
        return tuple(list_file.splits(path))
    return ("train",) if path.suffix == tar_set.EXTENSION else None


def _local(name: str) -> Path | None:
    return None if not name or _is_patterns(name) or scheme(name) else expanded(name)


def _instead(name: str) -> str:
    from dogo_tf.data.listing import folders_alike

    alike = folders_alike(name)
    return f"; did you mean {' or '.join(alike)}?" if alike else ""


def _open_tfds(
    name, split, image_size, data_dir, prepare, max_bad_images, max_pixels, source, cache_dir, store_ratio
) -> ImageSet:
    from dogo_tf.data import tfds_source  # here, because it takes a second to import, which folders need not wait for
    from dogo_tf.data.open_files import open_files

    data_dir = None if data_dir is None else str(expanded(data_dir))
    if (os.sep in name or "/" in name) and not tfds_source.is_known(name, data_dir):
        first = name.split("/")[0]
        raise InputError(
            f"the folder {name!r} does not exist, and {first!r} is no TFDS data set either{_instead(name)}"
        )
    found = tfds_source.find_tfds(name, split, data_dir, prepare)
    records = tfds_source.records(found, cache_dir)
    if records is not None:
        size = found.size(image_size)
        return open_files(records, size, max_bad_images, max_pixels, source, cache_dir, store_ratio)
    return tfds_source.open_sequential(found, image_size, source, cache_dir, store_ratio)
