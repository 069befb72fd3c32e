"""What became of an encoder: per format its size, parity, accuracy, latency and memory; and which one to take."""

from dataclasses import asdict, dataclass
from pathlib import Path

from dogo_tf.export.accuracy import Score
from dogo_tf.export.graph import Graph
from dogo_tf.export.latency import Latency
from dogo_tf.export.parity import Parity
from dogo_tf.reporting.table import percent, text_table

BASE = "float32"


@dataclass(frozen=True)
class Exported:
    """One artefact.

    path: of the file, or of the SavedModel's folder; None if it failed its gates and was not written.
    problems: what is outside the limits, each with its numbers; empty if it passed.
    scores: see accuracy.Judge; empty without labels. graph, latency: None for the SavedModel.
    """

    format: str
    path: Path | None
    size_bytes: int
    parity: Parity
    problems: tuple[str, ...] = ()
    scores: dict[str, Score] | None = None
    graph: Graph | None = None
    latency: Latency | None = None


@dataclass(frozen=True)
class Report:
    """items: all artefacts, the SavedModel first. reference: the original's scores. base_bytes: the size of the float32
    .tflite, whether it was asked for or not. details: data, calibration, load, ..."""

    encoder: str
    items: tuple[Exported, ...]
    reference: dict[str, Score]
    base_bytes: int
    details: dict

    def item(self, export_format: str) -> Exported:
        return next(item for item in self.items if item.format == export_format)

    @property
    def problems(self) -> list[str]:
        refused = self.details["refused"]
        return [problem for item in self.items for problem in item.problems] + list(refused.values())

    def as_dict(self) -> dict:
        """For report.json; accuracies in 0..1, sizes in bytes, times in milliseconds."""
        formats = {}
        for item in self.items:
            entry = asdict(item)
            name = entry.pop("format")
            entry["path"] = item.path and item.path.name
            entry["size_ratio"] = item.size_bytes / self.base_bytes
            formats[name] = entry
        reference = {name: asdict(score) for name, score in self.reference.items()}
        return {
            "encoder": self.encoder,
            "recommendation": recommendation(self),
            "formats": formats,
            "original": {"scores": reference},
            **self.details,
        }


def recommendation(report: Report) -> str:
    """The passing .tflite with the smallest product of size and time, and why, as a sentence."""
    passing = [item for item in report.items if item.latency and not item.problems]
    if not passing:
        return "none: no .tflite format passed its gates"
    best = min(passing, key=lambda item: item.size_bytes * item.latency.ratio)
    reasons = [f"{best.size_bytes / 1000:.0f} kB", f"{best.latency.median_ms:.2f} ms an image here"]
    if best.format != BASE:
        reasons[0] += f" ({best.size_bytes / report.base_bytes:.2f} of {BASE})"
        reasons[1] += f" ({best.latency.ratio:.2f} of {BASE})"
    if best.scores:
        reasons.append(f"kNN {-100 * best.scores['knn'].lost:+.1f} points")
    return (
        f"{best.format}: {', '.join(reasons)}. Of the formats that passed it has the smallest product of size and time. "
        "Time it on your device: which format is fast depends on the processor."
    )


def quantisation(report: Report) -> list[str]:
    """How the int8 files came about, a line each: "int8: ..."."""
    lines = []
    calibration = report.details["calibration"]
    for name, found in report.details["quantisation"].items():
        tried = ", ".join(f"{rule} {error:.2g}" for rule, error in found["tried"].items())
        images = f"{calibration['judging']} {'other' if calibration['held_out'] else 'of the same'} images"
        line = f"{name}: ranges by {found['rule']}, the best on {images} (E: {tried})"
        if reason := found["others_not_tried"]:
            line += f"; others were not tried ({reason})"
        if training := found.get("training"):
            line += (
                f"; trained for {training['steps']} steps of {training['batch_size']} images in {training['seconds']:.0f} s, "
                f"loss {training['loss_at_first']:.2g} -> {training['loss_at_last']:.2g}, E {found['trained']:.2g}"
            )
        lines.append(line)
    return lines


HEAD = ["format", "kB", "ms", "x float32", "kNN %", "linear %", "head %", "same 5-NN %", "gate"]
DETAILS_HEAD = ["format", "p95 ms", "activations kB", "cosine mean", "cosine min", "E", "largest difference"]


def rows(report: Report) -> list[list[str]]:
    """The cells below HEAD as text, the original first; "-" where nothing was measured."""
    found = [["original", "-", "-", "-", *_scores(report.reference), "-", "-"]]
    for item in report.items:
        times = [f"{time:.2f}" for time in (item.latency.median_ms, item.latency.ratio)] if item.latency else ["-", "-"]
        gate = ("forced" if item.path else "FAILED") if item.problems else "passed"
        cells = [item.format, f"{item.size_bytes / 1000:.0f}", *times, *_scores(item.scores)]
        found.append([*cells, percent(item.parity.neighbour_overlap), gate])
    return found


def detail_rows(report: Report) -> list[list[str]]:
    """The cells below DETAILS_HEAD as text."""
    found = []
    for item in report.items:
        parity = item.parity
        cells = [item.format, f"{item.latency.p95_ms:.2f}" if item.latency else "-"]
        cells.append(f"{item.graph.activation_bytes / 1000:.0f}" if item.graph else "-")
        cells += [f"{parity.cosine_mean:.5f}", f"{parity.cosine_min:.4f}", f"{parity.error_ratio:.1e}"]
        found.append([*cells, f"{parity.relative_difference:.0e}"])
    return found


def table(report: Report) -> str:
    """The report for a terminal; columns in which nothing was measured are left out."""
    return text_table(*without_empty_columns(HEAD, rows(report)))


def without_empty_columns(head: list[str], body: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    kept = [k for k in range(len(head)) if any(row[k] != "-" for row in body)]
    return [head[k] for k in kept], [[row[k] for k in kept] for row in body]


def _scores(scores) -> list[str]:
    return [percent(scores[name].accuracy) if name in (scores or {}) else "-" for name in ("knn", "linear", "head")]
