"""What presets claim of themselves that can be counted."""

import dataclasses
import re
from pathlib import Path

import pytest

from dogo_tf.comparison.costs import training_gflop
from dogo_tf.experiments import pretrain

FAMILY = Path(__file__).resolve().parents[2] / "experiments" / "presets" / "cifar10_family.flags"


def test_the_family_says_what_each_student_costs():
    pretrain.FLAGS(["dogo-pretrain", f"--flagfile={FAMILY}", "--run_dir=x"])
    family = pretrain.settings_from_flags(pretrain.FLAGS)
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
