"""Trainings that a far too high rate breaks do not end as if they had gone well: a warning, then exit code 3."""

import re

import pytest

from dogo_tf.errors import TrainingFailure
from dogo_tf.experiments import pretrain as binary
from dogo_tf.pretraining import pretrain as module
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.runs.folder import RunFolder
from dogo_tf.training.alarm import FailureAlarm

PATTERNS = {
    "dataset": "patterns",
    "split": "train[:512]",
    "image_size": 8,
    "batch_size": 32,
    "log_every": 10,
    "precision": "float32",
}
SIMCLR = {**PATTERNS, "peers": "small=wrn_10_1:simclr", "epochs": 10, "learning_rate": 100}
BROKEN = {
    "lars": {"optimizer": "lars"},
    "adam": {"optimizer": "adam"},
    "sgd": {"optimizer": "sgd"},
    "adamw": {"optimizer": "adamw"},
    "mixed_float16": {"optimizer": "sgd", "learning_rate": 10, "precision": "mixed_float16"},
}


def exit_code(run_dir, **flags):
    return binary.run(
        ["dogo-pretrain", f"--run_dir={run_dir}", *(f"--{name}={value}" for name, value in flags.items())]
    )


@pytest.mark.slow
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_training_warns_and_then_ends_with_exit_code_3(case, tmp_path, capsys):
    assert exit_code(tmp_path / "run", **{**SIMCLR, **BROKEN[case]}) == 3
    shown = capsys.readouterr()
    warned = re.search(r"^warning: step (\d+): peer 'small': it learns nothing: ", shown.out, re.MULTILINE)
    stopped = re.search(r"step (\d+): peer 'small': it learns nothing: .* Try a lower --learning_rate", shown.err)
    assert int(warned[1]) < int(stopped[1]) <= 160 and "Traceback" not in shown.err


@pytest.mark.slow
def test_a_run_that_was_killed_stops_where_it_would_have_stopped(tmp_path, monkeypatch):
    class PowerCut(FailureAlarm):
        def __call__(self, step, metrics):
            super().__call__(step, metrics)
            if step == 80:
                raise TrainingFailure("the light went out")

    values = {**SIMCLR, "peers": ("small=wrn_10_1:simclr",), "learning_rate": (100,), "optimizer": ("lars",)}
    whole, cut = (PretrainSettings(run_dir=str(tmp_path / name), checkpoint_steps=25, **values) for name in ("a", "b"))
    with pytest.raises(TrainingFailure, match="it learns nothing") as as_whole:
        pretrain(whole)
    with monkeypatch.context() as patched, pytest.raises(TrainingFailure, match="the light went out"):
        patched.setattr(module, "FailureAlarm", PowerCut)
        pretrain(cut)
    with pytest.raises(TrainingFailure, match="it learns nothing") as resumed:
        pretrain(cut, resume=True)
    assert str(resumed.value).replace(cut.run_dir, whole.run_dir) == str(as_whole.value)
    assert [line["step"] for line in RunFolder(cut.run_dir).metrics_lines()] == [
        line["step"] for line in RunFolder(whole.run_dir).metrics_lines()
    ]


@pytest.mark.slow
def test_barlow_twins_at_too_high_a_rate_for_its_batch_is_warned_of(tmp_path, capsys):
    flags = {"dataset": "patterns", "split": "train[:2000]", "batch_size": 32, "log_every": 10, "epochs": 2}
    assert exit_code(tmp_path, peers="small=wrn_10_2:barlow_twins", learning_rate=2e-3, **flags) == 0
    assert re.search(
        r"warning: step \d+: peer 'small': the loss is at chance: .*; the run goes on", capsys.readouterr().out
    )
