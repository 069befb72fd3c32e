"""The index of a data set's files, kept on disk: listed once, and looked at on every start instead of listed again."""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dogo_tf.platform.files import write_atomically
from dogo_tf.sources.file_index import FileIndex
from dogo_tf.sources.files import absolute, place

SAMPLE, REMOTE_SAMPLE = 20_000, 100  # files that are looked at on a start: all of a smaller set
_FORMAT = 1  # of what is written here: raise it when that changes
_COLUMNS = ("names", "ends", "stamps", "place", "offsets")


class Contents(NamedTuple):
    """files: of the images. watched: what the list of them depends on, the folders or the list's own file or the archives.

    labels: int64 [N], indices into class_names; None and () if unlabelled. notice: what to tell of what was left out.
    """

    files: FileIndex
    watched: FileIndex
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    notice: str = ""


def index_path(cache_dir: Path, kind: str, places: Sequence[os.PathLike], split: str = "") -> Path:
    """Where the index of what was listed at these places is kept. kind: how it was listed, with the version of that."""
    what = json.dumps([_FORMAT, kind, [absolute(place(name)) for name in places], split])
    return cache_dir / "index" / f"{hashlib.sha256(what.encode(errors='surrogatepass')).hexdigest()[:32]}.npz"


def read_index(path: Path, places: Sequence[os.PathLike], watched: Sequence[os.PathLike]) -> Contents | None:
    """None if it is missing or damaged; every byte of it has a checksum.

    places, watched: of its files and of what is watched, as they are called now.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            facts = json.loads(arrays["facts"].tobytes())
            labels = arrays.get("labels")
            indexes = (_columns(arrays, "files", places), _columns(arrays, "watched", watched))
            return Contents(*indexes, labels, tuple(facts["class_names"]), facts["notice"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def write_index(path: Path, contents: Contents) -> None:
    """Appears under its name when it is whole, so that it does not matter how many processes write it at once.

    Raises OSError.
    """
    facts = json.dumps({"class_names": contents.class_names, "notice": contents.notice}).encode()
    arrays = {"facts": np.frombuffer(facts, np.uint8)}
    if contents.labels is not None:
        arrays["labels"] = contents.labels
    for kind, index in (("files", contents.files), ("watched", contents.watched)):
        columns = {f"{kind}_{name}": getattr(index, name) for name in _COLUMNS}
        arrays |= {name: column for name, column in columns.items() if column is not None}
    content = io.BytesIO()
    np.savez(content, **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content.getvalue())


def changes(contents: Contents) -> str:
    """What is no longer as it was listed, for people; empty if nothing is.

    Looks at everything that is watched, and at no more than SAMPLE files (REMOTE_SAMPLE behind URLs), evenly spaced.
    """
    found = [_changed(contents.watched, len(contents.watched), "listed")]
    # What lies in the archives of a set has changed when these have, which are watched; not so in one that a list goes through.
    if contents.files.offsets is None or contents.files.place is None:
        found.append(_changed(contents.files, REMOTE_SAMPLE if contents.files.is_remote else SAMPLE, "looked at"))
    return "; ".join(text for text in found if text)


def difference(before: Contents, now: Contents) -> str:
    """How many files were added, are gone, have changed or other labels, for people; empty if none."""
    old, new = _by_name(before.files), _by_name(now.files)
    label_before, label_now = _labels(before), _labels(now)
    found = {
        "added": [key for key in new if key not in old],
        "gone": [key for key in old if key not in new],
        "changed": [key for key, stamp in new.items() if old.get(key, stamp) != stamp],
        "with another label": [key for key in new if key in old and label_before[key] != label_now[key]],
    }
    named = [f"{len(keys):,} {what}, e.g. {keys[0][0] / keys[0][1]}" for what, keys in found.items() if keys]
    return "; ".join(named)


def _by_name(files: FileIndex) -> dict[tuple[Path, str], tuple[int, int]]:
    """{(place, name): stamp}."""
    return dict(zip(_keys(files), map(tuple, files.stamps.tolist()), strict=True))


def _keys(files: FileIndex) -> list[tuple[Path, str]]:
    places = [0] * len(files) if files.place is None else files.place.tolist()
    return [(files.places[place], files.name(k)) for k, place in enumerate(places)]


def _labels(contents: Contents) -> dict[tuple[Path, str], str | None]:
    """{(place, name): name of its class}."""
    keys = _keys(contents.files)
    if contents.labels is None:
        return dict.fromkeys(keys)
    return dict(zip(keys, (contents.class_names[label] for label in contents.labels), strict=True))


def _changed(files: FileIndex, most: int, done: str) -> str:
    rows = np.unique(np.linspace(0, len(files) - 1, min(most, len(files))).round().astype(np.int64))
    changed = files.changed(rows)
    if not len(changed):
        return ""
    kind = "files and folders" if done == "listed" else "images"
    return f"{len(changed):,} of {len(rows):,} {kind} {done} have changed, e.g. {files[int(changed[0])]}"


def _columns(arrays, kind: str, places: Sequence[os.PathLike]) -> FileIndex:
    columns = {name: arrays[f"{kind}_{name}"] for name in _COLUMNS if f"{kind}_{name}" in arrays}
    index = FileIndex(places, **columns)
    if any(column is not None and len(column) != len(index) for column in (index.stamps, index.place, index.offsets)):
        raise ValueError("columns of unequal length")
    return index
