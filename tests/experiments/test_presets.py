"""What presets claim of themselves that can be counted."""

import copy
import dataclasses
import re
from pathlib import Path

import pytest
import trials

from dogo_tf.comparison.costs import training_gflop
from dogo_tf.experiments import compare, pretrain

PRESETS = Path(__file__).resolve().parents[2] / "experiments" / "presets"
FAMILY = PRESETS / "cifar10_family.flags"
SMALL_ENCODER = PRESETS / "small_encoder.flags"


def settings(preset: Path):
    flags = copy.deepcopy(pretrain.FLAGS)
    for name in flags:  # what a run of the binary in this process has set
        flags[name].unparse()
    flags(["dogo-pretrain", f"--flagfile={preset}", "--run_dir=x"])
    return pretrain.settings_from_flags(flags)


def test_precision_is_chosen_by_timing_where_nothing_else_is_asked_for():
    assert [binary.FLAGS["precision"].default for binary in (pretrain, compare)] == ["auto"] * 2


def test_the_family_says_what_each_student_costs():
    family = settings(FAMILY)
    claims = re.findall(r"#\s+(\w+)\s+([\d.]+), alone ([\d.]+), next to a peer of its own ([\d.]+)", FAMILY.read_text())
    assert [name for name, *_ in claims] == ["small", "medium", "large"]
    *students, peer = family.peers
    for (name, *claimed), student in zip(claims, students, strict=True):
        alone, pair = (
            training_gflop(dataclasses.replace(family, peers=peers, teach="all"), 32)
            for peers in ((student,), (student, peer))
        )
        counted = [training_gflop(family, 32, student=name), alone, pair]
        assert counted == pytest.approx([float(number) for number in claimed], abs=0.005)


def test_the_recipe_of_a_small_encoder_is_the_one_that_was_measured():
    common, of_trials = trials.read_trials(Path(trials.__file__).with_name("trials_local.txt"))
    measured = [*common, *of_trials["recipe_with_local_views"]]
    flags = [line for line in SMALL_ENCODER.read_text().splitlines() if not line.startswith("#")]
    of_the_scale = {"--split=train[:10000]", "--precision=mixed_bfloat16", "--epochs=12"}
    # The last of several counts.
    measured = {flag.split("=")[0]: flag for flag in measured}.values()
    assert set(measured) - of_the_scale == set(flags) - {"--dataset=cifar10", "--epochs=20"}


def test_its_epoch_costs_half_as_much_again():
    small = settings(SMALL_ENCODER)
    dear, plain = (training_gflop(found, 32) for found in (small, dataclasses.replace(small, local_views=(0,))))
    assert dear / plain == pytest.approx(1.5, abs=0.05)
