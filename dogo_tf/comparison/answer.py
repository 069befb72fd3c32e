"""The answer of a comparison: one verdict, one sentence, what to do next, and how far it can be trusted."""

from pathlib import Path
from typing import NamedTuple

from dogo_tf.comparison.study_names import HEADLINE
from dogo_tf.comparison.summary import (
    BETTER,
    CANNOT_TELL,
    EQUAL_COMPUTE,
    EQUAL_EPOCHS,
    MAIN,
    NOT_BETTER,
    WORSE,
    Comparison,
    Difference,
    Summary,
)
from dogo_tf.comparison.wording import counted_verdicts, signed_points

HELPS, NO_HELP, TOO_DEAR = "helps", "does not help", "costs more than it gives"  # or CANNOT_TELL
# A matched run whose compute differs by more is not called equal without a word.
COMPUTE_TOLERANCE = 0.1
# With fewer there is next to no idea of the spread.
FEWEST_SEEDS = 3
MANY_SEEDS = 30


class Answer(NamedTuple):
    """verdict: HELPS, NO_HELP, CANNOT_TELL or TOO_DEAR. next_step: a sentence; command: to be typed for it, or "".

    remarks: sentences about the other studies, the seeds, and what is missing.
    """

    verdict: str
    sentence: str
    next_step: str
    command: str
    remarks: tuple[str, ...]

    @property
    def text(self) -> str:
        """For a terminal."""
        command = f"\n  {self.command}" if self.command else ""
        first = f"{self.verdict.upper()}. {self.sentence}\nNext: {self.next_step}{command}"
        return "\n".join([first, *self.remarks])


def answer(summary: Summary, folder="OUT") -> Answer:
    """What the summary says about the peer in the headline study.

    Args:
        folder: of the comparison, for the commands.
    """
    epochs, compute = (summary.headline.differences.get(comparison.name) for comparison in MAIN)
    verdict = overall(epochs and epochs.verdict, compute and compute.verdict)
    next_step, command = _next_step(verdict, summary, Path(folder), epochs, compute)
    return Answer(verdict, _sentence(summary, epochs, compute), next_step, command, tuple(_remarks(summary)))


def overall(epochs: str | None, compute: str | None) -> str:
    """One verdict out of those at equal epochs and at equal compute; None: not there.

    A peer costs compute. Where the small encoder alone makes as much or more of the same compute, the peer costs more than it
    gives, whatever it gives at equal epochs.
    """
    if epochs in (WORSE, NOT_BETTER):
        return NO_HELP
    if compute in (WORSE, NOT_BETTER):
        return TOO_DEAR
    return HELPS if epochs == BETTER else CANNOT_TELL


def _sentence(summary: Summary, epochs: Difference | None, compute: Difference | None) -> str:
    if epochs is None:
        first = f"What {summary.big} does for {summary.small} at equal epochs is {_missing(summary, EQUAL_EPOCHS)}"
    else:
        gains = "gains" if round(100 * epochs.interval.mean, 1) > 0 else "changes by"
        points, interval = signed_points(epochs.interval).split(" ", 1)
        first = f"Next to {summary.big}, {summary.small} {gains} {points} points {interval} in {_subject(summary)}"
    if compute is None:
        return f"{first}; against training alone for the same compute: {_missing(summary, EQUAL_COMPUTE)}."
    points, interval = signed_points(compute.interval).split(" ", 1)
    second = f"against training alone for the same compute it is {points} points {interval}"
    return f"{first}; {second}{_unequal_compute(summary)}."


