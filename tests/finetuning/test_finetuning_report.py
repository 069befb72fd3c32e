"""The report of a fine-tuning."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
from pictures import make_folder

from dogo_tf.data import load
from dogo_tf.errors import InputError
from dogo_tf.finetuning import report
from dogo_tf.finetuning.finetune import finetune
from dogo_tf.finetuning.settings import FinetuneSettings


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Settings of a run without a report, and its folder."""
    made = FinetuneSettings(
        encoder=("small_conv",),
        dataset=str(make_folder(tmp_path_factory.mktemp("pictures"), per_class=10)),
        run_dir=str(tmp_path_factory.mktemp("runs") / "run"),
        image_size=16,
        test_split="val",
        steps=3,
        warmup_steps=0,
        batch_size=8,
    )
    return made, finetune(made)


def test_a_finished_run_gets_its_report(finished):
    made, folder = finished
    finetune(made, resume=True, report=True, learning_curve=False)
    place = folder.path / "report" / "small_conv"
    assert "dark" in (place / "report.html").read_text()
    told = json.loads((place / "report.json").read_text())
    assert told["test_images"] == 20 and told["learning_curve"] is None
    known = json.loads((folder.path / "accuracy.json").read_text())["classifiers"]["small_conv"]
    assert told["accuracy"]["mean"] == known["accuracy"]


@pytest.mark.slow
def test_the_learning_curve_trains_again_on_parts_of_the_labels(finished):
    made, folder = finished
    finetune(made, resume=True, report=True)
    told = json.loads((folder.path / "report" / "small_conv" / "report.json").read_text())
    assert [labels for labels, _ in told["learning_curve"]["points"]] == [4, 4, 4, 10, 10, 10, 20]


def test_labels_that_were_cleaned_are_not_cleaned_again_for_the_learning_curve(finished, monkeypatch):
    made, folder = finished
    trained = []

    def train(settings, labelled, *_):
        trained.append((settings.drop_suspects, len(labelled)))
        return {"small_conv": folder.load_network("small_conv")}

    monkeypatch.setattr(report, "trained_with", train)
    monkeypatch.setattr(report, "write_report", lambda *args, **_: args[4](np.arange(7)))
    labelled = load(made.dataset, "train", 16)
    images = SimpleNamespace(labelled=labelled, unlabelled=None, test=labelled)
    report.write_reports(folder, dataclasses.replace(made, drop_suspects=True), images, curve=True)
    assert trained == [(False, 7)]


def test_a_report_needs_images_to_test_on(finished):
    made, _ = finished
    with pytest.raises(InputError, match="report: expected test_split, the images that the classifiers are tested on"):
        finetune(dataclasses.replace(made, test_split=None), report=True)
