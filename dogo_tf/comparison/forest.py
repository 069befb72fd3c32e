"""Forest plots: the paired differences of every study with their 95 % intervals."""

from matplotlib.lines import Line2D

from dogo_tf.comparison.plot_style import VERDICT_STYLES
from dogo_tf.comparison.results import ARMS
from dogo_tf.comparison.summary import WORTHWHILE, Comparison, Summary
from dogo_tf.reporting.figure import new_figure, png

ROW_INCHES = 0.24
PANELS_IN_A_ROW = 3


def forest(summary: Summary, comparisons: tuple[Comparison, ...]) -> bytes | None:
    """A panel per comparison, a row per study; None if no study has any of the comparisons. Returns a PNG."""
    shown = [comparison for comparison in comparisons if summary.differences(comparison)]
    if not shown:
        return None
    studies = [s for s in summary.studies if any(comparison.name in s.differences for comparison in shown)]
    columns = min(len(shown), PANELS_IN_A_ROW)
    rows = -(-len(shown) // columns)
    height = 0.7 + rows * (1.4 + ROW_INCHES * len(studies))
    figure, axes = new_figure(3.0 + 3.2 * columns, height, rows=rows, columns=columns, sharey=True)
    for ax, comparison in zip(axes, shown, strict=False):
        _panel(ax, comparison, studies)
    for ax in axes[::columns]:
        ax.set_yticks(range(len(studies)), [study.study.title for study in studies], fontsize=9)
    axes[0].set_ylim(len(studies) - 0.4, -0.6)  # the first study on top
    for ax in axes[len(shown) :]:
        ax.remove()
    verdicts = [
        Line2D([], [], label=verdict, linestyle="-", linewidth=1.6, **style)
        for verdict, style in VERDICT_STYLES.items()
    ]
    figure.legend(handles=verdicts, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return png(figure)


def _panel(ax, comparison: Comparison, studies) -> None:
    ax.axvspan(0, 100 * WORTHWHILE, color="#ececec", linewidth=0, zorder=0)
    ax.axvline(0, color="black", linewidth=0.9)
    for row, study in enumerate(studies):
        if row and studies[row - 1].study.group != study.study.group:
            ax.axhline(row - 0.5, color="#b5b5b5", linewidth=0.8)
        if found := study.differences.get(comparison.name):
            mean, low, high = (100 * value for value in found.interval[:3])
            style = VERDICT_STYLES[found.verdict]
            ax.plot([low, high], [row, row], color=style["color"], linewidth=1.6, solid_capstyle="butt")
            ax.plot([mean], [row], linestyle="none", markersize=6, **style)
    ax.grid(visible=False, axis="y")
    ax.set_title(f"{comparison.question}\n{ARMS[comparison.arm]}\n− {ARMS[comparison.other]}", fontsize=10)
    ax.set_xlabel("difference, percentage points", fontsize=9)
    ax.tick_params(labelsize=9)
