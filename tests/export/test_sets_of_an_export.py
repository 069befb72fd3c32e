"""Which images dogo-export learns from and measures on, by its flags."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dogo_tf.export import main as export_main
from dogo_tf.runs.folder import RunFolder

STAND_IN = SimpleNamespace(input_shape=(None, 8, 8, 3), name="tiny")  # for an encoder, of which only the size is asked


@pytest.fixture
def sets(monkeypatch, tmp_path):
    """Function of flags -> (train, test) as they reach the export; (exit code,) if they do not."""

    def exported(encoder, out, train, test, *_):
        found.extend((train, test))
        raise KeyboardInterrupt

    def sets_of(*words):
        found.clear()
        of_a_file = [] if any(word.startswith("--run_dir") for word in words) else ["--encoder=tiny.keras"]
        # A few images are enough where none are calibrated on.
        formats = [] if any(word.startswith("--formats") for word in words) else ["--formats=float32"]
        code = export_main.run(["dogo-export", *of_a_file, f"--out={tmp_path / 'out'}", *formats, *words])
        return found or (code,)

    found = []
    monkeypatch.setattr(export_main, "export_encoder", exported)
    monkeypatch.setattr(export_main, "load_network", lambda *_: STAND_IN)
    return sets_of


@pytest.fixture
def folder(tmp_path):
    """Function of the number of images by sub-folder -> the folder's path."""

    def made(counts):
        for name, count in counts.items():
            (tmp_path / "photos" / name).mkdir(parents=True)
            for number in range(count):
                Image.fromarray(np.full((8, 8, 3), number % 256, np.uint8)).save(
                    tmp_path / "photos" / name / f"{number}.bmp"
                )
        return tmp_path / "photos"

    return made


def test_one_sub_folder_is_set_aside_from_like_any_folder(sets, folder):
    train, test = sets(f"--dataset={folder({'holiday': 300})}")
    assert (len(train), len(test)) == (44, 256)


@pytest.mark.parametrize("seed", range(4))
def test_the_only_image_of_a_class_is_learnt_from(sets, folder, seed):
    train, test = sets(f"--dataset={folder({'a': 150, 'b': 150, 'c': 1})}", f"--seed={seed}", "--max_images=30")
    assert set(train.labels) == {0, 1, 2} and 2 not in test.labels and (len(train), len(test)) == (30, 256)


def test_a_test_split_of_other_folders_is_measured_on_all_the_same(sets, folder):
    photos = folder({"train/2023": 3, "train/2024": 3, "val/2025": 3})
    train, test = sets(f"--dataset={photos}", "--test_split=val")
    assert train.class_names == ("2023", "2024") and test.class_names == ("2025",)


def test_a_test_split_counts_its_labels_as_the_images_to_learn_from_do(sets, folder):
    photos = folder({"train/a": 3, "train/b": 3, "val/b": 3})
    train, test = sets(f"--dataset={photos}", "--test_split=val")
    assert test.class_names == train.class_names and set(test.labels) == {1}


def test_paths_may_begin_with_the_home_folder(monkeypatch, folder, tmp_path):
    folder({"holiday": 300})
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(export_main, "load_network", lambda path, *_: named.append(path) or STAND_IN)
    monkeypatch.setattr(export_main, "export_encoder", lambda _, out, *__: named.append(out) or 1 / 0)
    named = []
    with pytest.raises(ZeroDivisionError):
        words = ["--encoder=~/tiny.keras", "--dataset=~/photos", "--out=~/out", "--formats=float32"]
        export_main.run(["dogo-export", *words])
    assert named == [tmp_path / "tiny.keras", tmp_path / "out"]


