"""The report of a comparison: summary.json, summary.csv, plots/*.svg and report.html, which needs no other file."""

from pathlib import Path

from dogo_tf.comparison import plots, tables
from dogo_tf.comparison.answer import Answer, answer
from dogo_tf.comparison.page_content import PLOTS, page_content
from dogo_tf.comparison.pictures import Pictures
from dogo_tf.comparison.results import ArmRun
from dogo_tf.comparison.summary import summarise
from dogo_tf.errors import InputError
from dogo_tf.platform.files import write_atomically
from dogo_tf.reporting.page import render


def write_report(
    folder, runs: list[ArmRun], settings: dict, provenance: dict, curves=(), pictures: Pictures | None = None
) -> Answer:
    """Writes the report of all runs there are so far into `folder`, replacing an earlier one, and returns the answer.

    Args:
        folder: made if it is missing.
        runs: any arms and seeds; what is missing is said.
        settings, provenance: shown as they are; settings "small" and "big" name the encoders.
        curves: (arm, seed, lines of metrics.jsonl) for a plot of the training.
        pictures: what the peers saw and what the small encoder finds similar, if it is known.
    Raises:
        InputError: runs that do not fit together, or a folder that cannot be written to.
    """
    folder = Path(folder)
    summary = summarise(runs, settings)
    found = answer(summary, folder)
    charts = plots.draw(summary, curves)
    content = page_content(summary, found, charts, pictures, settings, provenance)
    files = {
        "summary.json": tables.as_json(summary, found, settings, provenance).encode(),
        "summary.csv": tables.as_csv(summary),
        **{f"plots/{name}.svg": chart.wide for name, chart in charts.items()},
        "report.html": render("comparison.html", **content).encode(),
    }
    try:
        (folder / "plots").mkdir(parents=True, exist_ok=True)
        for name in PLOTS.keys() - charts.keys():  # of an earlier report, no longer true
            (folder / "plots" / f"{name}.svg").unlink(missing_ok=True)
        for name, data in files.items():
            write_atomically(folder / name, data)
    except OSError as error:
        raise InputError(f"folder: cannot write the report to {folder}: {error.strerror}") from error
    return found
