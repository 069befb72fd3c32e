"""Runs in, numbers and verdicts out: every arm in every study, and the paired differences between arms.

The question is set beforehand: what is the peer worth in the headline study, at equal epochs and at equal compute? These two
differences are one family of tests, corrected by Holm. All other studies of a comparison are a family of their own, and so are
the headline's other differences.
"""

from typing import NamedTuple

import numpy as np

from dogo_tf.comparison.results import ARMS, DEFAULT_ARMS, ArmRun, Cost, by_seed, check_runs, mean_cost
from dogo_tf.comparison.significance import LEVEL, holm, p_value, seeds_needed
from dogo_tf.comparison.study_names import HEADLINE, Study, ordered
from dogo_tf.evaluate.intervals import Interval, accuracy_interval, difference_interval

BETTER, WORSE, NOT_BETTER, CANNOT_TELL = "better", "worse", "not better", "cannot tell"
# A gain below half a percentage point is not worth a second network in training.
WORTHWHILE = 0.005
VERDICTS = (BETTER, WORSE, NOT_BETTER, CANNOT_TELL)

FINISHED_TEACHERS = {
    "frozen": "a finished teacher",
    "frozen_seed": "a finished teacher by SEED",
    "frozen_compress": "a finished teacher by CompRess",
    "frozen_simreg": "a finished teacher by SimReg",
    "at_hand": "a teacher that was there",
}


ANOTHER_WAY = {
    "self": "the average of its own weights as a teacher",
    "head_start": "a peer with a head start",
    "cached": "the finished big one's features",
    "smaller": "a smaller peer",
    "family": "a peer that has more students",
    "stopping": "a peer that stops early",
    "every_kth": "a peer in every k-th step",
}


class Comparison(NamedTuple):
    """A difference of two arms, `arm` - `other`; `question` is what it answers: "<arm>, or <other>?"."""

    arm: str
    other: str
    question: str

    @property
    def name(self) -> str:
        return f"{self.arm} - {self.other}"


EQUAL_EPOCHS = Comparison("dogo", "solo", "With the peer or without it?")
EQUAL_COMPUTE = Comparison("dogo", "solo_matched", "With the peer, or alone for the same compute?")
MAIN = (EQUAL_EPOCHS, EQUAL_COMPUTE)
COMPARISONS = (
    *MAIN,
    Comparison("dogo", "random", "With the peer, or not trained at all?"),
    Comparison("dogo_big", "big_solo", "The big one: with the small one or without it?"),
    Comparison("big_solo", "solo", "Both alone: the big one or the small one?"),
    Comparison("one_way", "solo", "With a peer that does not learn back, or without?"),
    Comparison("dogo", "one_way", "With a peer that learns back, or one that does not?"),
    *(
        Comparison(arm, other, f"With {teacher}, or {than}?")
        for arm, teacher in ANOTHER_WAY.items()
        for other, than in (
            ("solo", "without"),
            ("dogo", "with the peer"),
            (f"solo_as_{arm}", "alone for the same compute"),
        )
    ),
    *(
        Comparison(arm, other, f"With {teacher}, or {than}?")
        for arm, teacher in FINISHED_TEACHERS.items()
        for other, than in (("solo", "without"), ("dogo", "with a peer that learns, too"))
    ),
)


class ArmScore(NamedTuple):
    """An arm's accuracy in a study. per_seed: by seed, 0..1; their mean is the interval's."""

    per_seed: dict[int, float]
    interval: Interval


class Difference(NamedTuple):
    """A paired difference in a study, over the seeds that both arms have.

    p_value: of the interval, None with one seed. adjusted_p: corrected for the number of tests in its family. verdict: one of
    VERDICTS. seeds_needed: about how many would give a verdict, where there is none; None: no number would, or it is unknown.
    """

    comparison: Comparison
    per_seed: dict[int, float]
    interval: Interval
    p_value: float | None = None
    adjusted_p: float | None = None
    verdict: str = CANNOT_TELL
    seeds_needed: int | None = None


class StudySummary(NamedTuple):
    """images: N_test. arms: by arm. differences: by comparison name. Only what there is so far."""

    study: Study
    images: int
    arms: dict[str, ArmScore]
    differences: dict[str, Difference]


