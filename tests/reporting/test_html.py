"""Reports in one file."""

from dogo_tf.reporting import html
from dogo_tf.reporting.figure import new_figure, png


def test_text_is_escaped_and_markup_is_not():
    page = html.page("a < b", html.element("p", "x & y", html.element("b", "bold"), class_="note"), "1 > 0")
    assert (
        "<title>a &lt; b</title>" in page and '<p class="note">x &amp; y<b>bold</b></p>' in page and "1 &gt; 0" in page
    )


def test_a_table_has_its_cells_in_order():
    table = html.table(["name", "<"], [["a", "1"], ["b", "2"]])
    assert (
        "<th>name</th><th>&lt;</th>" in table and "<tr><td>a</td><td>1</td></tr><tr><td>b</td><td>2</td></tr>" in table
    )


def test_a_picture_is_inside_the_page():
    figure, (ax,) = new_figure(2, 1)
    ax.plot([0, 1])
    image = png(figure)
    assert image.startswith(b"\x89PNG")
    assert 'src="data:image/png;base64,iVBOR' in html.picture(image, "a line", "Caption")
