"""The report of a classifier: report.html, which needs no other file, report.json, and its pictures beside them."""

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import special

from dogo_tf.assessment import mistakes, plots
from dogo_tf.assessment._checks import checked_labels, checked_logits
from dogo_tf.assessment.calibration import Reliability, fit_temperature, reliability, reliability_of
from dogo_tf.assessment.confusion import ClassScore, class_scores, confusion_matrix
from dogo_tf.assessment.learning_curve import LearningCurve, learning_curve
from dogo_tf.assessment.page_content import page_content
from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.intervals import Interval, accuracy_interval
from dogo_tf.platform.files import write_atomically
from dogo_tf.reporting.page import render
from dogo_tf.reporting.provenance import provenance


@dataclass(frozen=True, eq=False)
class Assessment:
    """What a report says of a classifier on N test images of C classes.

    Attributes:
        accuracy: with its 95 % interval over test images; 0..1.
        class_names: C names. classes: a score for each. matrix: int64 [C, C], rows: labels, columns: answers.
        temperature: > 0; divide the logits by it. calibrated_on: which images it was fitted on.
        before, after: reliability on the test images without and with a temperature that other images were fitted for.
        worst: int64 [n], rows of the worst mistakes.
        curve: None if nothing trains the classifier again.
    """

    accuracy: Interval
    class_names: tuple[str, ...]
    classes: list[ClassScore]
    matrix: np.ndarray
    temperature: float
    calibrated_on: str
    before: Reliability
    after: Reliability
    worst: np.ndarray
    curve: LearningCurve | None

    def as_dict(self) -> dict:
        """Ready for JSON."""
        return {
            "accuracy": self.accuracy._asdict(),
            "test_images": int(self.matrix.sum()),
            "classes": dict(zip(self.class_names, (score._asdict() for score in self.classes), strict=True)),
            "confusion": self.matrix.tolist(),
            "temperature": self.temperature,
            "calibrated_on": self.calibrated_on,
            "calibration_error": {"before": self.before.error, "after": self.after.error},
            "worst_mistakes": self.worst.tolist(),
            "learning_curve": self.curve and {"points": self.curve.points, "outlook": self.curve.outlook._asdict()},
        }


def write_report(folder, classifier, train, test, retrain=None, held_out=None, seed: int = 0) -> Assessment:
    """Tests a classifier and writes what was found into `folder`, replacing an earlier report.

    Args:
        folder: made if it is missing.
        classifier: a callable or keras.Model, uint8 [n, S, S, 3] -> logits [n, C].
        train: an ImageSet with labels, those that the classifier was trained with.
        test: another one of the same classes, at least 2 images.
        retrain: int64 rows of `train` [n] -> a classifier trained with these alone, for the learning curve: nine trainings.
        held_out: an ImageSet with labels that are in neither, to fit the temperature. Without it, the temperature is that of
            the test images; the calibration reported is then by halves: each with the temperature of the other half.
        seed: of the halves and of the parts of the learning curve.
    Raises:
        InputError: images without labels, other classes, logits that do not fit, a folder that cannot be written to.
    """
    names = tuple(train.class_names)
    for part, data in (("train", train), ("test", test), ("held_out", held_out)):
        if data is not None:
            _check(part, data, names)
    if len(test) < 2:
        raise InputError(f"test: expected at least 2 images, got {len(test)}")
    logits = _logits(classifier, test, len(names))
    predictions = logits.argmax(axis=1)
    matrix = confusion_matrix(test.labels, predictions, len(names))
    if held_out is None:
        temperature, after = fit_temperature(logits, test.labels), _by_halves(logits, test.labels, seed)
        calibrated_on = f"{len(test):,} test images"
    else:
        temperature = fit_temperature(_logits(classifier, held_out, len(names)), held_out.labels)
        after = reliability(logits, test.labels, temperature)
        calibrated_on = f"{len(held_out):,} held-out images"
    right = predictions == test.labels
    curve = None
    if retrain is not None:

        def accuracy_of(rows):
            again = _logits(retrain(rows), test, len(names))
            return float(np.mean(again.argmax(axis=1) == test.labels))

        curve = learning_curve(train.labels, float(right.mean()), accuracy_of, len(test), seed)
    found = Assessment(
        accuracy=accuracy_interval(right),
        class_names=names,
        classes=class_scores(matrix),
        matrix=matrix,
        temperature=temperature,
        calibrated_on=calibrated_on,
        before=reliability(logits, test.labels),
        after=after,
        worst=mistakes.worst_mistakes(logits, test.labels),
        curve=curve,
    )
    _write(Path(folder), found, logits, train, test)
    return found


def _check(part: str, data, names: tuple[str, ...]) -> None:
    if data.labels is None:
        raise InputError(f"{part}: expected images with labels, {data.name} has none")
    if tuple(data.class_names) != names:
        raise InputError(
            f"{part}: expected the classes of train, {_listed(names)}; {data.name} has {_listed(data.class_names)}"
        )
    checked_labels(f"{part}.labels", data.labels, len(data), len(names))


def _listed(names) -> str:
    return f"{len(names)} ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"


def _logits(classifier, data, classes: int) -> np.ndarray:
    logits = embed(classifier, data.images)
    if logits.shape[1] != classes:
        raise InputError(f"classifier: expected logits [n, {classes}], one for each class, got [n, {logits.shape[1]}]")
    return checked_logits(logits, data.labels)[0]


def _by_halves(logits, labels, seed: int) -> Reliability:
    """With the temperature that the other half of the images was fitted for."""
    order = np.random.default_rng(seed).permutation(len(labels))
    probabilities = np.empty_like(logits)
    for own, other in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        probabilities[own] = special.softmax(logits[own] / fit_temperature(logits[other], labels[other]), axis=1)
    return reliability_of(probabilities, labels)


def _write(folder: Path, found: Assessment, logits, train, test) -> None:
    charts = {
        "confusion": plots.confusion(found.matrix, found.class_names),
        "reliability": plots.reliability(found.before, found.after),
    }
    if found.curve:
        charts["learning_curve"] = plots.learning(found.curve)
    picture, origin = _mistakes(found, logits, test), provenance()
    files = {
        "report.json": json.dumps({**origin, **found.as_dict()}, indent=1).encode() + b"\n",
        "report.html": render("assessment.html", **page_content(found, charts, picture, train, test, origin)).encode(),
        **{f"{name}.svg": chart for name, chart in charts.items()},
        **({"mistakes.png": picture} if picture else {}),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("learning_curve.svg", "mistakes.png"):  # of an earlier report, no longer true
            if name not in files:
                (folder / name).unlink(missing_ok=True)
        for name, data in files.items():
            write_atomically(folder / name, data)
    except OSError as error:
        raise InputError(f"folder: cannot write the report to {folder}: {error.strerror}") from error


def _mistakes(found: Assessment, logits, test) -> bytes | None:
    if not len(found.worst):
        return None
    probabilities = special.softmax(logits[found.worst] / found.temperature, axis=1)
    grid = mistakes.picture(
        test.images[found.worst],
        test.labels[found.worst],
        probabilities.argmax(axis=1),
        probabilities.max(axis=1),
        found.class_names,
    )
    out = io.BytesIO()
    grid.save(out, "PNG")
    return out.getvalue()
