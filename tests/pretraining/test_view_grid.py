"""What the first views of a run look like: headed, and of images drawn at random."""

import numpy as np
import small_dogo
from PIL import Image

from dogo_tf.pretraining import view_grid
from dogo_tf.pretraining.view_grid import SHOWN, log_view_grid
from dogo_tf.runs.folder import RunFolder


def test_the_views_of_random_images_under_headings(tmp_path, monkeypatch):
    seen = []
    grid = view_grid.captioned_grid
    monkeypatch.setattr(
        view_grid, "captioned_grid", lambda cells, **more: seen.append((cells, more)) or grid(cells, **more)
    )
    images = np.arange(100, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
    log_view_grid(small_dogo.model("simclr", "simsiam"), images, RunFolder(tmp_path))
    ((cells, more),) = seen
    assert more["columns"] == 5 and len(cells) == 5 * SHOWN
    assert more["headings"] == [("", "image"), *((f"peer_{k}", f"view {v}") for k in (0, 1) for v in "ab")]
    numbers = cells[::5, 0, 0, 0]
    assert len(set(numbers)) == SHOWN and numbers.max() > 2 * SHOWN  # not the first ones, which are of one class
    with Image.open(tmp_path / "views.png") as picture:
        assert picture.width > 5 * 144
    assert any(tmp_path.rglob("events*"))
