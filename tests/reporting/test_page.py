"""Pages by templates: escaped, whole, and without anything from elsewhere."""

import base64

import jinja2
import pytest

from dogo_tf.reporting.figure import new_figure, svg
from dogo_tf.reporting.page import data_uri, render

EXPORT = {
    "encoder": "<b>&",
    "recommendation": "none: nothing passed",
    "passed": False,
    "problems": ["a < b"],
    "remark": "",
    "head": ["format", "kB"],
    "rows": [["x", {"text": "<i>", "style": "bad"}]],
    "details": (["format"], []),
    "chart": None,
    "targets": (["file"], []),
    "reasons": [],
    "devices": ([], []),
    "operators": [],
    "conditions": [("command", "dogo-export --name='<script>'")],
}


def test_whatever_is_put_in_is_escaped():
    page = render("export.html", **EXPORT)
    assert "<title>Export of &lt;b&gt;&amp;</title>" in page and "<li>a &lt; b</li>" in page
    assert '<span class="bad">&lt;i&gt;</span>' in page and "<script" not in page and "<i>" not in page
    assert "default-src 'none'" in page


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="remark"):
        render("export.html", **{name: value for name, value in EXPORT.items() if name != "remark"})


def test_a_figure_is_the_same_svg_every_time_and_fits_into_a_page():
    def drawn():
        figure, (ax,) = new_figure(2, 1)
        ax.plot([0, 1])
        return svg(figure)

    assert drawn() == drawn() and b"<svg" in drawn()
    uri = data_uri(drawn(), "image/svg+xml")
    assert uri.startswith("data:image/svg+xml;base64,") and base64.b64decode(uri.split(",")[1]) == drawn()
