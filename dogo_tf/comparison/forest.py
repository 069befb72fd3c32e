"""Forest plots: the paired differences of every study with their 95 % intervals."""

import textwrap

from matplotlib.lines import Line2D

from dogo_tf.comparison.plot_style import VERDICT_STYLES
from dogo_tf.comparison.results import ARMS
from dogo_tf.comparison.summary import WORTHWHILE, Comparison, Summary
from dogo_tf.reporting.figure import new_figure, svg

ROW_INCHES = 0.22
# Letters in a line under and over a panel, on a wide and on a narrow screen.
WIDE_LINE, NARROW_LINE = 46, 26


def forest(summary: Summary, comparisons: tuple[Comparison, ...], columns: int, sharex: bool) -> bytes | None:
    """A panel per comparison, a row per study; None if no study has any of the comparisons. Returns an SVG.

    Args:
        columns: panels side by side: 1 for a narrow screen. sharex: whether all panels have the same scale.
    """
    shown = [comparison for comparison in comparisons if summary.differences(comparison)]
    if not shown:
        return None
    studies = [s for s in summary.studies if any(comparison.name in s.differences for comparison in shown)]
    columns = min(len(shown), columns)
    rows = -(-len(shown) // columns)
    width = 4.1 if columns == 1 else 2.6 + 4.4 * columns
    height = 0.6 + rows * (1.3 + ROW_INCHES * len(studies))
    figure, axes = new_figure(width, height, rows=rows, columns=columns, sharey=True, sharex=sharex)
    for ax, comparison in zip(axes, shown, strict=False):
        _panel(ax, comparison, studies, NARROW_LINE if columns == 1 else WIDE_LINE)
        ax.xaxis.set_tick_params(labelbottom=True)
    for ax in axes[::columns]:
        ax.set_yticks(range(len(studies)), [study.study.title for study in studies], fontsize=8.5)
        ax.get_yticklabels()[studies.index(summary.headline)].set_fontweight("bold")
    axes[0].set_ylim(len(studies) - 0.4, -0.6)  # the first study on top
    for ax in axes[len(shown) :]:
        ax.remove()
    verdicts = [
        Line2D([], [], label=verdict, linestyle="-", linewidth=1.6, **style)
        for verdict, style in VERDICT_STYLES.items()
    ]
    columns_of_legend = 2 if columns == 1 else 4
    figure.legend(handles=verdicts, loc="outside lower center", ncols=columns_of_legend, frameon=False, fontsize=9)
    return svg(figure)


def _panel(ax, comparison: Comparison, studies, letters: int) -> None:
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
    question = textwrap.fill(comparison.question, letters)
    ax.set_title(question, fontsize=10, loc="left", fontweight="bold")
    label = f"percentage points: {ARMS[comparison.arm]}, minus {ARMS[comparison.other]}"
    ax.set_xlabel(textwrap.fill(label, letters), fontsize=8.5)
    ax.tick_params(labelsize=8.5)
