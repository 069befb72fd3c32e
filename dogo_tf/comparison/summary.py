"""Runs in, numbers and verdicts out: every arm in every study, and the paired differences between arms."""

from typing import NamedTuple

import numpy as np

from dogo_tf.comparison.results import ARMS, DEFAULT_ARMS, ArmRun, Cost, by_seed, check_runs, mean_cost
from dogo_tf.comparison.study_names import HEADLINE, Study, ordered
from dogo_tf.evaluate.intervals import Interval, accuracy_interval, difference_interval

# A gain below half a percentage point is not worth a second network in training.
WORTHWHILE = 0.005
VERDICTS = ("helps", "hurts", "does not help", "cannot tell")


class Comparison(NamedTuple):
    """A difference of two arms, `arm` - `other`; `question` is what it answers."""

    arm: str
    other: str
    question: str

    @property
    def name(self) -> str:
        return f"{self.arm} - {self.other}"


EQUAL_EPOCHS = Comparison("dogo", "solo", "equal epochs")
EQUAL_COMPUTE = Comparison("dogo", "solo_matched", "equal compute")
COMPARISONS = (
    EQUAL_EPOCHS,
    EQUAL_COMPUTE,
    Comparison("dogo", "random", "against no training"),
    Comparison("dogo_big", "big_solo", "the big one next to the small one"),
    Comparison("big_solo", "solo", "big against small, both alone"),
    Comparison("one_way", "solo", "learning from a peer that does not learn back"),
    Comparison("dogo", "one_way", "does it pay that the big one learns back?"),
    *(
        Comparison(arm, other, question)
        for arm in ARMS
        if arm.startswith("frozen")
        for other, question in (
            ("solo", "a finished teacher against none"),
            ("dogo", "a finished teacher against a peer"),
        )
    ),
)


class ArmScore(NamedTuple):
    """An arm's accuracy in a study. per_seed: by seed, 0..1; their mean is the interval's."""

    per_seed: dict[int, float]
    interval: Interval


class Difference(NamedTuple):
    """A paired difference in a study, over the seeds that both arms have; verdict: one of VERDICTS."""

    comparison: Comparison
    per_seed: dict[int, float]
    interval: Interval
    verdict: str


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
        """The linear probe with all labels; without it, the first study."""
        return next((study for study in self.studies if study.study.name == HEADLINE), self.studies[0])

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
    return Summary(
        studies=[_study(study, names[study.name], arms, runs) for study in ordered(names)],
        seeds={arm: tuple(sorted(run.seed for run in runs if run.arm == arm)) for arm in arms},
        costs={arm: mean_cost(runs, arm) for arm in arms},
        small=str(settings.get("small", "the small encoder")),
        big=str(settings.get("big", "the big encoder")),
        asked=tuple(settings.get("arms", DEFAULT_ARMS)),
    )


def verdict(difference: Interval) -> str:
    """What a 95 % interval of a gain allows to say; see VERDICTS.

    helps: it lies above 0; hurts: below 0; does not help: it excludes a gain of half a percentage point; else cannot tell.
    """
    if difference.low > 0:
        return "helps"
    if difference.high < 0:
        return "hurts"
    return "does not help" if difference.high < WORTHWHILE else "cannot tell"


def _study(study: Study, images: int, arms: list[str], runs: list[ArmRun]) -> StudySummary:
    scores = {arm: found for arm in arms if (found := by_seed(runs, arm, study.name))}
    differences = {}
    for comparison in COMPARISONS:
        ours, others = scores.get(comparison.arm, {}), scores.get(comparison.other, {})
        if shared := [seed for seed in ours if seed in others]:
            pair = np.stack([ours[seed] for seed in shared]), np.stack([others[seed] for seed in shared])
            interval = difference_interval(*pair)
            per_seed = dict(zip(shared, (pair[0].mean(axis=1) - pair[1].mean(axis=1)).tolist(), strict=True))
            differences[comparison.name] = Difference(comparison, per_seed, interval, verdict(interval))
    return StudySummary(study, images, {arm: _score(found) for arm, found in scores.items()}, differences)


def _score(scores: dict[int, np.ndarray]) -> ArmScore:
    per_seed = {seed: float(row.mean()) for seed, row in scores.items()}
    return ArmScore(per_seed, accuracy_interval(np.stack(list(scores.values()))))
