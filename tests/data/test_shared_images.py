"""Test images that are also training images are told of, wherever both are given."""

import dataclasses

import numpy as np
import pytest

from dogo_tf.comparison.runs import Comparison
from dogo_tf.comparison.settings import ComparisonSettings
from dogo_tf.data.image_set import ImageSet, warn_of_shared_images
from dogo_tf.evaluate.studies import StudyPlan
from dogo_tf.experiments import probe as binary
from dogo_tf.finetuning.labelled import open_images
from dogo_tf.finetuning.settings import FinetuneSettings
from dogo_tf.platform.keras_compat import keras
from dogo_tf.pretraining.probing import load_probe_data
from dogo_tf.pretraining.settings import PretrainSettings


def images_of(first, last, name):
    """Images that differ from each other in their brightness, of the numbers first ... last - 1."""
    brightness = np.arange(first, last, dtype=np.uint8)[:, None, None, None]
    return ImageSet(name, np.broadcast_to(brightness, (last - first, 8, 8, 3)), np.arange(first, last) % 2, ("a", "b"))


@pytest.mark.parametrize("shared, said", [(0, False), (1, False), (2, True), (100, True)])
def test_more_than_one_in_a_hundred_is_too_many(shared, said, capsys):
    warn_of_shared_images(images_of(0, 120, "train"), images_of(120 - shared, 220 - shared, "test"))
    shown = capsys.readouterr().out
    assert (f"warning: {shared} of the 100 images of test are among those of train" in shown) is said
    assert bool(shown) is said


def test_images_that_are_not_in_memory_are_not_read_for_it(capsys):
    class NotInMemory:
        def __getattr__(self, name):
            raise AssertionError(f"{name} was asked for")

    known = images_of(0, 100, "train")
    warn_of_shared_images(known, dataclasses.replace(known, images=NotInMemory()))
    assert capsys.readouterr().out == ""


TOLD = "warning: 20 of the 60 images of patterns train[40:100] are among those of patterns train[:60]"
SPLITS = "train[:60]", "train[40:100]"


@pytest.mark.slow
def test_every_road_to_two_splits_tells(tmp_path, capsys):
    data_dir = str(tmp_path / "data")
    run = PretrainSettings(
        dataset="patterns",
        run_dir=str(tmp_path / "run"),
        data_dir=data_dir,
        split="train[:20]",
        peers=("wrn_10_1", "wrn_16_1"),
        probe_train_split=SPLITS[0],
        probe_test_split=SPLITS[1],
    )
    load_probe_data(run, images_of(0, 20, "run"), 32)
    assert TOLD in capsys.readouterr().out
    Comparison(ComparisonSettings(run, StudyPlan(), ("patterns", *SPLITS)), tmp_path / "compared")
    assert TOLD in capsys.readouterr().out
    fine_tune = FinetuneSettings(
        ("wrn_10_1",), "patterns", str(tmp_path / "tuned"), data_dir, split=SPLITS[0], test_split=SPLITS[1]
    )
    open_images(fine_tune, 32, ("memory", "memory"))
    assert TOLD in capsys.readouterr().out
    inputs = keras.Input((32, 32, 3))
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs)).save(tmp_path / "mean.keras")
    words = [f"--encoder={tmp_path / 'mean.keras'}", "--dataset=patterns", f"--data_dir={data_dir}", "--protocols=knn"]
    words += ["--k=1", f"--train_split={SPLITS[0]}", f"--test_split={SPLITS[1]}"]
    assert binary.run(["dogo-probe", *words]) == 0
    assert TOLD in capsys.readouterr().out
