"""Planted effects give the right numbers and verdicts."""

import numpy as np
import planted
import pytest

from dogo_tf.comparison.results import ArmRun
from dogo_tf.comparison.summary import EQUAL_COMPUTE, EQUAL_EPOCHS, summarise, verdict
from dogo_tf.errors import InputError
from dogo_tf.evaluate.intervals import Interval, accuracy_interval, difference_interval


@pytest.mark.parametrize(
    "low, high, expected",
    [
        (0.001, 0.02, "helps"),
        (0.001, 0.003, "helps"),
        (-0.02, -0.001, "hurts"),
        (-0.02, 0.0049, "does not help"),
        (0.0, 0.0, "does not help"),
        (-0.02, 0.005, "cannot tell"),
        (-0.02, 0.02, "cannot tell"),
        (0.0, 0.02, "cannot tell"),
    ],
)
def test_a_verdict_is_what_the_interval_allows(low, high, expected):
    assert verdict(Interval((low + high) / 2, low, high, 0.001, 0.001)) == expected


def test_planted_effects_are_found():
    studies = {
        "linear 100%": {
            "solo": 0.50,
            "dogo": 0.55,
            "solo_matched": 0.60,
            "random": 0.3,
            "big_solo": 0.6,
            "dogo_big": 0.6,
        },
        "knn": {"solo": 0.50, "dogo": 0.50, "solo_matched": 0.45},
    }
    summary = summarise(planted.runs(studies), {})
    verdicts = [{name: d.verdict for name, d in study.differences.items()} for study in summary.studies]
    assert [study.study.name for study in summary.studies] == ["knn", "linear 100%"]
    assert verdicts == [
        {"dogo - solo": "does not help", "dogo - solo_matched": "helps"},
        {
            "dogo - solo": "helps",
            "dogo - solo_matched": "hurts",
            "dogo - random": "helps",
            "dogo_big - big_solo": "does not help",
            "big_solo - solo": "helps",
        },
    ]
    assert summary.headline.study.name == "linear 100%"
    assert summary.headline.differences["dogo - solo"].interval.mean == pytest.approx(0.05)
    assert list(summary.seeds) == ["random", "solo", "dogo", "solo_matched", "big_solo", "dogo_big"]
    assert summary.costs["dogo"] == planted.COSTS["dogo"]


def test_pairs_are_made_by_seed_whatever_the_order_and_over_shared_seeds_only():
    generator = np.random.default_rng(0)
    scores = {(arm, seed): generator.random(50) for arm in ("solo", "dogo") for seed in (0, 1, 2, 3)}
    order = [
        ("dogo", 3),
        ("solo", 0),
        ("dogo", 1),
        ("solo", 3),
        ("dogo", 0),
        ("solo", 2),
        ("dogo", 2),
    ]  # solo 1: to come
    runs = [ArmRun(arm, seed, {"knn": scores[arm, seed]}, planted.COSTS[arm]) for arm, seed in order]
    study = summarise(runs, {}).studies[0]
    shared = (0, 2, 3)
    expected = difference_interval(*([scores[arm, seed] for seed in shared] for arm in ("dogo", "solo")))
    found = study.differences[EQUAL_EPOCHS.name]
    assert found.interval == expected and tuple(found.per_seed) == shared
    assert found.per_seed[2] == pytest.approx(np.mean(scores["dogo", 2] - scores["solo", 2]))
    assert study.arms["dogo"].interval == accuracy_interval([scores["dogo", seed] for seed in range(4)])
    assert study.arms["solo"].per_seed == {seed: pytest.approx(scores["solo", seed].mean()) for seed in shared}
    assert EQUAL_COMPUTE.name not in study.differences and study.images == 50


def test_runs_that_do_not_fit_together_are_refused():
    run = planted.runs({"knn": {"solo": 0.5}}, seeds=(0,))[0]
    with pytest.raises(InputError, match="runs: expected at least one arm with the scores of a study, got none"):
        summarise([run._replace(scores={})], {})
    with pytest.raises(InputError, match="runs: solo with seed 0 comes twice"):
        summarise([run, run], {})
    with pytest.raises(
        InputError, match="unknown arm 'duo'; known: big_solo, dogo, dogo_big, frozen, .* random, solo, solo_matched"
    ):
        summarise([run._replace(arm="duo")], {})
    with pytest.raises(InputError, match="'knn' of solo, seed 1: expected 1000 test images as in other runs, got 999"):
        summarise([run, run._replace(seed=1, scores={"knn": np.zeros(999)})], {})
    with pytest.raises(InputError, match=r"'knn' of solo, seed 0: expected \[N_test\], got \[3, 9\]"):
        summarise([run._replace(scores={"knn": np.zeros((3, 9))})], {})
