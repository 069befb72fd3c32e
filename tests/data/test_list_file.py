"""A list of images: which files, in which order, with which labels, and what is wrong with it."""

import os
import shutil
import tarfile

import numpy as np
import pytest
from PIL import Image

from dogo_tf import data
from dogo_tf.data import file_set
from dogo_tf.errors import InputError
from dogo_tf.reporting.plain_text import csv_bytes


@pytest.fixture
def photos(tmp_path):
    """Six images in one flat folder; their number is their grey level."""
    (tmp_path / "images").mkdir()
    for k in range(6):
        Image.new("RGB", (8, 8), (k, k, k)).save(tmp_path / "images" / f"{k}.png")
    return tmp_path


def written(photos, text, name="list.csv"):
    (photos / name).write_text(text, newline="")
    return photos / name


def numbers(images):
    return images[:][:, 0, 0, 0].tolist()


LABELLED = (
    "path,label,split\nimages/3.png,dog,train\nimages/0.png,cat,train\nimages/5.png,cow,val\nimages/4.png,cat,val\n"
)


def test_order_labels_and_splits_are_those_of_the_list(photos):
    path = written(photos, LABELLED)
    train, val = data.load(path), data.load(path, "val")
    assert numbers(train) == [3, 0] and numbers(val) == [5, 4]
    assert train.class_names == val.class_names == ("cat", "cow", "dog")  # of all splits
    assert train.labels.tolist() == [2, 0] and val.labels.tolist() == [1, 0]
    assert train.files == (f"{photos}/images/3.png", f"{photos}/images/0.png")
    assert train.name == f"{path} train"


@pytest.mark.parametrize("source", ["cache", "stream"])
def test_every_source_reads_it(photos, tmp_path, source):
    path = written(photos, LABELLED)
    found = data.open(path, "val", source=source, cache_dir=tmp_path / "cache")
    assert found.source == source and numbers(found) == [5, 4] and found.labels.tolist() == [1, 0]


def test_apostrophes_of_the_own_tables_are_no_part_of_names(photos):
    for name in ("-1.png", "'=2.png"):
        shutil.copy(photos / "images" / "2.png", photos / name)
    path = photos / "list.csv"
    path.write_bytes(csv_bytes(["path", "label"], [["-1.png", "+1"], ["'=2.png", "'a"], ["images/1.png", "-1"]]))
    found = data.load(path)
    assert found.files[:2] == (f"{photos}/-1.png", f"{photos}/'=2.png")
    assert found.class_names == ("'a", "+1", "-1") and found.labels.tolist() == [1, 0, 2]


@pytest.fixture
def packed(photos):
    """Beside the images an archive of them in which each is 10 grey levels lighter, and a folder that is called as one is."""
    with tarfile.open(photos / "set.tar", "w") as archive:
        for k in range(6):
            Image.new("RGB", (8, 8), (k + 10,) * 3).save(photos / "lighter.png")
            archive.add(photos / "lighter.png", f"./deep/{k}.png")
    (photos / "folder.tar").mkdir()
    Image.new("RGB", (8, 8), (99,) * 3).save(photos / "folder.tar" / "0.png")
    return photos


@pytest.mark.parametrize("source", ["memory", "cache", "stream"])
def test_paths_go_through_archives_as_through_folders(packed, tmp_path, source):
    names = ["set.tar/deep/3.png", "images/3.png", f"{packed}/set.tar/deep/../deep/0.png", "folder.tar/0.png"]
    path = written(packed, "path,label\n" + "".join(f"{name},{k}\n" for k, name in enumerate(names)))
    found = data.open(path, source=source, cache_dir=tmp_path / "cache", image_size=8)
    assert numbers(found) == [13, 3, 10, 99] and found.labels.tolist() == [0, 1, 2, 3]
    assert found.files[0] == f"{packed}/set.tar/deep/3.png" and found.files[3] == f"{packed}/folder.tar/0.png"


def test_a_list_of_all_that_is_in_an_archive_is_the_archive(packed, tmp_path):
    whole = data.open(packed / "set.tar", cache_dir=tmp_path / "cache")
    path = written(packed, "path\n" + "\n".join(whole.files))
    found = data.open(path, cache_dir=tmp_path / "cache")
    assert found.files == whole.files and numbers(found) == numbers(whole)


