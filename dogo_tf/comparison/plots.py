"""Accuracy curves over labels, noise and severity; training curves. Each returns an SVG, or None without data."""

from typing import NamedTuple

from matplotlib.ticker import NullLocator, StrMethodFormatter

from dogo_tf.comparison.forest import forest
from dogo_tf.comparison.plot_style import ARM_STYLES, legend_below
from dogo_tf.comparison.results import ARMS
from dogo_tf.comparison.study_names import HEADLINE
from dogo_tf.comparison.summary import COMPARISONS, MAIN, Summary
from dogo_tf.reporting.figure import new_figure, svg

# Arms stand side by side by this share of the axis, so that their intervals do not hide each other.
DODGE = 0.008
# Metric in metrics.jsonl, axis label; see monitor.py.
LOGGED = (
    ("ssl", "own loss, nats"),
    ("distill", "distillation loss, nats per anchor"),
    ("agreement", "agreement with the peer, share of images"),
    ("effective_rank", "effective rank of z"),
)
_DASHES = ("-", "--", ":", "-.")


class Chart(NamedTuple):
    """SVG images: for a wide screen, and for a narrow one if it needs another."""

    wide: bytes
    narrow: bytes | None = None


def draw(summary: Summary, curves=()) -> dict[str, Chart]:
    """All plots for which there is data, by name, in the order of the report.

    Args:
        curves: training logs, see training_curves.
    """
    others = tuple(comparison for comparison in COMPARISONS if comparison not in MAIN)
    plots = {
        "differences": _forests(summary, MAIN, sharex=True),
        "labels": over_labels(summary),
        "noise": over_noise(summary),
        "severity": over_severity(summary),
        "differences_other": _forests(summary, others, sharex=False),
        "training": _training(summary, curves),
    }
    found = {name: plot for name, plot in plots.items() if plot is not None}
    return {name: plot if isinstance(plot, Chart) else Chart(plot) for name, plot in found.items()}


def _forests(summary: Summary, comparisons, sharex: bool) -> Chart | None:
    wide = forest(summary, comparisons, 2, sharex)
    return wide and Chart(wide, forest(summary, comparisons, 1, sharex))


def _training(summary: Summary, curves) -> Chart | None:
    wide = training_curves(curves, summary.small)
    return wide and Chart(wide, training_curves(curves, summary.small, columns=1))


def over_labels(summary: Summary) -> bytes | None:
    """Linear accuracy against the share of the labels, logarithmic."""
    points = [(study.study.x, study) for study in summary.studies if study.study.title.startswith("linear, ")]
    points = [(100.0 if study.study.name == HEADLINE else x, study) for x, study in points]
    if len(points) < 2:
        return None
    figure, (ax,) = new_figure(5.6, 4.2)
    _curves(ax, summary, points, logarithmic=True)
    ax.set_xscale("log")
    ax.set_xticks([x for x, _ in points], [f"{x:g} %" for x, _ in points])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("share of the training labels given to the linear probe")
    ax.set_ylabel("test accuracy")
    legend_below(figure, ax)
    return svg(figure)


def over_noise(summary: Summary) -> bytes | None:
    """Linear accuracy against the share of wrong labels, a panel per kind of noise; 0 is the probe with all labels."""
    prefix = "noisy labels, "
    kinds = dict.fromkeys(s.study.group for s in summary.studies if s.study.group.startswith(prefix))
    if not kinds:
        return None
    figure, axes = new_figure(5.6, 4.2, columns=len(kinds), sharey=True)
    for ax, kind in zip(axes, kinds, strict=True):
        points = _from_clean(summary, kind)
        _curves(ax, summary, points)
        ax.set_xticks([x for x, _ in points], [f"{x:g} %" for x, _ in points])
        ax.set_xlabel(f"wrong labels, {kind.removeprefix(prefix)}")
    axes[0].set_ylabel("test accuracy")
    legend_below(figure, axes[0])
    return svg(figure)


