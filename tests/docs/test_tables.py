"""README and docs/ show what results/ holds."""

from pathlib import Path

import length_tables
import picture
import published
import pytest
import tables
import why_tables

from dogo_tf.encoders import keras_applications, keras_cv_backbones


@pytest.mark.parametrize("page", tables.PAGES)
def test_the_tables_are_those_of_the_results(page):
    assert tables.filled(page) == (published.ROOT / page).read_text()


def test_every_table_is_shown():
    text = "".join((published.ROOT / page).read_text() for page in tables.PAGES)
    assert [name for name in tables.TABLES if f"<!-- {name} -->" not in text] == []


@pytest.mark.parametrize("module", [picture, length_tables, why_tables])
def test_the_pictures_show_the_results_as_they_are(module, tmp_path):
    module.draw(tmp_path / "picture.svg")
    assert points(tmp_path / "picture.svg") == points(module.PICTURE) != []


def points(path: Path) -> list[str]:
    """Where the marks of the means are drawn; the rest of an SVG depends on matplotlib's version."""
    return [line.split('"')[3:6] for line in path.read_text().splitlines() if "<use " in line and 'x="' in line]


def test_the_readme_is_short():
    assert len((published.ROOT / "README.md").read_text().splitlines()) <= 160


def test_every_backbone_that_has_a_name_was_built():
    built = published.read("backbones")["encoders"]
    assert {*keras_applications.names(), *keras_cv_backbones.names()} <= built.keys()
    assert not [name for name, found in built.items() if "failed" in found]
    assert f"All {len(built)} networks" in (published.ROOT / "docs/results.md").read_text()
