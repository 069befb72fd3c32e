"""Runs that earlier versions began."""

import numpy as np
import pytest
import small_dogo

from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.runs.checkpoint import RunCheckpoint
from dogo_tf.runs.earlier import SETTINGS_ADDED_LATER, metrics_by_number, settings_differences, with_temperature


def test_settings_added_since_are_what_runs_did_before():
    now = PretrainSettings("patterns", "").as_dict()
    assert {name: now[name] for name in SETTINGS_ADDED_LATER} == SETTINGS_ADDED_LATER


def test_what_there_was_no_setting_for_is_as_runs_did_before():
    before, now = {"epochs": 3}, {"epochs": 3, "micro_batches": 1}
    assert settings_differences(before, now) == []
    assert settings_differences(before, {**now, "micro_batches": 2}) == ["  micro_batches: 1 before, 2 now"]


@pytest.mark.parametrize(
    "peer, spelled",
    [
        ("wrn_10_2", "wrn_10_2:simclr:temperature=0.3"),
        ("small=wrn_10_2:simclr", "small=wrn_10_2:simclr:temperature=0.3"),
        ("wrn_10_2:simclr:widths=64-32", "wrn_10_2:simclr:temperature=0.3:widths=64-32"),
        ("wrn_10_2:simclr:widths=64-32:temperature=0.1", "wrn_10_2:simclr:widths=64-32:temperature=0.1"),
        ("wrn_10_2:moco", "wrn_10_2:moco"),
        ("", ""),
        ("wrn_10_2:", "wrn_10_2:"),
    ],
)
def test_only_simclr_without_a_temperature_gets_one(peer, spelled):
    assert with_temperature(peer, 0.3) == spelled


def settings(*peers):
    return PretrainSettings("patterns", "", peers=peers).as_dict()


def test_a_run_from_before_goes_on_at_the_temperature_that_it_had():
    before = {**settings("wrn_10_2", "wrn_16_2:byol"), "peers": ["wrn_10_2:simclr", "wrn_16_2:byol"]}
    assert settings_differences(before, settings("wrn_10_2:simclr:temperature=0.5", "wrn_16_2:byol")) == []
    assert settings_differences(before, settings("wrn_10_2", "wrn_16_2:byol")) == [
        "  peers: ['wrn_10_2:simclr:temperature=0.5', 'wrn_16_2:byol'] before, "
        "['wrn_10_2:simclr:temperature=0.2', 'wrn_16_2:byol'] now"
    ]


def test_a_run_keeps_its_temperature_when_the_default_changes(monkeypatch):
    before = settings("wrn_10_2")
    monkeypatch.setattr("dogo_tf.objectives.simclr.TEMPERATURE", 0.7)
    assert before["peers"] == ["wrn_10_2:simclr:temperature=0.2"]
    assert settings_differences(before, settings("wrn_10_2")) != []
    assert settings_differences(before, settings("wrn_10_2:simclr:temperature=0.2")) == []


def test_a_teacher_may_be_called_peers():
    assert settings_differences({"peers": "abc"}, {"peers": "abc"}) == []


# As checkpoints held them before they held names.
NUMBERED = ["loss"] + [
    f"{peer}/{kind}"
    for peer in ("peer_0", "peer_1")
    for kind in ("ssl", "std", "effective_rank", "gradient_norm", "distill", "agreement")
]


@pytest.mark.parametrize("before", [True, False], ids=["numbered", "named"])
def test_every_mean_that_was_under_way_goes_on_as_itself(tmp_path, before):
    made = small_dogo.model("simclr", "simclr")
    means = {mean.name: mean for mean in made.metrics}
    values = {name: 1.0 + k for k, name in enumerate(NUMBERED)}
    for name, value in values.items():
        means[name].update_state(value)
    checkpoint = RunCheckpoint(tmp_path, made)
    if before:
        checkpoint.checkpoint = tf.train.Checkpoint(model=made, metrics=[means[name] for name in NUMBERED])
    checkpoint.save(1)
    weights = made.get_weights()
    made.set_weights([np.zeros_like(weight) for weight in weights])
    RunCheckpoint(tmp_path, made).restore_newest()
    assert {name: float(mean.result()) for name, mean in means.items()} == values
    assert all(map(np.array_equal, made.get_weights(), weights))


def test_the_numbers_of_a_fine_tuning_are_as_they_were():
    names = [
        "loss",
        *("b/supervised", "b/accuracy", "b/gradient_norm", "b/taught"),
        *("a/supervised", "a/accuracy", "a/gradient_norm"),
    ]
    metrics = [keras.metrics.Mean(name) for name in names]
    assert [metric.name for metric in metrics_by_number(metrics)] == names
