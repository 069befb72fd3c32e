"""The site: built with warnings as errors, its links followed, its pages opened in headless Chromium."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import console
from bs4 import BeautifulSoup
from markdown_pages import PAGES, ROOT

pytestmark = pytest.mark.slow
# What a browser fetches by itself when it shows a page.
RESOURCES = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", out / "doctrees", "docs", out / "html"]
    built = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0 and built.stderr == "", built.stderr[-5000:]
    return out / "html"


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, BeautifulSoup]:
    return {path: BeautifulSoup(path.read_text(), "html.parser") for path in sorted(site.rglob("*.html"))}


def test_every_markdown_page_is_in_the_site(site):
    for page in PAGES:
        if page.startswith("docs/"):
            assert (site / page.removeprefix("docs/")).with_suffix(".html").is_file(), page


def test_every_link_leads_somewhere(pages):
    for path, page in pages.items():
        for link in page.find_all("a", href=True):
            target = urlsplit(link["href"])
            if target.scheme:
                assert target.scheme in ("https", "http", "mailto"), link
                continue
            file = path.parent / unquote(target.path) if target.path else path
            assert file.is_file(), f"{path.name}: {link['href']}"
            if target.fragment and file.suffix == ".html":
                found = pages[file.resolve()].find(id=unquote(target.fragment))
                assert found or target.fragment == "", f"{path.name}: {link['href']}"


def test_nothing_is_fetched_from_a_network(site, pages):
    for path, page in pages.items():
        for tag, attribute in RESOURCES.items():
            for element in page.find_all(tag, **{attribute: True}):
                if tag == "link" and set(element.get("rel", [])) & {"next", "prev", "index", "search", "canonical"}:
                    continue
                assert not urlsplit(element[attribute]).netloc, f"{path.name}: {element}"
    for style in site.rglob("*.css"):
        assert not re.findall(r"url\([\"']?(?:https?:)?//|@import", style.read_text()), style.name


def test_every_flag_and_every_equation_is_shown(pages):
    by_name = {path.name: page for path, page in pages.items()}
    commands = by_name["commands.html"]
    assert commands.find(id="dogo-pretrain-epochs") and commands.find(id="dogo-predict-neighbours")
    assert len(by_name["the-method.html"].find_all("math")) > 20
    assert "dogo_tf.DoGo" in {element["id"] for element in by_name["python.html"].find_all(id=True)}


@pytest.mark.browser
def test_no_page_writes_to_the_console(pages, tmp_path):
    written = {path.name: console(path, tmp_path) for path in pages}
    assert {name: lines for name, lines in written.items() if lines} == {}


@pytest.mark.browser
def test_an_error_on_a_page_would_be_noticed(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<html><body><script>no_such_function()</script><script src='missing.js'></script></body></html>")
    assert any("no_such_function" in line for line in console(page, tmp_path / "profile"))
