"""Hostile and odd names on the screen and in tables."""

import csv
import io

import pytest

from dogo_tf.reporting.plain_text import csv_bytes, from_cell, printable
from dogo_tf.reporting.progress import say
from dogo_tf.reporting.table import text_table


@pytest.mark.parametrize(
    ("text", "shown"),
    (
        ("Käse 猫.png\n", "Käse 猫.png\n"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\rb\x07\x9bc", r"a\rb\x07\x9bc"),
        (b"caf\xe9.png".decode("utf-8", "surrogateescape"), r"caf\xe9.png"),
        ("left\u202eright", r"left\u202eright"),
    ),
)
def test_the_screen_gets_only_what_can_be_printed(text, shown, capsys):
    assert printable(text) == shown
    say(text)
    assert capsys.readouterr().out == shown + "\n"
    assert shown.strip() in text_table(["class"], [[text.strip()]])


def test_cells_are_no_formulas_and_numbers_stay_numbers():
    cells = ["=1+1", "+1", "-rm", "@SUM(A1)", "\tx", "plain", -0.5, 3]
    content = csv_bytes(["name"] * len(cells), [cells])
    (row,) = list(csv.reader(io.StringIO(content.decode())))[1:]
    assert row == ["'=1+1", "'+1", "'-rm", "'@SUM(A1)", "'\tx", "plain", "-0.5", "3"]


@pytest.mark.parametrize(
    "text",
    ["=1", "-1", "+1/a.png", "@a", " =1", "\t'x", "\uff1d1", "'=1", "''-1", "'a", "''", "'", "it's", "'90s", "", "a"],
)
def test_what_is_read_back_is_what_was_written(text):
    (row,) = list(csv.reader(io.StringIO(csv_bytes(["name", "end"], [[text, 0]]).decode(), newline="")))[1:]
    assert from_cell(row[0]) == text


def test_names_that_begin_with_an_apostrophe_stay():
    assert [from_cell(text) for text in ("'a", "''a", "'90s", "'", "'=1")] == ["'a", "''a", "'90s", "'", "=1"]


def test_names_that_are_no_utf8_keep_their_bytes():
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    assert csv_bytes(["path"], [[name]]) == b"path\ncaf\xe9.png\n"


@pytest.mark.parametrize("text", ["\n=1", " =1", "\u00ad=1", "\ufeff=1", "\uff1d1", "\t x", "\r=1"])
def test_formulas_behind_what_spreadsheets_skip_and_in_wide_signs_are_text(text):
    assert csv_bytes(["name"], [[text]]).decode().splitlines()[1].lstrip('"').startswith("'")


def test_a_carriage_return_does_not_end_a_row():
    table = csv_bytes(["name", "count"], [["a\rb", 1], ["c", 2]]).decode()
    assert list(csv.reader(io.StringIO(table, newline="")))[1:] == [["a\rb", "1"], ["c", "2"]]