def test_an_archive_that_changes_is_looked_at_again(packed, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(file_set, "KEPT_FROM", 1)
    path = written(packed, "path\nset.tar/deep/3.png\n")
    for _ in range(2):
        assert numbers(data.open(path, source="stream", cache_dir=tmp_path / "cache", image_size=8)) == [13]
    assert "listing it again" not in capsys.readouterr().err
    with tarfile.open(packed / "set.tar", "w") as archive:
        for name in ("images/1.png", "images/2.png"):
            archive.add(packed / name, f"deep/{3 if '2' in name else 0}.png")
    os.utime(packed / "set.tar", ns=(1, 1))
    assert numbers(data.open(path, source="stream", cache_dir=tmp_path / "cache", image_size=8)) == [2]
    assert "1 of 1 images looked at have changed, e.g. " in capsys.readouterr().err


def test_what_is_not_in_an_archive_is_named(packed, tmp_path):
    path = written(packed, "path\nset.tar/deep/3.png\nset.tar/deep/9.png\n")
    with pytest.raises(InputError, match="1 of 2 images do not exist:\n  .*/set.tar/deep/9.png$"):
        data.open(path, cache_dir=tmp_path / "cache")
    (packed / "set.tar").write_bytes(b"x" * 2000)
    with pytest.raises(InputError, match="set.tar: cannot be read as an uncompressed tar archive"):
        data.open(path, cache_dir=tmp_path / "cache")


def test_parquet_says_the_same(photos):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = photos / "list.parquet"
    columns = {
        "path": ["images/2.png", "images/1.png", "images/0.png"],
        "label": [10, 9, None],
        "split": ["a", "a", "b"],
    }
    parquet.write_table(pyarrow.table(columns), path)
    found = data.load(path, "a")
    assert numbers(found) == [2, 1] and found.class_names == ("9", "10") and found.labels.tolist() == [1, 0]
    assert data.load(path, "b").labels is None


def test_a_spreadsheets_file_and_absolute_paths(photos):
    text = f'\ufeffpath,label\r\n"{photos}/images/2.png","a, b"\r\n\r\nimages/1.png,c\r\n'
    found = data.load(written(photos, text))
    assert numbers(found) == [2, 1] and found.class_names == ("a, b", "c")


def test_names_that_are_no_utf_8(photos):
    name = b"images/\xff.png"
    (photos / "images" / "2.png").rename(photos.joinpath(name.decode(errors="surrogateescape")))
    (photos / "list.csv").write_bytes(b"path\n" + name + b"\n")
    assert numbers(data.load(photos / "list.csv")) == [2]


@pytest.mark.parametrize(
    ("text", "split", "message"),
    [
        ("file,label\na.png,b\n", "train", r"list.csv: expected the columns path\[,label\]\[,split\], got file,label"),
        ("path,lable\na.png,b\n", "train", r"list.csv: expected the columns path\[,label\]\[,split\], got path,lable"),
        ("", "train", r"list.csv: expected the columns path\[,label\]\[,split\], got none"),
        ("path,path\na,b\n", "train", "list.csv: expected every column once, got path,path"),
        ("path\n", "train", "list.csv: no images in this list"),
        ("path,label\nimages/1.png\n", "train", "list.csv: line 2: expected 2 values, got 1"),
        ('path\n"images', "train", "list.csv: cannot be read as a list of images: unexpected end of data"),
        (
            "path\nimages/1.png\n",
            "val",
            "split: .*list.csv has no column 'split', so that all of it is 'train'; got 'val'",
        ),
        ("path,split\na,x\nb,y\n", "train", "split: .*list.csv has no image of the split 'train'; known: x, y"),
        (
            "path\nimages/1.png\nimages/../images/1.png\n",
            "train",
            "images 1 and 2 have the same path, images/../images/1.png",
        ),
        ("path\nimages/1.png\ngone.png\n", "train", "1 of 2 images do not exist:\n  .*/gone.png$"),
        ("path,label\nimages/1.png,a\nimages/2.png,\n", "train", "image 2 has no label, but others of its split have"),
        ("path,label\n,a\n", "train", "list.csv: image 1 has no path"),
    ],
)
def test_what_is_wrong_with_a_list(photos, text, split, message):
    with pytest.raises(InputError, match=message):
        data.load(written(photos, text), split)


def test_a_list_that_is_none(photos):
    with pytest.raises(InputError, match="the list '.*gone.csv' does not exist"):
        data.load(photos / "gone.csv")
    with pytest.raises(InputError, match="the list '.*gone.parquet' does not exist"):
        data.load(photos / "gone.parquet")
    with pytest.raises(InputError, match="list.parquet: cannot be read as a list of images: "):
        data.load(written(photos, "path\n", "list.parquet"))


def test_damaged_images_of_a_list_are_left_out(photos):
    (photos / "images" / "1.png").write_bytes(b"")
    found = data.load(written(photos, "path,label\nimages/1.png,a\nimages/2.png,b\n"), image_size=8, max_bad_images=0.5)
    np.testing.assert_array_equal(found.labels, [1])
    assert found.bad_files == ((f"{photos}/images/1.png", "empty file"),)


def test_a_pipe_is_not_waited_for(photos):
    os.mkfifo(photos / "pipe.csv")
    with pytest.raises(InputError, match="pipe.csv: expected a list of images, which is a regular file"):
        data.load(photos / "pipe.csv")
