"""What report.html says, in words and cells; templates/assessment.html arranges it."""

import numpy as np

from dogo_tf.assessment.confusion import top_confusions
from dogo_tf.reporting.page import data_uri
from dogo_tf.reporting.table import percent

MOST_CLASSES = 40  # report.json has all
CAPTIONS = {
    "confusion": (
        "Which class is taken for which",
        "A row holds the test images of one label, a column those of one answer. The darker, the larger the share of the row.",
    ),
    "reliability": (
        "Confidence and accuracy",
        "On the dotted line the classifier is right as often as it says; below it, it is too sure. The bars count the images "
        "of each confidence.",
    ),
    "learning_curve": (
        "More labels",
        "Test accuracy after training with parts of the labels (three draws each), and with all of them.",
    ),
}


def page_content(found, charts: dict[str, bytes], picture: bytes | None, train, test, origin: dict) -> dict:
    """The values of templates/assessment.html. found: an Assessment. charts: SVG images by name. picture: PNG."""
    head, rows, remark = _classes(found, train)
    shown = {
        name: {"title": title, "caption": caption, "wide": data_uri(charts[name], "image/svg+xml"), "narrow": None}
        if name in charts
        else None
        for name, (title, caption) in CAPTIONS.items()
    }
    pairs = [
        [found.class_names[label], found.class_names[answer], f"{count:,}"]
        for label, answer, count in top_confusions(found.matrix)
    ]
    return {
        "name": test.name,
        "headline": f"{percent(found.accuracy.mean)} % of the test images are classified correctly",
        "accuracy": f"95 % interval over test images: {percent(found.accuracy.low)} to {percent(found.accuracy.high)} %. "
        f"Tested on {len(test):,} images of {len(found.class_names)} classes; trained with {len(train):,} labels.",
        "outlook": outlook_text(found),
        "calibration": calibration_text(found),
        "charts": shown,
        "classes": (head, rows),
        "remark": remark,
        "pairs": (["label", "answer", "images"], pairs),
        "mistakes": picture and data_uri(picture, "image/png"),
        "conditions": [
            ("trained with", f"{train.name}: {len(train):,} labels"),
            ("tested on", f"{test.name}: {len(test):,} images"),
            ("command", origin["command"]),
            ("commit and date", f"{origin['commit']}, {origin['date']}"),
        ],
    }


def outlook_text(found) -> str:
    """What more labels would bring, in a sentence."""
    if found.curve is None:
        return "What more labels would bring was not measured."
    outlook = found.curve.outlook
    if outlook.gain is None:
        return f"What more labels would bring is unknown: {outlook.reason}."
    gain, low, high = (f"{100 * value + 0.0:+.1f}" for value in (outlook.gain, outlook.low, outlook.high))
    text = (
        f"Another {outlook.more} labels, chosen as these were, would bring {gain} points of accuracy (95 % interval {low} to "
        f"{high}) if the error goes on falling as it did."
    )
    if outlook.more == len_of(found):
        text += " What more than twice the labels would bring is beyond what can be told."
    return text


def len_of(found) -> int:
    """The labels that the classifier was trained with."""
    return found.curve.points[-1][0]


def calibration_text(found) -> str:
    before, after = found.before.error, found.after.error
    if found.temperature == 1:
        return (
            f"No temperature could be fitted, as all answers on {found.calibrated_on} are right. The expected calibration "
            f"error, the mean gap between confidence and accuracy, is {100 * before:.1f} points."
        )
    verdict = "too sure" if found.temperature > 1 else "not sure enough"
    return (
        f"The classifier is {verdict}: its logits divided by a temperature of {found.temperature:.2f} fit best (on "
        f"{found.calibrated_on}). The expected calibration error, the mean gap between confidence and accuracy, is "
        f"{100 * before:.1f} points as trained and {100 * after:.1f} with a temperature that was fitted on other images."
    )


def _classes(found, train) -> tuple[list[str], list[list], str]:
    """Head and rows of the table of classes, the worst first, and a remark on those that are left out."""
    labels = np.bincount(train.labels, minlength=len(found.class_names))
    order = sorted(
        range(len(found.class_names)),
        key=lambda number: 2 if found.classes[number].recall is None else found.classes[number].recall,
    )
    rows = []
    for number in order[:MOST_CLASSES]:
        score = found.classes[number]
        recall = "-"
        if score.recall is not None:
            recall = {"text": percent(score.recall), "note": f"{percent(score.low)} to {percent(score.high)}"}
        precision = "-" if score.precision is None else percent(score.precision)
        rows.append([found.class_names[number], f"{labels[number]:,}", f"{score.images:,}", recall, precision])
    left = len(order) - len(rows)
    remark = f"{left} classes that are found more often are in report.json." if left else ""
    return ["class", "labels", "test images", "found, %", "answers that are right, %"], rows, remark
