"""Runs that earlier versions began."""

import pytest

from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.runs.earlier import SETTINGS_ADDED_LATER, settings_differences, with_temperature


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
