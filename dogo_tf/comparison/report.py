"""The report of a comparison: summary.json, summary.csv, plots/*.png and report.html, which needs no other file."""

from pathlib import Path

from dogo_tf.comparison import plots, tables
from dogo_tf.comparison.results import ARMS, ArmRun
from dogo_tf.comparison.summary import COMPARISONS, EQUAL_COMPUTE, EQUAL_EPOCHS, Difference, Summary, summarise
from dogo_tf.comparison.wording import accuracy_percent, signed_points, verdict_text
from dogo_tf.errors import InputError
from dogo_tf.platform.files import write_atomically
from dogo_tf.reporting.html import Markup, element, page, picture, table

# By the plots' names: title, caption.
PLOTS = {
    "differences": (
        "Does the peer help?",
        "Paired differences with 95 % intervals. Right of the line the peer helps; the grey band is a gain below half a "
        "percentage point.",
    ),
    "labels": (
        "Few labels",
        "Linear probe by the share of the training labels; bars are 95 % intervals of the arm alone.",
    ),
    "noise": (
        "Wrong labels",
        "Linear probe trained with wrong labels and tested on right ones; 0 % is all labels, all right.",
    ),
    "severity": ("Corrupted images", "Linear probe trained on clean images; accuracy over all kinds of corruption."),
    "differences_other": ("Other comparisons", "Paired differences with 95 % intervals, as above."),
    "cost": ("What a run costs", "Mean over the seeds. DoGo trains both networks in one run."),
    "training": ("Training", "A line per arm, seed and peer."),
}
INTERVALS = (
    "An interval holds for other seeds and other test images. It adds two standard errors: over the seeds, from the spread of "
    "the means of single seeds (Student's t with seeds - 1 degrees of freedom), and over the test images, from what the "
    "images have in common over the seeds (t with images - 1). Both margins are added as squares. With one seed only the "
    "test images are covered, by a percentile bootstrap with 2,000 resamples.",
    "Differences are paired: both arms had the same seeds, the same data order and the same views, and every test image is "
    "compared with itself. The intervals of two arms may overlap although their paired difference is clear.",
    "helps: the interval lies above 0. hurts: it lies below 0. does not help: it excludes a gain of half a percentage point. "
    "cannot tell: everything else; more seeds would narrow it.",
)


def write_report(folder, runs: list[ArmRun], settings: dict, provenance: dict, curves=()) -> str:
    """Writes the report of all runs there are so far into `folder`, replacing an earlier one, and returns the verdict.

    Args:
        folder: made if it is missing.
        runs: any arms and seeds; what is missing is said.
        settings, provenance: shown as they are; settings "small" and "big" name the encoders.
        curves: (arm, seed, lines of metrics.jsonl) for a plot of the training.
    Raises:
        InputError: runs that do not fit together, or a folder that cannot be written to.
    """
    summary = summarise(runs, settings)
    verdict = verdict_text(summary)
    images = plots.draw(summary, curves)
    files = {
        "summary.json": tables.as_json(summary, verdict, settings, provenance).encode(),
        "summary.csv": tables.as_csv(summary).encode(),
        **{f"plots/{name}.png": image for name, image in images.items()},
        "report.html": html(summary, verdict, images, settings, provenance).encode(),
    }
    folder = Path(folder)
    try:
        (folder / "plots").mkdir(parents=True, exist_ok=True)
        for name in PLOTS.keys() - images.keys():  # of an earlier report, no longer true
            (folder / "plots" / f"{name}.png").unlink(missing_ok=True)
        for name, data in files.items():
            write_atomically(folder / name, data)
    except OSError as error:
        raise InputError(f"folder: cannot write the report to {folder}: {error.strerror}") from error
    return verdict


