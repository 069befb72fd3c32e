"""The project's Markdown pages: their code blocks, links and headings."""

import re
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
    if "_build" not in path.parts
)


class Block(NamedTuple):
    """A fenced block: its language, the line its code begins on, its code."""

    language: str
    line: int
    code: str


def _tokens(page: str):
    return MarkdownIt("commonmark").enable("table").parse((ROOT / page).read_text())


def blocks(page: str, *languages: str) -> list[Block]:
    """The fenced blocks of a page in these languages, in order."""
    fences = (token for token in _tokens(page) if token.type == "fence")
    return [Block(token.info, token.map[0] + 2, token.content) for token in fences if token.info in languages]


def links(page: str) -> list[str]:
    """Where the page's links and pictures lead, as written."""
    inline = [child for token in _tokens(page) for child in token.children or []]
    found = [child.attrGet("href") or child.attrGet("src") for child in inline]
    return [target for target in found if target]


def anchors(page: str) -> set[str]:
    """The page's headings as GitHub and MyST name them, and its explicit (targets)=."""
    tokens = _tokens(page)
    headings = [tokens[k + 1].content for k, token in enumerate(tokens) if token.type == "heading_open"]
    named = re.findall(r"^\(([\w-]+)\)=$", (ROOT / page).read_text(), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower().replace(" ", "-") for heading in headings
    } | {*named}
