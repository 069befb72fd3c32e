"""Planted effects give the right numbers and verdicts."""

import numpy as np
import planted
import pytest

from dogo_tf.comparison.results import ArmRun
from dogo_tf.comparison.summary import EQUAL_COMPUTE, EQUAL_EPOCHS, summarise, verdict
from dogo_tf.errors import InputError
from dogo_tf.evaluate.intervals import Interval, accuracy_interval, difference_interval


@pytest.mark.parametrize(
    "low, high, adjusted_p, expected",
    [
        (0.001, 0.02, 0.01, "better"),
        (0.001, 0.003, 0.049, "better"),
        (0.001, 0.02, 0.051, "cannot tell"),  # clear by itself, but not among so many tests
        (-0.02, -0.001, 0.01, "worse"),
        (-0.02, -0.001, 0.2, "not better"),
        (-0.02, 0.0049, 0.5, "not better"),
        (0.0, 0.0, 1.0, "not better"),
        (-0.02, 0.005, 0.5, "cannot tell"),
        (-0.02, 0.02, 1.0, "cannot tell"),
        (0.001, 0.02, None, "cannot tell"),  # one seed
    ],
)
def test_a_verdict_is_what_interval_and_corrected_p_allow(low, high, adjusted_p, expected):
    assert verdict(Interval((low + high) / 2, low, high, 0.001, 0.001), adjusted_p) == expected


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
        {"dogo - solo": "not better", "dogo - solo_matched": "better"},
        {
            "dogo - solo": "better",
            "dogo - solo_matched": "worse",
            "dogo - random": "better",
            "dogo_big - big_solo": "not better",
            "big_solo - solo": "better",
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
    with pytest.raises(InputError, match="unknown arm 'duo'; known: .*big_solo, .*dogo, .*solo_matched"):
        summarise([run._replace(arm="duo")], {})
    with pytest.raises(InputError, match="'knn' of solo, seed 1: expected 1000 test images as in other runs, got 999"):
        summarise([run, run._replace(seed=1, scores={"knn": np.zeros(999)})], {})
    with pytest.raises(InputError, match=r"'knn' of solo, seed 0: expected \[N_test\], got \[3, 9\]"):
        summarise([run._replace(scores={"knn": np.zeros((3, 9))})], {})


def noisy_runs(studies, effect=0.0, seeds=3, images=400, seed=0):
    """Runs of dogo and solo whose scores scatter by seed; `effect` is dogo's gain in all studies."""
    generator = np.random.default_rng(seed)
    runs = []
    for number in range(seeds):
        for arm in ("solo", "dogo"):
            rate = {s: 0.5 + generator.normal(0, 0.01) + effect * (arm == "dogo") for s in studies}
            scores = {s: (generator.random(images) < rate[s]).astype(float) for s in studies}
            runs.append(ArmRun(arm, number, scores, planted.COSTS[arm]))
    return runs


STUDIES = ["linear 100%", *(f"corruption {k}" for k in range(24))]


def test_the_other_studies_are_corrected_for_their_number_and_the_headline_is_not():
    summary = summarise(noisy_runs(STUDIES, effect=0.12, seed=1), {})
    headline = summary.headline.differences[EQUAL_EPOCHS.name]
    assert headline.adjusted_p == headline.p_value
    others = [found for found in summary.differences(EQUAL_EPOCHS) if found is not headline]
    smallest = min(others, key=lambda found: found.p_value)
    assert smallest.adjusted_p == pytest.approx(24 * smallest.p_value)
    assert all(found.adjusted_p >= found.p_value for found in others)


@pytest.mark.slow
def test_where_there_is_nothing_no_study_is_called_better_or_worse():
    """Uncorrected, one of 24 differences would be in most comparisons."""
    called, uncorrected = 0, 0
    for seed in range(6):
        found = summarise(noisy_runs(STUDIES, seed=seed), {}).differences(EQUAL_EPOCHS)
        called += any(difference.verdict in ("better", "worse") for difference in found[1:])
        uncorrected += any(difference.p_value < 0.05 for difference in found[1:])
    assert called <= 1 < uncorrected


def test_one_seed_gives_no_verdict_and_no_p_value():
    found = summarise(noisy_runs(["linear 100%"], effect=0.3, seeds=1), {}).differences(EQUAL_EPOCHS)[0]
    assert (found.verdict, found.p_value, found.adjusted_p, found.seeds_needed) == ("cannot tell", None, None, None)


def test_an_open_question_says_how_many_seeds_it_lacks():
    images = np.random.default_rng(0).permutation(2000)
    runs = [
        ArmRun(arm, seed, {"linear 100%": (images < 1000 + gain * (arm == "dogo")).astype(float)}, planted.COSTS[arm])
        for seed, gain in enumerate((20, 100, 180))  # 1, 5 and 9 points
        for arm in ("solo", "dogo")
    ]
    (found,) = summarise(runs, {}).differences(EQUAL_EPOCHS)
    assert found.verdict == "cannot tell" and 3 < found.seeds_needed < 10