def _next_step(verdict: str, summary: Summary, folder: Path, epochs, compute) -> tuple[str, str]:
    def export(arm: str) -> str:
        return f"dogo-export --run_dir={folder / 'runs' / f'{arm}_seed{summary.seeds[arm][0]}'} --peer={summary.small}"

    if verdict == HELPS:
        open_question = (
            "" if compute and compute.verdict == BETTER else " Whether the same compute alone gives as much is open."
        )
        return f"take the encoder that learned next to its peer.{open_question}", export("dogo")
    if verdict == TOO_DEAR:
        times = summary.costs["solo_matched"].epochs
        return f"take the encoder that was trained alone for the same compute ({times:g} epochs).", export(
            "solo_matched"
        )
    if verdict == NO_HELP:
        return "take the encoder that was trained alone, or try another peer or --distill_weight.", export("solo")
    if epochs is None:
        asked = {EQUAL_EPOCHS.arm, EQUAL_EPOCHS.other} <= set(summary.asked)
        return (
            "run the same command again: it goes on where it stopped." if asked else "ask for --arms=solo,dogo."
        ), ""
    return _more_seeds(summary, epochs), ""


def _more_seeds(summary: Summary, found: Difference) -> str:
    seeds = len(found.per_seed)
    if seeds == 1:
        return f"run the same command with --seeds={FEWEST_SEEDS}: one seed says nothing about others."
    if found.seeds_needed is None:
        return (
            f"test on more images: {summary.headline.images:,} leave too much open for any number of seeds to tell a "
            "difference as small as this one."
        )
    needed = max(found.seeds_needed, seeds + 1)
    if needed > MANY_SEEDS:
        return (
            f"leave it: about {needed} seeds would be needed to tell, if mean and spread stay as they are; the difference is "
            "small against what a seed changes."
        )
    return f"run the same command with --seeds={needed}: about so many are needed to tell, if mean and spread stay as they are."


def _unequal_compute(summary: Summary) -> str:
    spent, matched = summary.costs["dogo"].train_gflop, summary.costs["solo_matched"].train_gflop
    if abs(matched - spent) <= COMPUTE_TOLERANCE * spent:
        return ""
    return f" (not quite the same: alone it had {matched / spent:.2f} times the compute)"


def _subject(summary: Summary) -> str:
    study = summary.headline.study
    return "linear accuracy with all labels" if study.name == HEADLINE else f"accuracy ({study.title})"


def _missing(summary: Summary, comparison: Comparison) -> str:
    arms = (comparison.arm, comparison.other)
    if left_out := [arm for arm in arms if arm not in summary.asked]:
        return f"not compared, as --arms leaves out {' and '.join(left_out)}"
    if without := [arm for arm in arms if arm not in summary.headline.arms]:
        return f"not known yet, as {' and '.join(without)} {'is' if len(without) == 1 else 'are'} missing"
    return f"not known yet, as {' and '.join(arms)} have no seed in common"


def _remarks(summary: Summary) -> list[str]:
    everyone = sorted({seed for seeds in summary.seeds.values() for seed in seeds})
    lines = []
    for comparison, where in ((EQUAL_EPOCHS, "equal epochs"), (EQUAL_COMPUTE, "equal compute")):
        studies = [study for study in summary.studies if study is not summary.headline]
        if found := [study.differences[comparison.name] for study in studies if comparison.name in study.differences]:
            plural = "study" if len(found) == 1 else f"{len(found)} studies"
            lines.append(f"The other {plural} at {where}: {counted_verdicts(found)}.")
    lines.append(
        f"{_seeds(everyone).capitalize()}; {summary.headline.images:,} test images; in brackets 95 % intervals; verdicts are "
        "corrected for the number of tests (Holm)."
    )
    pairs = [len(found.per_seed) for study in summary.studies for found in study.differences.values()]
    if alone := pairs.count(1):
        which = "The differences rest" if alone == len(pairs) else f"{alone} of {len(pairs)} differences rest"
        lines.append(
            f"{which} on one seed: the spread over seeds is unknown, so there is no verdict. Such an interval covers the test "
            "images only and is too narrow."
        )
    absent = [arm for arm in summary.asked if arm not in summary.seeds]
    partial = [f"{arm} has only {_seeds(seeds)}" for arm, seeds in summary.seeds.items() if len(seeds) < len(everyone)]
    if absent or partial:
        lines.append(f"Not finished: {'; '.join(([f'no {_listed(absent)}'] if absent else []) + partial)}.")
    return lines


def _seeds(seeds) -> str:
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {_listed(seeds)}"


def _listed(values) -> str:
    return ", ".join(map(str, values))
