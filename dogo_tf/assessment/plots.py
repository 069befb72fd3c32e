"""The plots of the report, as SVG images."""

import numpy as np
from matplotlib.ticker import StrMethodFormatter

from dogo_tf.assessment.calibration import Reliability
from dogo_tf.assessment.learning_curve import LearningCurve
from dogo_tf.reporting.figure import BLUE, GREY, ORANGE, VERMILLION, new_figure, svg

# Of more classes the matrix is a picture without names or numbers.
MOST_NAMED, MOST_NUMBERED = 40, 12
LONGEST_NAME = 16


def confusion(matrix: np.ndarray, class_names) -> bytes:
    """Rows: the labels; columns: the answers; the darker, the larger the share of the row's images."""
    classes = len(matrix)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = min(8.0, max(4.2, 1.6 + 0.42 * classes))
    figure, (ax,) = new_figure(side, side)
    ax.grid(visible=False)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if classes <= MOST_NAMED:
        names = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in class_names]
        ax.set_xticks(range(classes), names, rotation=90, fontsize=9, parse_math=False)
        ax.set_yticks(range(classes), names, fontsize=9, parse_math=False)
    if classes <= MOST_NUMBERED:
        for row, column in zip(*np.nonzero(matrix), strict=True):
            colour = "white" if shares[row, column] > 0.5 else "black"
            ax.text(column, row, matrix[row, column], ha="center", va="center", fontsize=8, color=colour)
    ax.set_xlabel("answer")
    ax.set_ylabel("label")
    return svg(figure)


def reliability(before: Reliability, after: Reliability) -> bytes:
    """Accuracy against confidence, and below how many answers there are of each confidence."""
    figure, (ax, counts) = new_figure(4.6, 5.2, rows=2, gridspec_kw={"height_ratios": (3, 1)}, sharex=True)
    ax.plot([0, 100], [0, 100], color=GREY, linestyle=":", linewidth=1.2)
    styles = (
        ("as trained", before, {"color": VERMILLION, "marker": "o", "linestyle": "--"}),
        ("with the temperature", after, {"color": BLUE, "marker": "s", "linestyle": "-"}),
    )
    width = 100 / len(before.count)
    for place, (label, found, style) in enumerate(styles):
        filled = found.count > 0
        ax.plot(100 * found.confidence[filled], 100 * found.accuracy[filled], label=label, markersize=4, **style)
        left = width * (np.arange(len(found.count)) + 0.1 + 0.4 * place)
        counts.bar(left, found.count, 0.4 * width, align="edge", color=style["color"])
    ax.legend(frameon=False, fontsize=9, loc="upper left")
    ax.set_ylabel("accuracy")
    ax.set_ylim(-2, 102)
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g} %"))
    counts.xaxis.set_major_formatter(StrMethodFormatter("{x:g} %"))
    counts.set_xlabel("confidence")
    counts.set_ylabel("images")
    return svg(figure)


def learning(curve: LearningCurve) -> bytes:
    """Accuracy against the number of labels, and what is expected of more."""
    figure, (ax,) = new_figure(4.6, 4.0)
    labels, accuracies = np.array(curve.points).T
    ax.plot(labels, 100 * accuracies, "o", color=BLUE, markersize=4, markerfacecolor="white", label="a training each")
    sizes = np.unique(labels)
    means = [100 * accuracies[labels == size].mean() for size in sizes]
    ax.plot(sizes, means, color=BLUE, linewidth=1.4)
    expected = curve.outlook
    if expected.gain is not None:
        middle = means[-1] + 100 * expected.gain
        margins = [[100 * (expected.gain - expected.low)], [100 * (expected.high - expected.gain)]]
        ax.errorbar(
            sizes[-1] + expected.more,
            middle,
            margins,
            color=ORANGE,
            marker="D",
            capsize=3,
            label="expected, 95 % interval",
        )
    ax.set_xscale("log", base=2)
    shown = [*sizes, *([sizes[-1] + expected.more] if expected.gain is not None else [])]
    ax.set_xticks(shown, [f"{size:.0f}" for size in shown])
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g} %"))
    ax.set_xlabel("labels")
    ax.set_ylabel("test accuracy")
    ax.legend(frameon=False, fontsize=9, loc="lower right")
    return svg(figure)
