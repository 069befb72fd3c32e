"""Which images dogo-export learns from and measures on, by its flags."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dogo_tf.export import main as export_main

STAND_IN = SimpleNamespace(input_shape=(None, 8, 8, 3), name="tiny")  # for an encoder, of which only the size is asked


@pytest.fixture
def sets(monkeypatch, tmp_path):
    """Function of flags -> (train, test) as they reach the export; (exit code,) if they do not."""

    def exported(encoder, out, train, test, *_):
        found.extend((train, test))
        raise KeyboardInterrupt

    def sets_of(*words):
        found.clear()
        code = export_main.run(["dogo-export", "--encoder=tiny.keras", f"--out={tmp_path / 'out'}", *words])
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
        export_main.run(["dogo-export", "--encoder=~/tiny.keras", "--dataset=~/photos", "--out=~/out"])
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
