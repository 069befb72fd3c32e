"""Labels that some images of a set have by now."""

import os
import tarfile

import numpy as np
import pytest
from PIL import Image

from dogo_tf import data
from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.selection._label_list import has_labels, read_labels


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Six images in a folder `pool`, two beside it."""
    path = tmp_path_factory.mktemp("photos")
    for name in (*(f"pool/{k}.png" for k in range(6)), "a.png", "b.png"):
        (path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(path / name)
    return path


@pytest.fixture(scope="module")
def pool(photos):
    return data.load(photos / "pool")


def written(photos, text, name="list.csv"):
    (photos / name).write_text(text)
    return photos / name


def labelled(path, images):
    return read_labels([path], images)


def test_images_of_the_set_come_first_and_lines_without_a_label_do_not_count(photos, pool):
    text = f"path,label,order,why\nb.png,dog,1,x\npool/4.png,cat,2,y\npool/5.png,,3,z\n{photos}/pool/../pool/1.png,dog,4,\n"
    found = labelled(written(photos, text), pool)
    assert found.rows.tolist() == [4, 1] and found.files == [photos / "b.png"]
    assert found.class_names == ("cat", "dog") and found.labels.tolist() == [0, 1, 1]


def test_the_set_may_be_named_relative_to_where_one_is(photos, monkeypatch):
    monkeypatch.chdir(photos)
    path = written(photos, f"path,label\n{photos}/pool/3.png,dog\npool/2.png,dog\n")
    found = labelled(path, data.load("pool"))
    assert sorted(found.rows.tolist()) == [2, 3] and found.files == []


def test_the_lists_of_several_rounds_add_up(photos, pool):
    lists = [
        written(photos, "path,label\npool/0.png,dog\na.png,cow\n", "1.csv"),
        written(photos, "path,label\npool/5.png,ant\n", "2.csv"),
    ]
    found = read_labels(lists, pool)
    assert found.rows.tolist() == [0, 5] and found.files == [photos / "a.png"]
    assert [found.class_names[label] for label in found.labels] == ["dog", "ant", "cow"]
    lists.append(written(photos, "path,label\na.png,ant\n", "3.csv"))
    with pytest.raises(InputError, match="one label for each image; a.png has one in .*1.csv and .*3.csv"):
        read_labels(lists, pool)


def test_every_split_of_the_list_counts(photos, pool):
    found = labelled(written(photos, "path,label,split\npool/0.png,7,train\npool/1.png,11,val\n"), pool)
    assert found.rows.tolist() == [0, 1] and found.class_names == ("7", "11")


def test_images_in_archives_go_by_the_path_that_the_set_gives_them(photos, tmp_path):
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        for name in ("0.png", "1.png"):
            archive.add(photos / "pool" / name, name)
    images = data.open(tmp_path / "all.tar", cache_dir=tmp_path / "cache")
    path = written(tmp_path, f"path,label\n{images.files[1]},dog\n")
    assert labelled(path, images).rows.tolist() == [1]


def test_images_in_archives_elsewhere_are_files_too(photos, pool, tmp_path):
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        archive.add(photos / "a.png", "a.png")
    path = written(tmp_path, "path,label\nall.tar/a.png,dog\n")
    (file,) = read_labels([path], pool, tmp_path / "cache").files
    assert str(file) == f"{tmp_path}/all.tar/a.png" and file.read() == (photos / "a.png").read_bytes()
    with pytest.raises(InputError, match="list.csv: 1 of 1 images do not exist:\n  .*all.tar/b.png"):
        read_labels([written(tmp_path, "path,label\nall.tar/b.png,dog\n")], pool, tmp_path / "cache")


def test_urls_are_names_as_they_are(photos, tmp_path):
    images = data.open(f"file://{photos}/pool", cache_dir=tmp_path / "cache")
    path = written(tmp_path, f"path,label\nfile://{photos}/a.png,cow\n{images.files[4]},dog\n")
    found = labelled(path, images)
    assert found.rows.tolist() == [4] and [str(file) for file in found.files] == [f"file://{photos}/a.png"]
    assert found.files[0].read() == (photos / "a.png").read_bytes()
    assert found.class_names == ("cow", "dog") and found.labels.tolist() == [1, 0]


def test_images_without_files_go_by_their_number(tmp_path):
    images = ImageSet("made up train", np.zeros([12, 8, 8, 3], np.uint8))
    found = labelled(written(tmp_path, "image,label,order\n11,dog,1\n3,cat,2\n4,,3\n"), images)
    assert found.rows.tolist() == [11, 3] and found.labels.tolist() == [1, 0]


MISTAKES = {
    "no labels": ("path,label\npool/1.png,\n", "list.csv: no image in this list has a label, in a column 'label'"),
    "no column": ("path,order\npool/1.png,1\n", "list.csv: no image in this list has a label, in a column 'label'"),
    "empty": ("", "list.csv: no image in this list has a label"),
    "no paths": ("image,label\n1,dog\n", "list.csv: expected the columns path,label of .*pool train, got image,label"),
    "gone": ("path,label\npool/1.png,dog\nc.png,dog\n", "list.csv: 1 of 2 images do not exist:\n  .*c.png"),
    "twice": (
        "path,label\npool/1.png,dog\n./pool/1.png,cat\n",
        "one label for each image; ./pool/1.png has one in .*list.csv, twice",
    ),
    "no path": ("path,label\n,dog\n", "list.csv: a line with the label 'dog' has no path"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_in_the_list_is_named(case, photos, pool):
    text, message = MISTAKES[case]
    with pytest.raises(InputError, match=message):
        labelled(written(photos, text), pool)


def test_a_mistake_in_numbers_is_named(tmp_path):
    images = ImageSet("made up train", np.zeros([12, 8, 8, 3], np.uint8))
    for text, message in (
        ("image,label\n12,dog\n", "list.csv: image: expected numbers from 0 to 11, got '12'"),
        ("image,label\n3,dog\n-1,dog\n", "list.csv: image: expected numbers from 0 to 11, got '-1'"),
        ("image,label\n3,dog\n03,dog\n", "expected one label for each image; 03 has one in .*list.csv, twice"),
        ("path,label\n3,dog\n", "expected the columns image,label of made up train, got path,label"),
    ):
        with pytest.raises(InputError, match=message):
            labelled(written(tmp_path, text), images)


def test_what_is_no_list_is_refused(photos, pool):
    for name in ("pool", "a.png"):
        with pytest.raises(InputError, match=f"{name}: expected a list of labelled images, .csv or .parquet"):
            labelled(photos / name, pool)
    with pytest.raises(InputError, match="the list .*none.csv' does not exist"):
        labelled(photos / "none.csv", pool)


def test_whether_a_list_has_labels(photos):
    assert not has_labels(written(photos, "path,label\na.png,\n", "new.csv"))
    assert not has_labels(written(photos, "path\na.png\n", "new.csv"))
    assert has_labels(written(photos, "path,label\na.png,\nb.png,dog\n", "new.csv"))


def test_a_list_of_dogo_select_is_a_data_set(photos):
    path = written(photos, f"path,label,order,why\n{os.path.abspath(photos / 'a.png')},dog,1,at random\nb.png,cat,2,\n")
    assert data.load(path).labels.tolist() == [1, 0]
