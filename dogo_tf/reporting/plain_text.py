"""Names that come from files, on the screen and in tables: nothing in them moves the cursor or computes in a spreadsheet."""

import csv
import io
from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    r"""Control characters, which a terminal obeys, and bytes that are no UTF-8 as escapes (\x1b, \xe9); line ends stay."""
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def csv_bytes(head: list[str], rows: Iterable[Iterable]) -> bytes:
    """A CSV file in UTF-8 with a line for the head and one for each row.

    Text that a spreadsheet would take for a formula gets an apostrophe in front (numbers do not: give them as numbers); bytes
    of file names that are no UTF-8 stay as they are on the disk.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _cell(value):
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte of a file name that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
