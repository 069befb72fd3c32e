"""Names that come from files, on the screen and in tables: nothing in them moves the cursor or computes in a spreadsheet."""

import csv
import io
import unicodedata
from collections.abc import Iterable

_FORMULA, _SKIPPED = tuple("=+-@"), tuple("\t\r\n")


def printable(text: str) -> str:
    r"""Control characters, which a terminal obeys, and bytes that are no UTF-8 as escapes (\x1b, \xe9); line ends stay."""
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def listed(names: Iterable, most: int = 10) -> str:
    """ "a, b and 7 more"."""
    names = list(map(str, names))
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def csv_bytes(head: list[str], rows: Iterable[Iterable]) -> bytes:
    """A CSV file in UTF-8 with a line for the head and one for each row.

    Text that a spreadsheet would take for a formula gets an apostrophe in front (numbers do not: give them as numbers), which
    `from_cell` takes away; bytes of file names that are no UTF-8 stay as they are on the disk.
    """
    text = io.StringIO(newline="")
    cells = [[_cell(value) for value in row] for row in rows]
    # The writer of some versions of Python leaves a lone carriage return unquoted, which readers take for the end of a row.
    broken = any(isinstance(cell, str) and "\r" in cell for row in cells for cell in row)
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC if broken else csv.QUOTE_MINIMAL)
    writer.writerow(head)
    writer.writerows(cells)
    return text.getvalue().encode("utf-8", "surrogateescape")


def from_cell(text: str) -> str:
    """The text that `csv_bytes` wrote as this one: what follows an apostrophe tells whether it put that there."""
    return text[1:] if text.startswith("'") and _is_formula(text.lstrip("'")) else text


def _cell(value):
    # Also where apostrophes of its own are in front, so that reading can take away one and gets what was there.
    return f"'{value}" if isinstance(value, str) and _is_formula(value.lstrip("'")) else value


def _is_formula(text: str) -> bool:
    """As spreadsheets see it, which skip spaces and invisible characters and know the wide forms of the signs."""
    first = next((c for c in text if c.isprintable() and not c.isspace()), "")
    return text.startswith(_SKIPPED) or unicodedata.normalize("NFKC", first) in _FORMULA


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte of a file name that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
