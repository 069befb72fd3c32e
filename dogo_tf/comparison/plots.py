"""Accuracy curves over labels, noise and severity; costs; training curves. Each returns a PNG, or None without data."""

from matplotlib.ticker import NullLocator, StrMethodFormatter

from dogo_tf.comparison.forest import forest
from dogo_tf.comparison.plot_style import ARM_STYLES, legend_below
from dogo_tf.comparison.results import ARMS
from dogo_tf.comparison.study_names import HEADLINE
from dogo_tf.comparison.summary import COMPARISONS, EQUAL_COMPUTE, EQUAL_EPOCHS, Summary
from dogo_tf.comparison.training_curves import training_curves
from dogo_tf.reporting.figure import new_figure, png

# Arms stand side by side by this share of the axis, so that their intervals do not hide each other.
DODGE = 0.008


def draw(summary: Summary, curves=()) -> dict[str, bytes]:
    """All plots for which there is data, as PNG by name, in the order of the report.

    Args:
        curves: training logs, see training_curves.
    """
    main = (EQUAL_EPOCHS, EQUAL_COMPUTE)
    plots = {
        "differences": forest(summary, main),
        "labels": over_labels(summary),
        "noise": over_noise(summary),
        "severity": over_severity(summary),
        "differences_other": forest(summary, tuple(c for c in COMPARISONS if c not in main)),
        "cost": cost(summary),
        "training": training_curves(curves, first_peer=summary.small),
    }
    return {name: image for name, image in plots.items() if image is not None}


def over_labels(summary: Summary) -> bytes | None:
    """Linear accuracy against the share of the labels, logarithmic."""
    points = [(study.study.x, study) for study in summary.studies if study.study.title.startswith("linear, ")]
    points = [(100.0 if study.study.name == HEADLINE else x, study) for x, study in points]
    if len(points) < 2:
        return None
    figure, (ax,) = new_figure(7.5, 4.8)
    _curves(ax, summary, points, logarithmic=True)
    ax.set_xscale("log")
    ax.set_xticks([x for x, _ in points], [f"{x:g} %" for x, _ in points])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("share of the training labels given to the linear probe")
    ax.set_ylabel("test accuracy")
    legend_below(figure, ax)
    return png(figure)


def over_noise(summary: Summary) -> bytes | None:
    """Linear accuracy against the share of wrong labels, a panel per kind of noise; 0 is the probe with all labels."""
    prefix = "noisy labels, "
    kinds = dict.fromkeys(s.study.group for s in summary.studies if s.study.group.startswith(prefix))
    if not kinds:
        return None
    figure, axes = new_figure(1.5 + 4 * len(kinds), 4.8, columns=len(kinds), sharey=True)
    for ax, kind in zip(axes, kinds, strict=True):
        points = _from_clean(summary, kind)
        _curves(ax, summary, points)
        ax.set_xticks([x for x, _ in points], [f"{x:g} %" for x, _ in points])
        ax.set_xlabel(f"share of wrong labels, {kind.removeprefix(prefix)} noise")
    axes[0].set_ylabel("test accuracy")
    legend_below(figure, axes[0])
    return png(figure)


def over_severity(summary: Summary) -> bytes | None:
    """Linear accuracy against the severity of corruptions, mean over their kinds; 0 is the clean test set."""
    group = "severity of corruption"
    if not any(study.study.group == group for study in summary.studies):
        return None
    figure, (ax,) = new_figure(7.5, 4.8)
    points = _from_clean(summary, group)
    _curves(ax, summary, points)
    ax.set_xticks([x for x, _ in points], ["clean" if x == 0 else f"{x:g}" for x, _ in points])
    ax.set_xlabel("severity of the corruption of the test images")
    ax.set_ylabel("test accuracy")
    legend_below(figure, ax)
    return png(figure)


def cost(summary: Summary) -> bytes | None:
    """Wall time and speed of one run of each arm that was trained; both networks of DoGo share a run."""
    arms = [arm for arm in summary.seeds if summary.costs[arm].seconds > 0]
    if "dogo" in arms:
        arms = [arm for arm in arms if arm != "dogo_big"]
    if not arms:
        return None
    costs = [summary.costs[arm] for arm in arms]
    unit, seconds = ("hours", 3600) if max(c.seconds for c in costs) >= 2 * 3600 else ("minutes", 60)
    columns = (
        (f"wall time of a run, {unit}", [c.seconds / seconds for c in costs], "{:.1f}"),
        ("training speed, images/s", [c.images_per_second for c in costs], "{:.0f}"),
    )
    figure, axes = new_figure(8.5, 1.3 + 0.45 * len(arms), columns=2, sharey=True)
    for ax, (label, values, form) in zip(axes, columns, strict=True):
        bars = ax.barh(range(len(arms)), values, color=[ARM_STYLES[arm]["color"] for arm in arms], height=0.65)
        ax.bar_label(bars, [form.format(value) for value in values], padding=3, fontsize=9)
        ax.margins(x=0.18)
        ax.set_xlabel(label)
        ax.grid(visible=False, axis="y")
    names = ["DoGo: both, next to each other" if arm == "dogo" else ARMS[arm] for arm in arms]
    axes[0].set_yticks(range(len(arms)), names)
    axes[0].invert_yaxis()
    return png(figure)


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