def html(summary: Summary, verdict: str, images: dict[str, bytes], settings: dict, provenance: dict) -> str:
    """The whole report as one HTML document."""
    main = [comparison for comparison in (EQUAL_EPOCHS, EQUAL_COMPUTE) if summary.differences(comparison)]
    others = [comparison for comparison in COMPARISONS if comparison not in main and summary.differences(comparison)]
    sections = [_verdict(verdict)]
    if main:
        sections += [_heading("Differences, percentage points"), _differences(summary, main)]
    sections += [_plot(images, name) for name in ("differences", "labels", "noise", "severity")]
    sections += [_heading("Accuracies, %"), _accuracies(summary)]
    if others:
        sections += [_heading("Other comparisons, percentage points"), _differences(summary, others)]
    sections += [
        _plot(images, "differences_other"),
        _heading("Cost of a run"),
        _costs(summary),
        _plot(images, "cost"),
        _plot(images, "training"),
        _heading("How the intervals are made"),
        *(element("p", text) for text in INTERVALS),
        _heading("Settings"),
        _settings(settings),
        _heading("Provenance"),
        _settings(provenance),
    ]
    return page(f"Does {summary.big} help {summary.small}?", *sections)


def _verdict(verdict: str) -> Markup:
    main, *rest = verdict.splitlines()
    second, *rest = rest
    lines = [element("p", main, class_="main"), element("p", second, class_="main")]
    return element("div", *lines, *(element("p", line) for line in rest), class_="verdict")


def _heading(text: str) -> Markup:
    return element("h2", text)


def _plot(images: dict[str, bytes], name: str) -> Markup:
    return picture(images[name], *PLOTS[name]) if name in images else Markup("")


def _differences(summary: Summary, comparisons) -> Markup:
    head = ["study"]
    for comparison in comparisons:
        head += [f"{comparison.question}: {ARMS[comparison.arm]} - {ARMS[comparison.other]}", "", "by seed"]
    rows = []
    for study in summary.studies:
        cells = [study.study.title]
        for comparison in comparisons:
            cells += _difference_cells(study.differences.get(comparison.name))
        rows.append(cells)
    return table(head, rows)


def _difference_cells(found: Difference | None) -> list:
    if found is None:
        return ["-", "", ""]
    style = found.verdict if found.verdict in ("helps", "hurts") else "quiet"
    by_seed = element("span", _by_seed(found.per_seed, "{:+.1f}"), class_="quiet")
    return [signed_points(found.interval), element("span", found.verdict, class_=style), by_seed]


def _accuracies(summary: Summary) -> Markup:
    rows = []
    for study in summary.studies:
        scores = [study.arms.get(arm) for arm in summary.seeds]
        cells = ["-" if score is None else _accuracy_cell(score) for score in scores]
        rows.append([study.study.title, f"{study.images:,}", *cells])
    return table(["study", "test images", *(ARMS[arm] for arm in summary.seeds)], rows)


def _accuracy_cell(score) -> Markup:
    by_seed = element("span", _by_seed(score.per_seed, "{:.1f}"), class_="quiet")
    return Markup(f"{element('span', accuracy_percent(score.interval))}<br />{by_seed}")


def _by_seed(values: dict[int, float], form: str) -> str:
    return " ".join(form.format(round(100 * value, 1) + 0.0) for value in values.values())  # + 0.0: no "-0.0"


def _costs(summary: Summary) -> Markup:
    base = summary.costs["solo"].train_gflop if "solo" in summary.costs else 0
    rows = [
        [
            ARMS[arm],
            ", ".join(map(str, summary.seeds[arm])),
            f"{cost.parameters:,.0f}",
            f"{cost.epochs:g}",
            f"{cost.train_gflop / 1000:,.1f}",
            f"{cost.train_gflop / base:.2f}" if base else "-",
            f"{cost.seconds / 60:,.1f}",
            f"{cost.images_per_second:,.0f}" if cost.images_per_second else "-",
        ]
        for arm, cost in summary.costs.items()
    ]
    head = ["arm", "seeds", "parameters", "epochs", "training TFLOP", "compute / alone", "minutes", "images/s"]
    shared = (
        "The networks that train next to each other share one run: their two rows show the same cost, of both together."
    )
    note = [element("p", shared)] if {"dogo", "dogo_big"} <= summary.costs.keys() else []
    return element("div", table(head, rows), *note)


def _settings(settings: dict) -> Markup:
    return table([], _setting_rows(settings), class_="settings")


def _setting_rows(settings: dict, prefix: str = "") -> list[list]:
    rows = []
    for name, value in settings.items():
        if isinstance(value, dict):
            rows += _setting_rows(value, f"{prefix}{name}: ")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
            rows.append([f"{prefix}{name}", shown])
    return rows
