import numpy as np
import pytest

from dogo_tf.reporting.captioned_grid import CELL_SIDE, FRAME, GAP, LINE, _font, captioned_grid, fitting


def test_images_and_their_captions_are_in_their_places():
    images = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.full((1, 16, 16, 3), 80, np.uint8)
    grid = np.asarray(captioned_grid(images, [("cat", "→ dog"), ("", ""), ("", "")], columns=2))
    step_y = CELL_SIDE + 2 * LINE + GAP
    assert grid.shape == (2 * step_y + GAP, 2 * (CELL_SIDE + GAP) + GAP, 3)
    for number in range(3):
        y, x = GAP + number // 2 * step_y, GAP + number % 2 * (CELL_SIDE + GAP)
        assert (grid[y : y + CELL_SIDE, x : x + CELL_SIDE] == 80 * number).all()
        below = grid[y + CELL_SIDE : y + step_y - GAP, x : x + CELL_SIDE]
        lines = [below[i * LINE : (i + 1) * LINE] for i in range(2)]
        assert all((line < 100).any() == (number == 0) for line in lines)


def test_large_images_keep_their_size():
    assert captioned_grid(np.zeros((1, 224, 224, 3), np.uint8), [("a",)]).size == (224 + 2 * GAP, 224 + LINE + 2 * GAP)


@pytest.mark.parametrize("text, whole", [("zigzags", True), ("a name that is much too long for its column", False)])
def test_a_line_too_long_ends_in_an_ellipsis(text, whole):
    short = fitting(text, CELL_SIDE, _font())
    assert (short == text) == whole and short.endswith("…") != whole
    assert text.startswith(short.rstrip("…")) and _font().getlength(short) <= CELL_SIDE


def test_a_title_headings_and_a_frame_have_their_places():
    images = np.full((4, 144, 144, 3), 200, np.uint8)
    grid = np.asarray(
        captioned_grid(images, columns=2, title="a title", headings=[("peer", "view a"), ("peer", "view b")], framed=2)
    )
    plain = np.asarray(captioned_grid(images, columns=2))
    top = grid.shape[0] - plain.shape[0]
    assert top == LINE + GAP + 2 * LINE and (grid[:top] < 100).any()
    y, x = GAP + top + 144 + GAP, GAP
    assert (grid[y - FRAME, x : x + 144] == 0).all() and (grid[y : y + 144, x : x + 144] == 200).all()
    assert (plain >= 200).all()