class Summary(NamedTuple):
    """seeds: by arm, in the order of ARMS; costs: mean over an arm's seeds. small, big: the encoders' names.

    asked: the arms that the comparison is to have in the end.
    """

    studies: list[StudySummary]
    seeds: dict[str, tuple[int, ...]]
    costs: dict[str, Cost]
    small: str
    big: str
    asked: tuple[str, ...] = DEFAULT_ARMS

    @property
    def headline(self) -> StudySummary:
        """See headline_of."""
        return headline_of(self.studies)

    def differences(self, comparison: Comparison) -> list[Difference]:
        """Those of one comparison, in the order of the studies."""
        return [study.differences[comparison.name] for study in self.studies if comparison.name in study.differences]


def summarise(runs: list[ArmRun], settings: dict) -> Summary:
    """Every study's accuracies and paired differences with 95 % intervals.

    Args:
        runs: of any arms and seeds; what is missing is left out, so that an unfinished comparison can be looked at.
        settings: "small" and "big" name the two encoders in texts, "arms" those to be expected, if they are there.
    Raises:
        InputError: see check_runs and accuracy_interval.
    """
    check_runs(runs)
    arms = [arm for arm in ARMS if any(run.arm == arm for run in runs)]
    names = {study: len(scores) for run in runs for study, scores in run.scores.items()}
    studies = [_study(study, names[study.name], arms, runs) for study in ordered(names)]
    _judge(studies)
    return Summary(
        studies=studies,
        seeds={arm: tuple(sorted(run.seed for run in runs if run.arm == arm)) for arm in arms},
        costs={arm: mean_cost(runs, arm) for arm in arms},
        small=str(settings.get("small", "the small encoder")),
        big=str(settings.get("big", "the big encoder")),
        asked=tuple(settings.get("arms", DEFAULT_ARMS)),
    )


def verdict(difference: Interval, adjusted_p: float | None) -> str:
    """What a difference allows to say; see VERDICTS.

    better, worse: it is above or below 0, and was unlikely to be so by chance among all tests of its family. not better: its
    95 % interval excludes a gain of half a percentage point. cannot tell: everything else, and whatever rests on one seed.
    """
    if adjusted_p is None:
        return CANNOT_TELL
    if adjusted_p < LEVEL:
        return BETTER if difference.mean > 0 else WORSE
    return NOT_BETTER if difference.high < WORTHWHILE else CANNOT_TELL


def headline_of(studies: list[StudySummary]) -> StudySummary:
    """The linear probe with all labels; without it, the first study."""
    return next((study for study in studies if study.study.name == HEADLINE), studies[0])


def _judge(studies: list[StudySummary]) -> None:
    """Gives every difference its adjusted p value, its verdict and the number of seeds that it lacks."""
    families, headline, main = {}, headline_of(studies), [comparison.name for comparison in MAIN]
    for study in studies:
        for name, found in study.differences.items():
            if found.p_value is not None:
                family = ("headline", name in main) if study is headline else ("studies", name)
                families.setdefault(family, []).append((study, name))
    for tests in families.values():
        adjusted = holm([study.differences[name].p_value for study, name in tests])
        for (study, name), p in zip(tests, adjusted, strict=True):
            found = study.differences[name]
            said, needed = verdict(found.interval, p), None
            if said == CANNOT_TELL:
                counts = len(found.per_seed), study.images
                needed = seeds_needed(found.interval, *counts, WORTHWHILE, level=LEVEL / len(tests))
            study.differences[name] = found._replace(adjusted_p=p, verdict=said, seeds_needed=needed)


def _study(study: Study, images: int, arms: list[str], runs: list[ArmRun]) -> StudySummary:
    scores = {arm: found for arm in arms if (found := by_seed(runs, arm, study.name))}
    differences = {}
    for comparison in COMPARISONS:
        ours, others = scores.get(comparison.arm, {}), scores.get(comparison.other, {})
        if shared := [seed for seed in ours if seed in others]:
            pair = np.stack([ours[seed] for seed in shared]), np.stack([others[seed] for seed in shared])
            interval = difference_interval(*pair)
            per_seed = dict(zip(shared, (pair[0].mean(axis=1) - pair[1].mean(axis=1)).tolist(), strict=True))
            p = p_value(interval, len(shared), images)
            differences[comparison.name] = Difference(comparison, per_seed, interval, p)
    return StudySummary(study, images, {arm: _score(found) for arm, found in scores.items()}, differences)


def _score(scores: dict[int, np.ndarray]) -> ArmScore:
    per_seed = {seed: float(row.mean()) for seed, row in scores.items()}
    return ArmScore(per_seed, accuracy_interval(np.stack(list(scores.values()))))
