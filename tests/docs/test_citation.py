"""CITATION.cff says what the package and its README say."""

import markdown_pages
import yaml

import dogo_tf

CITATION = yaml.safe_load((markdown_pages.ROOT / "CITATION.cff").read_text())


def test_it_cites_this_version_of_the_package():
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["version"] == dogo_tf.__version__
    assert CITATION["license"] == "Apache-2.0"


def test_it_cites_the_paper_as_the_readme_does():
    paper = CITATION["preferred-citation"]
    (entry,) = markdown_pages.blocks("README.md", "bibtex")
    assert paper["title"].lower() in entry.code.lower()
    assert all(author["family-names"] in entry.code for author in paper["authors"])
    assert f"{paper['start']}-{paper['end']}" in entry.code
    assert str(paper["year"]) in entry.code
