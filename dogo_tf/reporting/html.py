"""Just enough HTML for a report in one file: whatever is not markup already is escaped."""

import base64
from html import escape

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; }
body { max-width: 80rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
.verdict { border-left: 5px solid #0072b2; background: #f2f7fb; padding: .6rem 1rem; }
.verdict p { margin: .3rem 0; } .verdict .main { font-size: 1.1rem; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 2px solid #888; white-space: normal; vertical-align: bottom; }
.helps { color: #005a8e; font-weight: 600; } .hurts { color: #a84600; font-weight: 600; } .quiet { color: #595959; }
.settings td { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 7rem; }
figure { margin: 1.5rem 0; } img { max-width: 100%; min-width: 44rem; } figcaption { color: #444; font-size: .9rem; }
"""


class Markup(str):
    """Text that is HTML already."""


def element(tag: str, *children, **attributes) -> Markup:
    """An element around `children`, which are escaped unless they are Markup; `class_` stands for class."""
    names = "".join(f' {name.rstrip("_")}="{escape(str(value))}"' for name, value in attributes.items())
    return Markup(f"<{tag}{names}>{''.join(_markup(child) for child in children)}</{tag}>")


def table(head: list, rows: list[list], class_: str = "") -> Markup:
    """A table that scrolls sideways by itself on a narrow screen."""
    header = element("thead", element("tr", *(element("th", cell) for cell in head))) if head else ""
    body = element("tbody", *(element("tr", *(element("td", cell) for cell in row)) for row in rows))
    return element("div", element("table", header, body, class_=class_), class_="wide")


def picture(png: bytes, alt: str, caption: str) -> Markup:
    """A PNG inside the file itself; like a table, it scrolls sideways where it would be too small to read."""
    data = base64.b64encode(png).decode()
    image = Markup(f'<img src="data:image/png;base64,{data}" alt="{escape(alt)}" />')
    return element("figure", element("div", image, class_="wide"), element("figcaption", caption))


def page(title: str, *content) -> str:
    """A whole document without scripts, links or anything from the network."""
    head = (
        Markup('<meta charset="utf-8" /><meta name="viewport" content="width=device-width, initial-scale=1" />'),
        element("title", title),
        element("style", Markup(STYLE)),
    )
    body = element("body", element("h1", title), *(Markup(f"\n{_markup(part)}") for part in content))
    return f'<!DOCTYPE html>\n<html lang="en">{element("head", *head)}\n{body}</html>\n'


def _markup(value) -> str:
    return value if isinstance(value, Markup) else escape(str(value))