def over_severity(summary: Summary) -> bytes | None:
    """Linear accuracy against the severity of corruptions, mean over their kinds; 0 is the clean test set."""
    group = "severity of corruption"
    if not any(study.study.group == group for study in summary.studies):
        return None
    figure, (ax,) = new_figure(5.6, 4.2)
    points = _from_clean(summary, group)
    _curves(ax, summary, points)
    ax.set_xticks([x for x, _ in points], ["clean" if x == 0 else f"{x:g}" for x, _ in points])
    ax.set_xlabel("severity of the corruption of the test images")
    ax.set_ylabel("test accuracy")
    legend_below(figure, ax)
    return svg(figure)


def _from_clean(summary: Summary, group: str):
    """The studies of a group as (x, study), with the linear probe with all labels in front as x = 0."""
    clean = [(0.0, study) for study in summary.studies if study.study.name == HEADLINE]
    return clean + [(study.study.x, study) for study in summary.studies if study.study.group == group]


def _curves(ax, summary: Summary, points, logarithmic=False) -> None:
    """A line per arm through (x, accuracy) with 95 % intervals; accuracies in percent."""
    span = max(x for x, _ in points) / (min(x for x, _ in points) if logarithmic else 1)
    for number, arm in enumerate(summary.seeds):
        found = sorted((x, study.arms[arm].interval) for x, study in points if arm in study.arms)
        if not found:
            continue
        shift = DODGE * (number - (len(summary.seeds) - 1) / 2)
        means = [100 * interval.mean for _, interval in found]
        margins = [
            [100 * (interval.mean - interval.low) for _, interval in found],
            [100 * (interval.high - interval.mean) for _, interval in found],
        ]
        ax.errorbar(
            [x * span**shift if logarithmic else x + shift * span for x, _ in found],
            means,
            margins,
            label=ARMS[arm],
            elinewidth=1.1,
            capsize=2,
            markersize=5,
            linewidth=1.4,
            **ARM_STYLES[arm],
        )
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g} %"))


def training_curves(curves, first_peer: str, columns: int = 2) -> bytes | None:
    """A panel per metric that was logged; a line per arm, seed and peer. Returns an SVG, or None without any line.

    Args:
        curves: (arm, seed, lines of metrics.jsonl) triples; a run of two peers comes once, as arm "dogo".
        first_peer: the peer that is drawn solid; others are dashed.
        columns: panels side by side.
    """
    lines = [
        ("dogo_big" if arm == "dogo" and peer != first_peer else arm, peer, metric, xs, ys)
        for arm, _, log in curves
        for metric, _ in LOGGED
        for peer, xs, ys in _by_peer(log, metric)
    ]
    shown = [(metric, label) for metric, label in LOGGED if any(line[2] == metric for line in lines)]
    if not shown:
        return None
    peers = sorted({peer for _, peer, *_ in lines}, key=lambda peer: (peer != first_peer, peer))
    dashes = {peer: _DASHES[number % len(_DASHES)] for number, peer in enumerate(peers)}
    rows = -(-len(shown) // columns)
    figure, axes = new_figure(11 if columns == 2 else 4.1, 0.8 + 2.8 * rows, rows=rows, columns=columns)
    for ax, (metric, label) in zip(axes, shown, strict=False):
        for arm, peer, name, xs, ys in lines:
            if name == metric:
                style = {"color": ARM_STYLES[arm]["color"], "linestyle": dashes[peer], "label": f"{ARMS[arm]}: {peer}"}
                ax.plot(xs, ys, linewidth=1, alpha=0.8, **style)
        ax.set_xlabel("step", fontsize=9)
        ax.set_ylabel(label, fontsize=9)
        ax.tick_params(labelsize=9)
    for ax in axes[len(shown) :]:
        ax.remove()
    legend_below(figure, axes[0], most_columns=2 * columns - 1)
    return svg(figure)


def _by_peer(log: list[dict], metric: str):
    """(peer, steps, values) for every peer that logged the metric."""
    peers = dict.fromkeys(key.rsplit("/", 1)[0] for line in log for key in line if key.endswith(f"/{metric}"))
    for peer in peers:
        points = [(line["step"], line[f"{peer}/{metric}"]) for line in log if f"{peer}/{metric}" in line]
        yield peer, *zip(*points, strict=True)
