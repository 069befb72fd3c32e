"""What the first views of a run look like: headed, and of images drawn at random."""

import numpy as np
import small_dogo
from PIL import Image

import dogo_tf
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
    numbers = [cell[0, 0, 0] for cell in cells[::5]]
    assert len(set(numbers)) == SHOWN and max(numbers) > 2 * SHOWN  # not the first ones, which are of one class
    with Image.open(tmp_path / "views.png") as picture:
        assert picture.width > 5 * 144
    assert any(tmp_path.rglob("events*"))


def test_local_views_follow_those_of_their_peer(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        view_grid, "captioned_grid", lambda cells, **more: seen.append((cells, more)) or Image.new("RGB", (9, 9))
    )
    peer = dogo_tf.Peer(small_dogo.encoder("small"), small_dogo.objective("simclr"), name="small", local_views=2)
    log_view_grid(dogo_tf.DoGo([peer]), small_dogo.images(), RunFolder(tmp_path))
    ((cells, more),) = seen
    names = ("view a", "view b", "local 1", "local 2")
    assert more["headings"] == [("", "image"), *(("small", name) for name in names)]
    assert [cell.shape[0] for cell in cells[:5]] == [8, 8, 8, 4, 4]
