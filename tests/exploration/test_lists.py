"""The lists that a page goes through."""

from pathlib import Path

import numpy as np
import pytest

from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.exploration.lists import read_reading_list
from dogo_tf.reporting.plain_text import csv_bytes

PIXELS = np.zeros((4, 8, 8, 3), np.uint8)


@pytest.fixture
def images(tmp_path):
    return ImageSet("photos", PIXELS, files=tuple(str(tmp_path / "photos" / f"{k}.png") for k in range(4)))


def written(folder: Path, text: str) -> Path:
    (folder / "list.csv").write_text(text)
    return folder / "list.csv"


def test_a_list_of_dogo_select_keeps_its_order_and_reasons(images, tmp_path):
    path = written(tmp_path, f"path,label,order,why\nphotos/2.png,,1,typical\n{tmp_path}/photos/0.png,cat,2,rare\n")
    found = read_reading_list(path, images)
    assert (found.title, found.rows.tolist(), found.missing) == ("list.csv", [2, 0], 0)
    assert found.notes == ("typical", "rare") and found.suggested == ("", "")


def test_a_list_of_dogo_suspects_suggests(images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, "image,file,label,suggested,suspicion\n3,photos/3.png,cat,dog,0.5\n")
    found = read_reading_list(path, images)
    assert found.rows.tolist() == [3] and found.suggested == ("dog",)
    assert found.notes == ("labelled cat, its neighbours say dog",)


def test_apostrophes_that_keep_spreadsheets_from_computing_are_no_part_of_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = ImageSet("photos", PIXELS[:2], files=("-1/a.png", "'a/b.png"))
    lines = [["-1/a.png", "-1", "+1"], ["'a/b.png", "'a", "@b"]]
    path = tmp_path / "suspects.csv"
    path.write_bytes(csv_bytes(["file", "label", "suggested"], lines))
    assert b"'-1/a.png,'-1,'+1" in path.read_bytes()
    found = read_reading_list(path, images)
    assert found.rows.tolist() == [0, 1] and found.suggested == ("+1", "@b")
    assert found.notes[0] == "labelled -1, its neighbours say +1"


def test_urls_are_names_too(tmp_path):
    images = ImageSet("photos", PIXELS[:2], files=("https://host/a/0.png", "https://host/a/1.png"))
    assert read_reading_list(written(tmp_path, "path,why\nhttps://host/a/1.png,x\n"), images).rows.tolist() == [1]


def test_images_without_files_go_by_number(tmp_path):
    found = read_reading_list(written(tmp_path, "image,label,order,why\n3,,1,x\n9,,2,y\n"), ImageSet("set", PIXELS))
    assert found.rows.tolist() == [3] and found.notes == ("x",) and found.missing == 1


def test_what_is_gone_is_counted_and_a_list_without_any_is_refused(images, tmp_path):
    found = read_reading_list(written(tmp_path, "path\nphotos/7.png\nphotos/1.png\n"), images)
    assert found.rows.tolist() == [1] and found.missing == 1
    path = written(tmp_path, "path\nphotos/7.png\nphotos/8.png\n")
    with pytest.raises(InputError, match=r"none of its 2 images is in photos:\n  photos/7.png\n  photos/8.png"):
        read_reading_list(path, images)


def test_other_columns_and_words_for_numbers_are_named(images, tmp_path):
    with pytest.raises(InputError, match="expected a column path or file that names images, got image,why"):
        read_reading_list(written(tmp_path, "image,why\n1,x\n"), images)
    with pytest.raises(InputError, match="image: expected numbers of images, got 'a.png'"):
        read_reading_list(written(tmp_path, "image\na.png\n"), ImageSet("set", PIXELS))
    with pytest.raises(InputError, match="no images in this list"):
        read_reading_list(written(tmp_path, "path,why\n"), images)
