"""Which splits a data set has, without reading its images; and which argument a wrong one is of."""

import pytest

from dogo_tf.data import check_split, known_splits
from dogo_tf.errors import InputError


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("train", "val", ".hidden"):
        (tmp_path / "photos" / name).mkdir(parents=True)
    (tmp_path / "photos" / "note.txt").write_text("no folder")
    (tmp_path / "photos.csv").write_text("path,split\ngone.png,val\nlost.png,train\n")
    (tmp_path / "flat.csv").write_text("path\ngone.png\n")


def test_splits_are_known_of_what_lies_here(photos):
    assert known_splits("photos") == known_splits("photos.csv") == ("train", "val")
    assert known_splits("flat.csv") == known_splits("shards/{0..3}.tar") == ("train",)
    assert known_splits("cifar10") is known_splits("s3://bucket/photos") is known_splits("") is None


def test_the_embedded_set_comes_before_a_folder_of_its_name(photos, tmp_path):
    (tmp_path / "patterns").mkdir()
    assert known_splits("patterns") is None
    check_split("patterns", "test", "test_split")


@pytest.mark.parametrize(
    "name, split, message",
    [
        ("photos", "test", "test_split: the folder .*photos has no sub-folder 'test'; known: train, val"),
        ("photos.csv", "test", "test_split: .*photos.csv has no image of the split 'test'; known: train, val"),
        ("flat.csv", "test", "test_split: .*flat.csv has no column 'split', so that all of it is 'train'; got 'test'"),
        ("a.tar", "test", "test_split: archives are all 'train' .*; got 'test'"),
        ("none.csv", "test", "the list '.*none.csv' does not exist"),
        ("./none", "test", "the folder './none' does not exist"),
    ],
)
def test_a_split_that_is_not_there_is_told_by_its_argument(photos, name, split, message):
    with pytest.raises(InputError, match=f"^{message}"):
        check_split(name, split, "test_split")


def test_a_split_that_is_there_is_taken_without_looking_at_its_images(photos):
    for name in ("photos", "photos.csv"):
        check_split(name, "val", "test_split")
    check_split("cifar10", "anything", "test_split")
