"""What a .keras archive may hold, by name, declared size and links: checked before anything of it is unpacked."""

from __future__ import annotations

import zipfile

# Bytes, unpacked. Assets are of layers that no encoder has; Keras would unpack them to the disk.
MEMBERS = {"config.json": 32 * 2**20, "metadata.json": 2**20, "model.weights.h5": 4 * 2**30}


class _Refused(ValueError):
    """What is wrong with an archive."""


def check_archive(archive: zipfile.ZipFile) -> None:
    """Raises ValueError for other members, larger ones, damage, and weights that point to other files."""
    for entry in archive.infolist():
        if entry.filename not in MEMBERS:
            raise _Refused(f"it holds {entry.filename!r}, expected {', '.join(MEMBERS)} alone")
        if entry.file_size > MEMBERS[entry.filename]:
            raise _Refused(
                f"its {entry.filename} has {entry.file_size:,} bytes unpacked, more than the "
                f"{MEMBERS[entry.filename]:,} allowed"
            )
    if damaged := archive.testzip():
        raise _Refused(f"its {damaged} is damaged")
    if "model.weights.h5" in archive.namelist():
        import h5py  # slow to load

        with archive.open("model.weights.h5") as file, h5py.File(file, "r") as weights:
            _check_group(weights, h5py, [0], set())


def _check_group(group, h5py, total: list[int], seen: set[int]) -> None:
    """Only data that lies in the file itself, and not more of it than the file may hold (chunks may be compressed)."""
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _Refused(f"its weights {name!r} are a link to somewhere else")
        item = group[name]
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:  # groups may hold one another: the ways through them have no end
            continue
        seen.add(address)
        if isinstance(item, h5py.Group):
            _check_group(item, h5py, total, seen)
            continue
        if item.external or item.is_virtual:
            raise _Refused(f"its weights {name!r} lie in another file")
        total[0] += item.size * item.dtype.itemsize
        if total[0] > MEMBERS["model.weights.h5"]:
            raise _Refused(f"its weights have more than the {MEMBERS['model.weights.h5']:,} bytes allowed")