def test_measurements_and_the_report_of_a_run_are_found_at_home(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    for place in ("--out=~/out", "--run_dir=~/pair"):
        assert export_main.run(["dogo-export", place, "--peer=small", "--report_add=~/pi.json"]) == 2
        assert str(tmp_path) in capsys.readouterr().err


def test_that_a_classifier_is_left_out_is_said(sets, folder, monkeypatch, capsys):
    with_classifier = SimpleNamespace(**vars(STAND_IN), has_logits=True)
    monkeypatch.setattr(export_main, "load_network", lambda *_: with_classifier)
    sets(f"--dataset={folder({'holiday': 300})}")
    assert "tiny.keras has a classifier, which is left out" in capsys.readouterr().out


@pytest.fixture
def classifier(sets, folder, monkeypatch, tmp_path):
    """Function of flags -> as `sets`, of a classifier that has learnt from the split val of `photos` in the working folder."""
    folder({"train/a": 150, "train/b": 150, "val/a": 150, "val/b": 150, "more/a": 3, "more/b": 3})
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    settings = {"dataset": "photos", "split": "val", "encoder": ["tiny.keras"]}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(RunFolder, "config", lambda _: {"settings": settings, "data": {}, "provenance": {}})
    monkeypatch.setattr(RunFolder, "load_network", lambda *_: STAND_IN)
    return lambda *words: sets("--run_dir=run", "--peer=tiny", *words)


LEARNT = "no accuracies and no temperature: the classifier has learnt from these images; --test_split names others"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--split=val",),
        ("--dataset=photos",),
        ("--dataset=./photos/", "--split=val"),
        ("--dataset={here}/photos",),
        ("--dataset=link",),
        ("--dataset=photos/val", "--split=train"),
        ("--split=train", "--test_split=val"),
        ("--split=train", "--test_dataset=photos/val", "--test_split=train"),
    ],
)
def test_a_classifier_is_not_measured_on_what_it_has_learnt_from(classifier, capsys, words):
    train, test = classifier(*(word.format(here=os.getcwd()) for word in words))
    assert LEARNT in capsys.readouterr().out
    assert (train.labels, test.labels, test.class_names) == (None, None, ())


@pytest.mark.parametrize(
    "words",
    [
        ("--split=train",),
        ("--test_split=train",),
        ("--split=val", "--test_split=train"),
        ("--dataset=photos/train", "--split=train"),
    ],
)
def test_a_classifier_is_measured_on_other_images(classifier, capsys, words):
    train, test = classifier(*words)
    assert LEARNT not in capsys.readouterr().out
    assert set(train.labels) == set(test.labels) == {0, 1}


def test_a_classifier_of_few_images_is_exported_by_others(classifier, monkeypatch, capsys):
    settings = {"dataset": "photos", "split": "more", "encoder": ["tiny.keras"]}
    monkeypatch.setattr(RunFolder, "config", lambda _: {"settings": settings, "data": {}, "provenance": {}})
    for words in ((), ("--split=more",), ("--dataset=photos",)):
        assert classifier(*words) == (2,)
        assert "--test_split: expected 256 images to check the files with" in capsys.readouterr().err
    assert len(classifier("--test_split=val")[1]) == 300


FEW = "calibration_images: 128 are wanted, but there are only {} images to choose from; --calibration=..."


@pytest.mark.parametrize(
    "words, available",
    [
        (("--test_split=val",), 120),
        (("--dataset=photos/val", "--split=train"), 44),
        (("--split=val", "--test_split=train", "--max_images=100"), 100),
    ],
)
def test_too_few_images_to_calibrate_on_are_told_before_others_are_read(
    sets, folder, monkeypatch, capsys, tmp_path, words, available
):
    folder({"train/a": 60, "train/b": 60, "val/a": 150, "val/b": 150})
    monkeypatch.chdir(tmp_path)
    opened = []
    read = export_main.data.open
    monkeypatch.setattr(export_main.data, "open", lambda *words, **more: opened.append(words) or read(*words, **more))
    flags = [*([] if "--dataset=photos/val" in words else ["--dataset=photos"]), *words]
    assert sets(*flags, "--formats=float32,int8") == (2,)
    assert FEW.format(available) in capsys.readouterr().err and len(opened) == 1
    assert len(sets(*flags, "--formats=float32,float16")) == 2
    assert len(sets(*flags, "--formats=int8", "--calibration=photos/val")) == 2


def test_a_split_to_test_on_that_is_not_there_is_told_before_others_are_read(sets, folder, tmp_path, capsys):
    photos = folder({"train/a": 3, "val/a": 3})
    assert sets(f"--dataset={photos}", "--test_split=test") == (2,)
    shown = capsys.readouterr().err
    assert f"error: test_split: the folder {photos} has no sub-folder 'test'; known: train, val (" in shown
    assert "source=" not in shown


def test_a_folder_in_the_way_is_told_before_images_are_read(sets, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.json").touch()
    assert sets("--dataset=./nowhere") == (2,)
    assert f"out: {tmp_path / 'out'} exists already; choose another folder or give --over" in capsys.readouterr().err
    assert sets("--dataset=./nowhere", "--overwrite") == (2,)
    assert "the folder './nowhere' does not exist" in capsys.readouterr().err
