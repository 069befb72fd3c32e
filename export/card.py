"""The model card of an export: README.md, whose header holds a checksum of every file beside it."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from dogo_tf.errors import InputError
from dogo_tf.platform.files import sha256

CARD = "README.md"
NO_LICENCE = "unknown"  # the word that model hubs have for it
_FENCE = "---"
_EXPECTED = "expected the model card of dogo-export"


@dataclass(frozen=True)
class Card:
    """encoder: what it is called. licence: as filled in, e.g. "apache-2.0"; None as long as nobody has.

    files: path within the folder -> hexadecimal sha256. header: all fields of the header. text: the card below them, Markdown.
    """

    encoder: str
    licence: str | None
    files: dict[str, str]
    header: dict
    text: str


def load_card(folder) -> Card:
    """The model card of an exported folder, or of its README.md, after every file that it lists was compared with its checksum.

    Files that it does not list may lie beside them.

    Raises:
        InputError: no card there, not one of dogo-export, a listed file that is missing, or whose checksum does not fit.
    """
    path = Path(folder)
    path = path / CARD if path.is_dir() else path
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"card: {path}: {_EXPECTED}: {getattr(error, 'strerror', None) or 'it is no text'}") from error
    card = _parse(content, path)
    for name, stated in card.files.items():
        _check(path.parent, name, stated)
    return card


def compose(header: dict, text: str) -> str:
    """The whole file, from which `load_card` has both again."""
    fields = yaml.safe_dump(header, sort_keys=False, allow_unicode=True, width=120)
    return f"{_FENCE}\n{fields}{_FENCE}\n{text}"


def checksums(folder: Path) -> dict[str, str]:
    """Path within `folder` -> sha256, of all files in it."""
    found = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): sha256(file) for file in found}


def _parse(content: str, path: Path) -> Card:
    start, _, rest = content.partition(f"{_FENCE}\n")
    fields, fence, text = rest.partition(f"\n{_FENCE}\n")
    if start or not fence:
        raise InputError(f"card: {path}: {_EXPECTED}, which begins with fields between two lines of {_FENCE}")
    try:
        header = yaml.safe_load(fields)
    except yaml.YAMLError as error:
        raise InputError(f"card: {path}: its header is no YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise InputError(f"card: {path}: its header is no YAML that a card has: nested too deeply") from error
    wanted = {"encoder": str, "sha256": dict}
    for field, kind in wanted.items():
        if not isinstance(header, dict) or not isinstance(header.get(field), kind):
            raise InputError(f"card: {path}: {_EXPECTED}; its header has no field {field!r} of that form")
    licence = header.get("license")
    licence = None if licence in (None, "", NO_LICENCE) else str(licence)
    files = {str(name): str(stated) for name, stated in header["sha256"].items()}
    return Card(header["encoder"], licence, files, header, text)


def _check(folder: Path, name: str, stated: str) -> None:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):  # a card may be anybody's
        raise InputError(f"card: it lists {name}, which lies outside its folder {folder}")
    try:
        found = sha256(path)
    except OSError as error:
        raise InputError(f"card: {path} is listed in {CARD}, but cannot be read: {error.strerror}") from error
    if found != stated:
        raise InputError(
            f"card: {path} is not the file that {CARD} describes: its sha256 is {found}, the card states {stated}. It was "
            "damaged or replaced; take it, or the card, from the export again"
        )
