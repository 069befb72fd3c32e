"""The words of a comparison, to the letter."""

import planted
import pytest

from dogo_tf.comparison.summary import summarise
from dogo_tf.comparison.wording import accuracy_table, difference_table, signed_points, verdict_text
from dogo_tf.evaluate.intervals import Interval

FULL = {
    "linear 100%": {"random": 0.3, "solo": 0.50, "dogo": 0.55, "solo_matched": 0.58, "big_solo": 0.6, "dogo_big": 0.6},
    "linear 1%": {"random": 0.2, "solo": 0.30, "dogo": 0.36, "solo_matched": 0.36, "big_solo": 0.4, "dogo_big": 0.4},
}


@pytest.mark.parametrize(
    "mean, low, high, expected",
    [
        (0.016, 0.009, 0.0232, "+1.6 (0.9 to 2.3)"),
        (-0.004, -0.011, 0.003, "-0.4 (-1.1 to 0.3)"),
        (0.01, 0.0003, 0.0197, "+1.00 (0.03 to 1.97)"),
        (0.0, 0.0, 0.0, "+0.0 (0.0 to 0.0)"),
        (-0.0001, -0.0101, 0.0099, "+0.0 (-1.0 to 1.0)"),
    ],
)
def test_points_show_on_which_side_of_zero_an_interval_ends(mean, low, high, expected):
    assert signed_points(Interval(mean, low, high, 0.1, 0.1)) == expected


def test_the_verdict_of_a_whole_comparison():
    # 50 of 1,000 images per seed, of which pairs of seeds share 49, 49 and 48: covariance 0.0487 - 0.05^2, and t[999] = 1.962
    # times its root over 1,000 images is 1.3 points; the seeds agree on the difference.
    assert verdict_text(summarise(planted.runs(FULL), planted.SETTINGS)).splitlines() == [
        "Next to wrn_16_2, wrn_10_2 gains +5.0 points (3.7 to 6.3) in linear accuracy with all labels at equal epochs: helps.",
        "Against the same compute spent on training alone for longer: -3.0 (-4.0 to -2.0): hurts.",
        "Over all 2 studies at equal epochs: helps in 2.",
        "Over all 2 studies at equal compute: hurts in 1, does not help in 1.",
        "Seeds 0, 1, 2; 1,000 test images; in brackets 95 % intervals.",
        "10 differences were tested, without a correction for their number: about 1 in 20 intervals misses the truth.",
    ]


def test_one_seed_and_missing_arms_are_said():
    runs = planted.runs({"knn": {"solo": 0.55, "dogo": 0.50}}, seeds=(0, 1))
    text = verdict_text(summarise([run for run in runs if (run.arm, run.seed) != ("solo", 1)], {}))
    assert text.splitlines() == [
        "Next to the big encoder, the small encoder changes by -5.0 points (-6.4 to -3.6) in accuracy (kNN, all labels) at "
        "equal epochs: hurts (one seed only).",
        "Equal compute: not known yet; solo_matched is missing.",
        "Seeds 0, 1; 1,000 test images; in brackets 95 % intervals.",
        "The differences rest on one seed: the spread over seeds is unknown. Such an interval covers the test images only and "
        "is too narrow; another seed may say otherwise.",
        "Not finished: no random, solo_matched, big_solo, dogo_big; solo has only seed 0.",
    ]


def test_arms_without_a_common_seed_cannot_be_compared_yet():
    runs = planted.runs({"knn": {"solo": 0.55}}, seeds=(0,)) + planted.runs({"knn": {"dogo": 0.5}}, seeds=(1,))
    assert verdict_text(summarise(runs, {})).splitlines()[:2] == [
        "Equal epochs: not known yet; dogo and solo have no seed in common.",
        "Equal compute: not known yet; solo_matched is missing.",
    ]
    assert "dogo and solo are missing" in verdict_text(summarise(planted.runs({"knn": {"random": 0.1}}), {}))


def test_what_was_not_asked_for_is_not_called_missing():
    runs = planted.runs({"knn": {"solo": 0.55, "dogo": 0.6}})
    second = verdict_text(summarise(runs, {"arms": ["solo", "dogo"]})).splitlines()[1]
    assert second == "Equal compute: not compared; --arms leaves out solo_matched."


def test_compute_that_is_not_equal_is_said():
    runs = [
        run._replace(cost=run.cost._replace(train_gflop=2450)) if run.arm == "solo_matched" else run
        for run in planted.runs(FULL)
    ]
    second = verdict_text(summarise(runs, {})).splitlines()[1]
    assert second.endswith(": hurts. (Not quite the same: alone it had 0.70 times the compute.)")


def test_tables():
    runs = planted.runs({"knn": {"solo": 0.55, "dogo": 0.6}, "linear 10%": {"solo": 0.25}})
    summary = summarise(runs, {})
    assert accuracy_table(summary) == (
        "| accuracy %                 | solo | dogo |\n"
        "|----------------------------|-----:|-----:|\n"
        "| kNN, all labels            | 55.0 | 60.0 |\n"
        "| linear, 10 % of the labels | 25.0 |    - |"
    )
    assert difference_table(summary) == (
        "| points                     | dogo - solo: equal epochs | dogo - solo_matched: equal compute |\n"
        "|----------------------------|--------------------------:|-----------------------------------:|\n"
        "| kNN, all labels            |   +5.0 (3.7 to 6.3) helps |                                  - |\n"
        "| linear, 10 % of the labels |                         - |                                  - |"
    )
