"""One self-contained HTML file from images and what was found in them.

The file comes in this order, so that a browser shows something before it has read all of it: what the page looks like, numbers
and names of all images, the program, sheets of thumbnails (those that show first come first). Every block of data has a
checksum. The page may load nothing, and runs no program but its own (its Content-Security-Policy).
"""

import base64
import functools
import hashlib
import json
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.exploration.lists import ReadingList
from dogo_tf.exploration.looks import Looks
from dogo_tf.exploration.placement import appearance, on_grid
from dogo_tf.exploration.thumbnails import per_sheet, sheets, side_for
from dogo_tf.platform.files import temporary_sibling
from dogo_tf.reporting.plain_text import printable
from dogo_tf.sources.files import full_name

SHOWN_NEIGHBOURS = 12
SCRIPTS = ("data.js", "sheets.js", "labels.js", "colours.js", "map.js", "panel.js", "input.js", "main.js")


class Page(NamedTuple):
    """What a page is made of.

    Attributes:
        images: the whole set. rows: int64 [N], the images of it that the page shows.
        places: [N, 2], any scale, of those. looks: of those; its neighbours are numbers within `rows`.
        labels: int64 [N], indices into class_names, -1 without one. class_names: may be empty.
        encoder, map_name: their names, for the page's words.
        lists: to go through; rows that the page does not show are left out.
        max_pixels: see data.load.
    """

    images: ImageSet
    rows: np.ndarray
    places: np.ndarray
    looks: Looks
    labels: np.ndarray
    class_names: tuple[str, ...]
    encoder: str
    map_name: str
    lists: tuple[ReadingList, ...]
    max_pixels: float


def write_page(page: Page, path: Path) -> int:
    """Writes it; returns its bytes. Where there was a file it stays until the new one is whole. Raises OSError."""
    points = on_grid(page.places)
    order, counts = appearance(points)
    side = side_for(page.images, len(page.rows))
    before, after = _frame()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_sibling(path)
    try:
        with temporary.open("wb") as file:
            file.write(before.render(title=printable(page.images.name), digest=digest(page.images)).encode())
            for name, content in _numbers(page, points, order, counts, side).items():
                file.write(_block(name, content))
            file.write(after.encode())
            for number, sheet in enumerate(sheets(page.images, page.rows[order], side, page.max_pixels)):
                file.write(_block(f"sheet-{number}", sheet))
            file.write(b'<script type="text/plain" id="end"></script>\n</body>\n</html>\n')
            size = file.tell()
        temporary.replace(path)
        return size
    finally:
        temporary.unlink(missing_ok=True)


def digest(images: ImageSet) -> str:
    """Hexadecimal: of the places of the images' files, or of the set's name and size where they have none.

    Labels that a browser keeps belong to it: other encoders, maps and thumbnails of the same images find them again.
    """
    names = map(full_name, images.files) if len(images.files) else [images.name, str(len(images))]
    found = hashlib.sha256()
    for name in names:
        found.update(os.fsencode(name) + b"\0")
    return found.hexdigest()[:32]


def _numbers(page: Page, points: np.ndarray, order: np.ndarray, counts: np.ndarray, side: int) -> dict[str, bytes]:
    """The blocks of all images, in the order of their appearance."""
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    looks = page.looks
    blocks = {
        "about": json.dumps(_about(page, order, rank, counts, side)).encode("ascii"),
        "places": points[order].astype("<u2").tobytes(),
        "rows": page.rows[order].astype("<u4").tobytes(),
        "labels": page.labels[order].astype("<i4").tobytes(),
        "neighbours": rank[looks.neighbours[order, :SHOWN_NEIGHBOURS]].astype("<u4").tobytes(),
        "clusters": looks.clusters[order].astype("u1").tobytes(),
    }
    if looks.suspects is not None:
        suspicion = np.round(127.5 * (1 + looks.suspects.suspicion[order]))
        blocks["suspicion"] = np.clip(suspicion, 0, 255).astype("u1").tobytes()
    if looks.disagreement is not None:
        blocks["disagreement"] = np.round(255 * looks.disagreement[order]).astype("u1").tobytes()
    return blocks


def _about(page: Page, order: np.ndarray, rank: np.ndarray, counts: np.ndarray, side: int) -> dict:
    on_page = {int(row): int(number) for row, number in zip(page.rows, rank, strict=True)}
    return {
        "name": printable(page.images.name),
        "of": len(page.images),
        "encoder": page.encoder,
        "map": page.map_name,
        "levels": counts.tolist(),
        "side": side,
        "perSheet": per_sheet(side),
        "sheets": -(-len(order) // per_sheet(side)),
        "neighbours": min(SHOWN_NEIGHBOURS, page.looks.neighbours.shape[1]),
        "classes": page.class_names,
        **_files([full_name(page.images.files[row]) for row in page.rows[order]] if len(page.images.files) else []),
        "lists": [_list(each, on_page) for each in page.lists],
    }


def _files(files: Sequence[str]) -> dict:
    """The folder that all share, once, and what follows in each."""
    shared = os.path.commonprefix(files)
    return {"folder": shared, "files": [file[len(shared) :] for file in files]}


def _list(each: ReadingList, on_page: dict[int, int]) -> dict:
    kept = [k for k, row in enumerate(each.rows.tolist()) if row in on_page]
    return {
        "title": printable(each.title),
        "images": [on_page[int(each.rows[k])] for k in kept],
        "notes": [each.notes[k] for k in kept],
        "suggested": [each.suggested[k] for k in kept],
    }


def _block(name: str, content: bytes) -> bytes:
    """Data that a browser keeps as it is: base64, with the CRC-32 of what it stands for."""
    head = f'<script type="text/plain" id="data-{name}" data-crc="{zlib.crc32(content)}">'
    return head.encode() + base64.b64encode(content) + b"</script>\n"


@functools.cache
def _frame():
    """(template of what stands before the data, the program after it)."""
    import jinja2  # only where a page is written

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    source = {name: environment.loader.get_source(environment, name)[0] for name in ("explore.css", *SCRIPTS)}
    program = "\n(() => {\n'use strict';\n" + "\n".join(source[name] for name in SCRIPTS) + "})();\n"
    allowed = base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()
    environment.globals |= {"style": source["explore.css"], "allowed": allowed}
    return environment.get_template("explore.html"), f"<script>{program}</script>\n"
