"""dogo-index from the command line to the file that later runs find."""

import re

import pytest
from pictures import make_folder

from dogo_tf import data
from dogo_tf.experiments import index


@pytest.fixture
def photos(tmp_path):
    return make_folder(tmp_path / "photos", per_class=3, size=8)


def run(photos, *words):
    return index.run(["dogo-index", f"--cache_dir={photos.parent}/cache", *words])


def test_it_lists_keeps_and_says_what_has_changed(photos, capsys, monkeypatch):
    words = [f"--dataset={photos}", "--split=val"]
    assert run(photos, *words) == 0
    shown = capsys.readouterr().out
    assert f"{photos} val: 6 images, 2 classes; listed in " in shown and f"index: {photos.parent}/cache/index/" in shown
    (photos / "val/dark/0.png").unlink()
    (photos / "val/dark/1.png").write_bytes(b"?")
    (photos / "val/light/9.png").write_bytes(b"?")
    assert run(photos, *words) == 0
    message = "1 added, e.g. {0}/light/9.png; 1 gone, e.g. {0}/dark/0.png; 1 changed, e.g. {0}/dark/1.png"
    assert f"since it was indexed before: {message.format(photos / 'val')}" in capsys.readouterr().out
    assert run(photos, *words) == 0
    assert "since it was indexed before: nothing has changed" in capsys.readouterr().out
    monkeypatch.setattr("dogo_tf.data.folder.list_images", None)  # the index is enough
    found = data.open(photos, "val", image_size=8, cache_dir=photos.parent / "cache", max_bad_images=0.5)
    assert len(found) == 4 and found.class_names == ("dark", "light")


def test_another_label_in_a_list_is_a_change(photos, capsys):
    labels = photos.parent / "labels.csv"
    for first in ("dark", "light"):
        labels.write_text(f"path,label\n{photos}/val/dark/0.png,{first}\n{photos}/val/light/0.png,light\n")
        assert run(photos, f"--dataset={labels}") == 0
    shown = capsys.readouterr().out
    assert f"since it was indexed before: 1 with another label, e.g. {photos}/val/dark/0.png" in shown


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "expected --dataset, a folder, a list or tar archives"),
        (["--dataset=cifar10"], "dataset: expected a folder, a list or tar archives; 'cifar10' is none"),
        (
            ["--dataset={photos}", "--split=test"],
            "split: the folder .*photos has no sub-folder 'test'; known: train, val",
        ),
        (["--dataset={photos}/gone.csv"], "the list '.*gone.csv' does not exist"),
    ],
)
def test_mistakes(photos, words, message, capsys):
    assert run(photos, *(word.format(photos=photos) for word in words)) == 2
    assert re.search(f"^error: {message}", capsys.readouterr().err)


def test_a_folder_that_cannot_be_written_to(photos, capsys):
    (photos.parent / "cache").write_text("a file")
    assert run(photos, f"--dataset={photos}") == 2
    assert "error: cache_dir: cannot keep the index in " in capsys.readouterr().err
