"""A fine-tuning as a whole: what it leaves behind, and that one which is interrupted ends as if nothing had happened."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pictures import make_folder
from PIL import Image
from run_states import assert_same_state, log, tensorboard

from dogo_tf.errors import InputError, TrainingFailure
from dogo_tf.evaluate.sources import load_classifier
from dogo_tf.experiments import finetune as binary
from dogo_tf.finetuning import finetune as module
from dogo_tf.finetuning.finetune import finetune
from dogo_tf.finetuning.settings import FinetuneSettings
from dogo_tf.training.alarm import FailureAlarm

PROGRAM = str(Path(__file__).resolve().parents[2] / "benchmarks" / "killed_run.py")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("pictures"), per_class=10)


@pytest.fixture(scope="module")
def started(pictures, tmp_path_factory):
    """Settings of a first run, of two classifiers with averages that begin at random, and its folder."""
    made = FinetuneSettings(
        encoder=("small=small_conv", "bigger_conv"),
        dataset=str(pictures),
        run_dir=str(tmp_path_factory.mktemp("runs") / "first"),
        image_size=16,
        test_split="val",
        ema=0.9,
        steps=6,
        warmup_steps=0,
        batch_size=8,
        log_every=2,
        checkpoint_steps=2,
    )
    return made, finetune(made)


@pytest.fixture(scope="module")
def taught(started, tmp_path_factory):
    """Settings of a second run, which goes on with one of the first and is taught by the other on images without labels."""
    made, folder = started
    return dataclasses.replace(
        made,
        encoder=(f"{folder.path}#small",),
        teachers=(f"big={folder.path}#bigger_conv",),
        unlabelled=made.dataset,
        unlabelled_split="val",
        unlabelled_batch=12,
        image_size=None,
        run_dir=str(tmp_path_factory.mktemp("runs") / "taught"),
    )


def test_a_run_leaves_classifiers_that_know_their_classes(started):
    _, folder = started
    assert folder.peer_names() == ["small", "small_ema", "bigger_conv", "bigger_conv_ema"]
    classifier = load_classifier(folder.path, "small_ema")
    assert classifier.output_shape == (None, 2) and classifier.layers[-1].class_names == ("dark", "light")
    assert folder.load_encoder("small").output_shape == (None, 8)
    assert [line["step"] for line in folder.metrics_lines()] == [2, 4, 6]
    assert {"small/supervised", "small/taught", "small/accuracy", "small/learning_rate"} <= folder.metrics_lines()[
        0
    ].keys()
    with Image.open(folder.views) as grid:
        assert grid.size[0] > 150
    told = json.loads((folder.path / "accuracy.json").read_text())
    assert told["images"] == 20 and told["classifiers"].keys() == set(folder.peer_names())
    data = folder.config()["data"]
    assert data["classes"] == ["dark", "light"] and data["images"] == 20 and data["unlabelled"] is None


def test_a_head_begins_as_a_probe_so_that_the_first_answers_are_good(taught):
    run = finetune(dataclasses.replace(taught, steps=1, teachers=(), unlabelled=None))
    assert run.metrics_lines()[0]["small/accuracy"] > 0.9


@pytest.mark.slow
def test_an_interrupted_run_ends_like_one_that_was_not(taught, tmp_path, monkeypatch):
    whole = finetune(dataclasses.replace(taught, run_dir=str(tmp_path / "whole")))

    class PowerCut(FailureAlarm):
        def __call__(self, step, metrics):
            if step >= 4:
                raise TrainingFailure("the light went out")

    cut = dataclasses.replace(taught, run_dir=str(tmp_path / "cut"), checkpoint_steps=3)
    with monkeypatch.context() as patched, pytest.raises(TrainingFailure):
        patched.setattr(module, "FailureAlarm", PowerCut)
        finetune(cut)
    resumed = finetune(cut, resume=True)
    assert_same_state(resumed, whole)
    assert log(resumed) == log(whole) and [line["step"] for line in log(whole)] == [2, 4, 6]
    assert tensorboard(resumed) == tensorboard(whole)
    ours, theirs = (load_classifier(run.path, "small").get_weights() for run in (resumed, whole))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_other_labels_or_settings_are_not_taken_for_the_same_run(started, pictures, tmp_path):
    made, _ = started
    with pytest.raises(InputError, match="has other settings:\n  loss: 'cross_entropy' before, 'generalised_cross"):
        finetune(dataclasses.replace(made, loss="generalised_cross_entropy"), resume=True)
    first = pictures / "train" / "dark" / "0.png"
    moved = pictures / "train" / "light" / "99.png"
    first.rename(moved)
    try:
        with pytest.raises(InputError, match="has other data:\n  labels: '"):
            finetune(made, resume=True)
    finally:
        moved.rename(first)


def flags(settings: FinetuneSettings, run_dir) -> list[str]:
    text = dataclasses.replace(settings, run_dir=str(run_dir)).as_flags()
    return ["dogo-finetune", *text.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("point, code", [("step:5", -signal.SIGKILL), ("term:3", 75)])
def test_a_killed_run_is_resumed_by_the_same_command(taught, tmp_path, point, code):
    assert binary.run(flags(taught, tmp_path / "whole")) == 0
    words = flags(taught, tmp_path / "killed")[1:]
    environment = {**os.environ, "BINARY": "finetune"}
    done = subprocess.run([sys.executable, PROGRAM, point, *words], capture_output=True, text=True, env=environment)
    assert done.returncode == code, done.stderr[-2000:]
    assert binary.run([*flags(taught, tmp_path / "killed"), "--resume"]) == 0
    whole, killed = (module.RunFolder(tmp_path / name) for name in ("whole", "killed"))
    assert_same_state(killed, whole)
    assert log(killed) == log(whole)
