"""Images named by a list: a .csv or .parquet file with the columns path[, label][, split]."""

import csv
import io
import os
import posixpath
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import BinaryIO

import numpy as np

from dogo_tf.data.file_set import numbered
from dogo_tf.errors import InputError
from dogo_tf.reporting.plain_text import from_cell
from dogo_tf.sources.file_index import FileIndex
from dogo_tf.sources.files import GONE, NOT_ASKED, split_archive, stamps, within
from dogo_tf.sources.kept_index import Contents
from dogo_tf.sources.remote import RemoteFile, is_folder, scheme
from dogo_tf.sources.tar import tar_index

MOST_BYTES = 2**31  # of a list, and of what a .parquet unpacks to
EXTENSIONS = (".csv", ".parquet")
COLUMNS = ("path", "label", "split")
NOTES = ("order", "why")  # what dogo-select writes beside them; a list of it, labels filled in, is a data set
_READ = (*COLUMNS, "image")  # of a .parquet file; dogo_tf.selection knows the last
KIND = "list 2"  # of listing: raise the number when other rows count, or get other labels
_NAMED = 5  # paths that an error names


def read_list(path: Path | RemoteFile, split: str, cache_dir: Path) -> Contents:
    """The images of a split, in the order of the list.

    Paths are relative to the folder of the list, or absolute, or URLs; in a list behind a URL they are relative, or URLs of
    the same kind. They may go through an uncompressed tar archive as through a folder: photos.tar/a/1.png. Classes are the
    different labels of the whole list, in the order of the numbers if all are whole numbers, else of the alphabet, so that they
    are the same in every split. Without a column `split` everything is "train".
    Raises InputError: a list that cannot be read, other columns, no image of this split, paths that are empty, come twice or
    lead to no file, labels that only some images of the split have, a damaged archive.

    cache_dir: where the indexes of archives are kept.
    """
    watched = FileIndex.of([path], [""], stamps([path]))  # before it is read: what comes later is a change
    columns = read_columns(path)
    _check_columns(path, list(columns))
    chosen = _rows_of(path, columns.get("split"), split, len(columns["path"]))
    files = _files(path, columns["path"], chosen, cache_dir)
    return Contents(files, watched, *_labels(path, columns.get("label"), chosen))


def listed_files(path: Path) -> FileIndex:
    """All files of a list, whatever their split, in its order; none in an archive. Raises InputError as read_list does."""
    columns = read_columns(path)
    _check_columns(path, list(columns))
    rows = list(range(len(columns["path"])))
    if not rows:
        raise InputError(f"{path}: no images in this list")
    for name in columns["path"]:
        parts = None if scheme(name) else split_archive(name)  # a URL is not asked: the caller refuses all of them
        if parts and _is_archive(within(path.parent, parts[0])):
            raise InputError(f"{path}: {name} is in an archive, which only the commands with --dataset read")
    return _files(path, columns["path"], rows)


