"""A summary in words and tables for people."""

from collections import Counter

from dogo_tf.comparison.study_names import HEADLINE
from dogo_tf.comparison.summary import EQUAL_COMPUTE, EQUAL_EPOCHS, VERDICTS, Comparison, Difference, Summary
from dogo_tf.evaluate.intervals import Interval
from dogo_tf.reporting.table import percent, text_table

# A matched run whose compute differs by more is not called equal without a word.
COMPUTE_TOLERANCE = 0.1


def signed_points(interval: Interval) -> str:
    """A difference in percentage points, "+1.6 (0.9 to 2.3)"; with a second digit where an end would be rounded to 0."""
    values = [100 * value for value in interval[:3]]
    digits = 2 if any(0 < abs(end) < 0.05 for end in values[1:]) else 1
    # Adding 0 turns a rounded -0 into 0.
    mean, low, high = (round(value, digits) + 0.0 for value in values)
    return f"{mean:+.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def accuracy_percent(interval: Interval) -> str:
    """ "57.3 (56.4 to 58.2)"."""
    return f"{percent(interval.mean)} ({percent(interval.low)} to {percent(interval.high)})"


def verdict_text(summary: Summary) -> str:
    """The answer in plain words: a line at equal epochs, one at equal compute, then how far they can be trusted."""
    lines = [_equal_epochs(summary), _equal_compute(summary)]
    lines += [text for comparison in (EQUAL_EPOCHS, EQUAL_COMPUTE) if (text := _over_studies(summary, comparison))]
    return "\n".join([*lines, *_caveats(summary)])


def difference_table(summary: Summary, comparisons=(EQUAL_EPOCHS, EQUAL_COMPUTE)) -> str:
    """Differences in percentage points with 95 % intervals and verdicts, a row per study."""
    head = ["points", *(f"{comparison.name}: {comparison.question}" for comparison in comparisons)]
    rows = [
        [study.study.title, *(_difference_cell(study.differences.get(comparison.name)) for comparison in comparisons)]
        for study in summary.studies
    ]
    return text_table(head, rows)


def accuracy_table(summary: Summary) -> str:
    """Mean accuracies in percent, a row per study and a column per arm."""
    rows = [
        [
            study.study.title,
            *(percent(study.arms[arm].interval.mean) if arm in study.arms else "-" for arm in summary.seeds),
        ]
        for study in summary.studies
    ]
    return text_table(["accuracy %", *summary.seeds], rows)


def number_of_tests(summary: Summary) -> int:
    """How many differences were given a verdict."""
    return sum(len(study.differences) for study in summary.studies)


def _equal_epochs(summary: Summary) -> str:
    found = summary.headline.differences.get(EQUAL_EPOCHS.name)
    if found is None:
        return f"Equal epochs: {_missing(summary, EQUAL_EPOCHS)}."
    gains = "gains" if round(100 * found.interval.mean, 1) > 0 else "changes by"
    points, interval = signed_points(found.interval).split(" ", 1)
    return (
        f"Next to {summary.big}, {summary.small} {gains} {points} points {interval} in {_subject(summary)} at equal epochs: "
        f"{_told(found)}."
    )


def _equal_compute(summary: Summary) -> str:
    found = summary.headline.differences.get(EQUAL_COMPUTE.name)
    if found is None:
        return f"Equal compute: {_missing(summary, EQUAL_COMPUTE)}."
    return (
        "Against the same compute spent on training alone for longer: "
        f"{signed_points(found.interval)}: {_told(found)}.{_unequal_compute(summary)}"
    )


def _told(found: Difference) -> str:
    return found.verdict + (" (one seed only)" if len(found.per_seed) == 1 else "")


def _unequal_compute(summary: Summary) -> str:
    spent, matched = summary.costs["dogo"].train_gflop, summary.costs["solo_matched"].train_gflop
    if abs(matched - spent) <= COMPUTE_TOLERANCE * spent:
        return ""
    return f" (Not quite the same: alone it had {matched / spent:.2f} times the compute.)"


def _subject(summary: Summary) -> str:
    study = summary.headline.study
    return "linear accuracy with all labels" if study.name == HEADLINE else f"accuracy ({study.title})"


def _missing(summary: Summary, comparison: Comparison) -> str:
    arms = (comparison.arm, comparison.other)
    if left_out := [arm for arm in arms if arm not in summary.asked]:
        return f"not compared; --arms leaves out {' and '.join(left_out)}"
    if without := [arm for arm in arms if arm not in summary.headline.arms]:
        return f"not known yet; {' and '.join(without)} {'is' if len(without) == 1 else 'are'} missing"
    return f"not known yet; {' and '.join(arms)} have no seed in common"


def _over_studies(summary: Summary, comparison: Comparison) -> str:
    found = summary.differences(comparison)
    if len(found) < 2:
        return ""
    counts = Counter(difference.verdict for difference in found)
    counted = ", ".join(f"{verdict} in {counts[verdict]}" for verdict in VERDICTS if counts[verdict])
    return f"Over all {len(found)} studies at {comparison.question}: {counted}."


def _caveats(summary: Summary) -> list[str]:
    everyone = sorted({seed for seeds in summary.seeds.values() for seed in seeds})
    lines = [f"{_seeds(everyone).capitalize()}; {summary.headline.images:,} test images; in brackets 95 % intervals."]
    pairs = [len(found.per_seed) for study in summary.studies for found in study.differences.values()]
    if alone := pairs.count(1):
        which = "The differences rest" if alone == len(pairs) else f"{alone} of {len(pairs)} differences rest"
        lines.append(
            f"{which} on one seed: the spread over seeds is unknown. Such an interval covers the test images only and is too "
            "narrow; another seed may say otherwise."
        )
    tests = number_of_tests(summary)
    if tests > 1:
        lines.append(
            f"{tests} differences were tested, without a correction for their number: about 1 in 20 intervals misses the truth."
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


def _difference_cell(found: Difference | None) -> str:
    return "-" if found is None else f"{signed_points(found.interval)} {found.verdict}"
