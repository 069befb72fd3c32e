"""The answer of a comparison, to the letter."""

import planted
import pytest

from dogo_tf.comparison.answer import answer, overall
from dogo_tf.comparison.summary import EQUAL_EPOCHS, summarise
from dogo_tf.evaluate.intervals import Interval

FULL = {
    "linear 100%": {"random": 0.3, "solo": 0.50, "dogo": 0.55, "solo_matched": 0.58, "big_solo": 0.6, "dogo_big": 0.6},
    "linear 1%": {"random": 0.2, "solo": 0.30, "dogo": 0.36, "solo_matched": 0.36, "big_solo": 0.4, "dogo_big": 0.4},
}


@pytest.mark.parametrize(
    "epochs, compute, expected",
    [
        ("better", "better", "helps"),
        ("better", "cannot tell", "helps"),
        ("better", None, "helps"),
        ("better", "worse", "costs more than it gives"),
        ("better", "not better", "costs more than it gives"),
        ("cannot tell", "worse", "costs more than it gives"),
        ("cannot tell", "cannot tell", "cannot tell"),
        ("worse", "worse", "does not help"),
        ("not better", "cannot tell", "does not help"),
        (None, None, "cannot tell"),
    ],
)
def test_one_verdict_of_two(epochs, compute, expected):
    assert overall(epochs, compute) == expected


def test_the_answer_of_a_whole_comparison():
    # 50 of 1,000 images per seed, of which pairs of seeds share 49, 49 and 48: covariance 0.0487 - 0.05^2, and t[999] = 1.962
    # times its root over 1,000 images is 1.3 points; the seeds agree on the difference.
    found = answer(summarise(planted.runs(FULL), planted.SETTINGS), "runs/c")
    assert found.verdict == "costs more than it gives"
    assert found.text.splitlines() == [
        "COSTS MORE THAN IT GIVES. Next to wrn_16_2, wrn_10_2 gains +5.0 points (3.7 to 6.3) in linear accuracy with all "
        "labels; against training alone for the same compute it is -3.0 points (-4.0 to -2.0).",
        "Next: take the encoder that was trained alone for the same compute (70 epochs).",
        "  dogo-export --run_dir=runs/c/runs/solo_matched_seed0 --peer=wrn_10_2",
        "The other study at equal epochs: better in 1.",
        "The other study at equal compute: not better in 1.",
        "Seeds 0, 1, 2; 1,000 test images; in brackets 95 % intervals; verdicts are corrected for the number of tests (Holm).",
    ]


def next_step(studies, **settings):
    return answer(summarise(planted.runs(studies), {**planted.SETTINGS, **settings}), "c")[1:4]


def test_a_peer_that_helps_is_to_be_taken():
    sentence, step, command = next_step({"linear 100%": {"solo": 0.5, "dogo": 0.6, "solo_matched": 0.5}})
    assert step == "take the encoder that learned next to its peer." and "gains +10.0 points" in sentence
    assert command == "dogo-export --run_dir=c/runs/dogo_seed0 --peer=wrn_10_2"
    _, step, _ = next_step({"linear 100%": {"solo": 0.5, "dogo": 0.6}}, arms=["solo", "dogo"])
    assert step.endswith("Whether the same compute alone gives as much is open.")


def test_a_peer_that_does_not_help_is_to_be_left():
    sentence, step, command = next_step({"linear 100%": {"solo": 0.55, "dogo": 0.5, "solo_matched": 0.5}})
    assert "changes by -5.0 points" in sentence and step.startswith("take the encoder that was trained alone, or try")
    assert command.endswith("solo_seed0 --peer=wrn_10_2")


@pytest.mark.parametrize(
    "needed, seeds, expected",
    [
        (7, 3, "run the same command with --seeds=7: about so many are needed to tell"),
        (None, 3, "test on more images: 1,000 leave too much open for any number of seeds"),
        (250, 3, "leave it: about 250 seeds would be needed to tell"),
        (None, 1, "run the same command with --seeds=3: one seed says nothing about others."),
    ],
)
def test_an_open_question_says_what_would_close_it(needed, seeds, expected):
    summary = summarise(planted.runs({"linear 100%": {"solo": 0.5, "dogo": 0.55}}, seeds=range(seeds)), {})
    found = summary.headline.differences[EQUAL_EPOCHS.name]._replace(
        interval=Interval(0.01, -0.01, 0.03, 0.01, 0.001), verdict="cannot tell", seeds_needed=needed
    )
    study = summary.headline._replace(differences={EQUAL_EPOCHS.name: found})
    said = answer(summary._replace(studies=[study]))
    assert said.verdict == "cannot tell" and said.next_step.startswith(expected)


def test_one_seed_and_missing_arms_are_said():
    runs = planted.runs({"knn": {"solo": 0.55, "dogo": 0.50}}, seeds=(0, 1))
    text = answer(summarise([run for run in runs if (run.arm, run.seed) != ("solo", 1)], {})).text
    assert text.splitlines() == [
        "CANNOT TELL. Next to the big encoder, the small encoder changes by -5.0 points (-6.4 to -3.6) in accuracy (kNN, all "
        "labels); against training alone for the same compute: not known yet, as solo_matched is missing.",
        "Next: run the same command with --seeds=3: one seed says nothing about others.",
        "Seeds 0, 1; 1,000 test images; in brackets 95 % intervals; verdicts are corrected for the number of tests (Holm).",
        "The differences rest on one seed: the spread over seeds is unknown, so there is no verdict. Such an interval covers "
        "the test images only and is too narrow.",
        "Not finished: no random, solo_matched, big_solo, dogo_big; solo has only seed 0.",
    ]


def test_arms_without_a_common_seed_cannot_be_compared_yet():
    runs = planted.runs({"knn": {"solo": 0.55}}, seeds=(0,)) + planted.runs({"knn": {"dogo": 0.5}}, seeds=(1,))
    found = answer(summarise(runs, {}))
    assert "is not known yet, as dogo and solo have no seed in common; against" in found.sentence
    assert found.next_step == "run the same command again: it goes on where it stopped."
    only_random = answer(summarise(planted.runs({"knn": {"random": 0.1}}), {}))
    assert "as dogo and solo are missing" in only_random.sentence and only_random.verdict == "cannot tell"


def test_what_was_not_asked_for_is_not_called_missing():
    runs = planted.runs({"knn": {"solo": 0.55, "dogo": 0.6}})
    assert (
        "same compute: not compared, as --arms leaves out solo_matched."
        in answer(summarise(runs, {"arms": ["solo", "dogo"]})).sentence
    )


def test_compute_that_is_not_equal_is_said():
    runs = [
        run._replace(cost=run.cost._replace(train_gflop=2450)) if run.arm == "solo_matched" else run
        for run in planted.runs(FULL)
    ]
    assert answer(summarise(runs, {})).sentence.endswith("(not quite the same: alone it had 0.70 times the compute).")