def read_columns(path: Path | RemoteFile) -> dict[str, Sequence[str]]:
    """The columns of a list as text, checked by nobody yet; a missing value is an empty one.

    Of a .csv without the apostrophes that `reporting.plain_text.csv_bytes` puts before what a spreadsheet would compute.
    """
    remote = isinstance(path, RemoteFile)
    if not remote and path.exists() and not path.is_file():
        raise InputError(f"{path}: expected a list of images, which is a regular file")  # a pipe would be waited for
    try:
        with io.BytesIO(path.read(MOST_BYTES)) if remote else path.open("rb") as file:
            return _read_csv(path, file) if path.suffix == ".csv" else _read_parquet(path, file)
    except FileNotFoundError as error:
        raise InputError(f"the list {str(path)!r} does not exist") from error
    except (OSError, ValueError, csv.Error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: cannot be read as a list of images: {' '.join(str(error).split())}") from error


def _read_csv(path: Path | RemoteFile, file: BinaryIO) -> dict[str, list[str]]:
    # File names may be bytes that are no UTF-8, which Python writes and reads as surrogates.
    with io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        lines = csv.reader(text, strict=True)
        names = next(lines, [])
        columns: list[list[str]] = [[] for _ in names]
        for values in lines:
            if not values:
                continue
            if len(values) != len(names):
                raise InputError(f"{path}: line {lines.line_num}: expected {len(names)} values, got {len(values)}")
            for column, value in zip(columns, values, strict=True):
                column.append(from_cell(value))
    if len(set(names)) < len(names):
        raise InputError(f"{path}: expected every column once, got {','.join(names)}")
    return dict(zip(names, columns, strict=True))


def _read_parquet(path: Path | RemoteFile, file: BinaryIO) -> dict[str, list[str]]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise InputError(f"{path}: pyarrow is needed to read it (pip install pyarrow), or write it as .csv") from error
    opened = parquet.ParquetFile(file)
    unpacked = sum(opened.metadata.row_group(k).total_byte_size for k in range(opened.metadata.num_row_groups))
    if unpacked > MOST_BYTES:
        raise InputError(f"{path}: expected a list of at most {MOST_BYTES:,} bytes, got {unpacked:,}")
    table = opened.read()
    columns = {name: table.column(name).to_pylist() for name in table.column_names if name in _READ}
    text = {name: ["" if value is None else str(value) for value in values] for name, values in columns.items()}
    return text | {name: [] for name in table.column_names if name not in _READ}


def _check_columns(path: Path, names: list[str]) -> None:
    if "path" not in names or set(names) - {*COLUMNS, *NOTES}:
        raise InputError(f"{path}: expected the columns path[,label][,split], got {','.join(names) or 'none'}")


def check_split(path: Path, split: str) -> None:
    """InputError for a list that has no such split, or cannot be read; its files are not asked for."""
    columns = read_columns(path)
    _check_columns(path, list(columns))
    _rows_of(path, columns.get("split"), split, len(columns["path"]))


def splits(path: Path) -> list[str]:
    """The splits of a list, in the order of the alphabet."""
    columns = read_columns(path)
    _check_columns(path, list(columns))
    return sorted(set(columns.get("split", ["train"])))


def _rows_of(path: Path, splits: Sequence[str] | None, split: str, count: int) -> list[int]:
    if splits is None:
        if split != "train":
            raise InputError(f"split: {path} has no column 'split', so that all of it is 'train'; got {split!r}")
        rows = list(range(count))
    else:
        rows = [row for row, value in enumerate(splits) if value == split]
        if not rows and count:
            known = ", ".join(sorted(set(splits)))
            raise InputError(f"split: {path} has no image of the split {split!r}; known: {known}")
    if not rows:
        raise InputError(f"{path}: no images in this list")
    return rows


def named_files(path: Path, names: Sequence[str], count: int, cache_dir: Path) -> FileIndex:
    """Of a list of `count` images those with these names; errors and cache_dir as of read_list."""
    return _files(path, names, list(range(len(names))), cache_dir, count)


def _files(
    path: Path | RemoteFile,
    written: Sequence[str],
    rows: list[int],
    cache_dir: Path | None = None,
    count: int | None = None,
) -> FileIndex:
    empty = [row for row in rows if not written[row]]
    if empty:
        raise InputError(f"{path}: image {empty[0] + 1} has no path")
    names = [_name(path, row, written[row]) for row in rows]
    first: dict[str, int] = {}
    for row, name in zip(rows, names, strict=True):
        before = first.setdefault(name if scheme(name) else os.path.normpath(path.parent / name), row)
        if before != row:
            raise InputError(f"{path}: images {before + 1} and {row + 1} have the same path, {written[row]}")
    offsets, stamped = np.full(len(names), -1, np.int64), np.tile(NOT_ASKED, (len(names), 1))
    if cache_dir is not None:
        _find_in_archives(path.parent, names, cache_dir, offsets, stamped)
    archived = offsets >= 0
    files = FileIndex.of([path.parent], names, stamped, offsets=offsets if archived.any() else None)
    if not isinstance(path, RemoteFile):
        here = [k for k, name in enumerate(names) if not scheme(name) and not archived[k]]
        files.stamps[here] = stamps([files[k] for k in here])
    missing = np.flatnonzero((files.stamps == GONE).all(axis=1))
    _check_none_missing(path, [files[k] for k in missing.tolist()], len(files) if count is None else count)
    return files


def _find_in_archives(folder: Path | RemoteFile, names: list[str], cache_dir: Path, offsets, stamped) -> None:
    """Fills in the offsets and stamps, see FileIndex, of the names that go through an archive."""
    inside: dict[str, list[tuple[int, str]]] = {}
    for k, name in enumerate(names):
        parts = split_archive(name)
        if parts:
            inside.setdefault(parts[0], []).append((k, parts[1]))
    for name_of_archive, members in inside.items():
        archive = within(folder, name_of_archive)
        if not _is_archive(archive):
            continue
        time = stamps([archive])[0, 1]  # before it is read: what comes later is a change
        index = tar_index(archive, cache_dir / "tar")
        number = {name: k for k, name in enumerate(index.names)}
        for k, name in members:
            found = number.get(posixpath.normpath(name))
            stamped[k] = GONE if found is None else (index.sizes[found], time)
            offsets[k] = -1 if found is None else index.offsets[found]


def _is_archive(place: Path | RemoteFile) -> bool:
    """Whether a place that is called one is a file; a web server has no folders."""
    if isinstance(place, RemoteFile):
        return scheme(place.url) in ("http", "https") or not is_folder(place)
    return place.is_file()


def _check_none_missing(path: Path | RemoteFile, missing: Sequence[os.PathLike], count: int) -> None:
    if missing:
        named = "".join(f"\n  {file}" for file in missing[:_NAMED])
        more = f"\n  ... and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise InputError(f"{path}: {len(missing)} of {count} images do not exist:{named}{more}")


def _name(path: Path | RemoteFile, row: int, written: str) -> str:
    """As the index keeps it. A list from elsewhere names nothing of this machine, and nothing that needs other credentials."""
    if not isinstance(path, RemoteFile):
        return written if scheme(written) else str(PurePath(written))
    kinds = ("http", "https") if scheme(path.url) in ("http", "https") else (scheme(path.url),)
    if scheme(written) in kinds or not (scheme(written) or written.startswith("/") or ".." in written.split("/")):
        return written
    expected = " or ".join(f"{kind}://" for kind in kinds)
    raise InputError(
        f"{path}: image {row + 1}: expected a path below the list's folder, or a URL with {expected}; got {written}"
    )


def _labels(path: Path, labels: Sequence[str] | None, rows: list[int]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    if labels is None or not any(labels[row] for row in rows):
        return None, ()
    without = [row for row in rows if not labels[row]]
    if without:
        raise InputError(
            f"{path}: image {without[0] + 1} has no label, but others of its split have; expected all or none"
        )
    return numbered([labels[row] for row in rows], [label for label in labels if label])
