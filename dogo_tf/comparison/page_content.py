"""What report.html shows, as values for its template."""

from dogo_tf.comparison import answer as answers
from dogo_tf.comparison.pictures import Pictures
from dogo_tf.comparison.plots import Chart
from dogo_tf.comparison.results import ARMS
from dogo_tf.comparison.summary import BETTER, CANNOT_TELL, COMPARISONS, MAIN, WORSE, Comparison, Difference, Summary
from dogo_tf.comparison.wording import accuracy_percent, signed_points
from dogo_tf.reporting.page import data_uri

# By the plots' names: title, caption.
PLOTS = {
    "differences": (
        "Paired differences",
        "Each line is a 95 % interval of one study. Right of 0 the peer is better; the grey band is a gain below half a "
        "percentage point. The study in bold decides the verdict.",
    ),
    "labels": (
        "Few labels",
        "Linear probe by the share of the training labels; bars are 95 % intervals of each arm alone.",
    ),
    "noise": (
        "Wrong labels",
        "Linear probe trained with wrong labels and tested on right ones; 0 % is all labels, all right.",
    ),
    "severity": ("Corrupted images", "Linear probe trained on clean images; accuracy over all kinds of corruption."),
    "differences_other": (
        "Other comparisons",
        "Paired differences with 95 % intervals. Right of 0 the first one of the title is better.",
    ),
    "training": ("Training", "A line for each arm, seed and peer."),
}
STYLES = {answers.HELPS: "good", answers.TOO_DEAR: "bad", CANNOT_TELL: "open", answers.NO_HELP: ""}
WORDS = {
    answers.HELPS: "The peer helps",
    answers.NO_HELP: "The peer does not help",
    CANNOT_TELL: "Cannot tell yet",
    answers.TOO_DEAR: "The peer costs more than it gives",
}


def page_content(
    summary: Summary, found: answers.Answer, charts: dict[str, Chart], pictures: Pictures | None, settings, provenance
) -> dict:
    """The values of templates/comparison.html."""
    others = [comparison for comparison in COMPARISONS if comparison not in MAIN and summary.differences(comparison)]
    return {
        "small": summary.small,
        "big": summary.big,
        "answer": found,
        "word": WORDS[found.verdict],
        "style": STYLES[found.verdict],
        "charts": {name: _chart(name, charts[name]) if name in charts else None for name in PLOTS},
        "differences": [_differences(summary, comparison) for comparison in MAIN if summary.differences(comparison)],
        "other_differences": [_differences(summary, comparison) for comparison in others],
        "accuracies": _accuracies(summary),
        "costs": _costs(summary),
        "pictures": pictures,
        "settings": _setting_rows(settings),
        "provenance": _setting_rows(provenance),
    }


def _chart(name: str, chart: Chart) -> dict:
    title, caption = PLOTS[name]
    wide, narrow = (data and data_uri(data, "image/svg+xml") for data in chart)
    return {"title": title, "caption": caption, "wide": wide, "narrow": narrow}


def _differences(summary: Summary, comparison: Comparison) -> dict:
    """A table of one comparison."""
    rows = [
        [study.study.title, *_difference_cells(study.differences[comparison.name])]
        for study in summary.studies
        if comparison.name in study.differences
    ]
    head = ["study", "difference, points (95 % interval)", "verdict", "p, corrected", "seeds to tell"]
    between = f"{ARMS[comparison.arm]}, minus {ARMS[comparison.other]}"
    return {"question": comparison.question, "between": between, "head": head, "rows": rows}


def _difference_cells(found: Difference) -> list:
    style = {BETTER: "good mark", WORSE: "bad mark"}.get(found.verdict, "")
    needed = "-"
    if found.verdict == CANNOT_TELL and found.adjusted_p is not None:
        needed = "more images" if found.seeds_needed is None else f"about {found.seeds_needed}"
    return [
        {"text": signed_points(found.interval), "note": "by seed " + by_seed(found.per_seed, "{:+.1f}")},
        {"text": found.verdict, "style": style},
        "-" if found.adjusted_p is None else p_text(found.adjusted_p),
        needed,
    ]


def p_text(p: float) -> str:
    """ "0.03", "< 0.001"."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def by_seed(values: dict[int, float], form: str) -> str:
    return " ".join(form.format(round(100 * value, 1) + 0.0) for value in values.values())  # + 0.0: no "-0.0"


def _accuracies(summary: Summary) -> dict:
    rows = []
    for study in summary.studies:
        scores = [study.arms.get(arm) for arm in summary.seeds]
        rows.append([study.study.title, f"{study.images:,}", *map(_accuracy_cell, scores)])
    return {"head": ["study", "test images", *(ARMS[arm] for arm in summary.seeds)], "rows": rows}


def _accuracy_cell(score):
    if score is None:
        return "-"
    mean, interval = accuracy_percent(score.interval).split(" ", 1)
    return {"text": mean, "note": interval}


def _costs(summary: Summary) -> dict:
    """A row a run; the networks that train next to each other share one."""
    base = summary.costs["solo"].train_gflop if "solo" in summary.costs else 0
    some_before = any(cost.before_gflop for cost in summary.costs.values())
    rows = []
    for arm, cost in summary.costs.items():
        if cost.train_gflop == 0 or (arm == "dogo_big" and "dogo" in summary.costs):
            continue
        both = arm == "dogo" and "dogo_big" in summary.costs
        parameters = f"{cost.parameters:,.0f}"
        times = [cost.train_gflop, *([cost.total_gflop] if some_before else [])]
        rows.append(
            [
                "both, next to each other" if both else ARMS[arm],
                f"{parameters} and {summary.costs['dogo_big'].parameters:,.0f}" if both else parameters,
                f"{cost.epochs:g}",
                f"{cost.train_gflop / 1000:,.1f}",
                *(f"{gflop / base:.2f}" if base else "-" for gflop in times),
                f"{cost.seconds / 60:,.1f}",
                f"{cost.images_per_second:,.0f}",
            ]
        )
    compute = ["compute, alone = 1", *(["with what was trained before"] if some_before else [])]
    head = ["training", "parameters", "epochs", "TFLOP", *compute, "minutes", "images/s"]
    return {"head": head, "rows": rows}


def _setting_rows(settings: dict, prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for name, value in settings.items():
        if isinstance(value, dict):
            rows += _setting_rows(value, f"{prefix}{name}: ")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
            rows.append((f"{prefix}{name}", shown))
    return rows
