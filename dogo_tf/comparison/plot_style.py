"""How the plots of a comparison look: one colour, marker and dash per arm, figures without global state."""

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 120
# Okabe and Ito's palette, which colour-blind people can tell apart; markers and dashes say the same without colour.
BLUE, SKY, GREEN, ORANGE, VERMILLION, PURPLE, GREY = (
    *("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#7F7F7F"),
)
ARM_STYLES = {
    "random": {"color": GREY, "marker": "x", "linestyle": ":"},
    "solo": {"color": BLUE, "marker": "o", "linestyle": "-"},
    "dogo": {"color": VERMILLION, "marker": "s", "linestyle": "-"},
    "solo_matched": {"color": SKY, "marker": "^", "linestyle": "--"},
    "big_solo": {"color": GREEN, "marker": "D", "linestyle": "-."},
    "dogo_big": {"color": PURPLE, "marker": "v", "linestyle": "-."},
}
VERDICT_STYLES = {
    "helps": {"color": BLUE, "marker": "o", "markerfacecolor": BLUE},
    "hurts": {"color": VERMILLION, "marker": "D", "markerfacecolor": VERMILLION},
    "does not help": {"color": GREY, "marker": "s", "markerfacecolor": GREY},
    "cannot tell": {"color": GREY, "marker": "o", "markerfacecolor": "white"},
}


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **sharing):
    """A figure of `width` x `height` inches and its axes as a flat list, row by row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, columns, squeeze=False, **sharing).flat)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(color="#e5e5e5", linewidth=0.8)
        ax.set_axisbelow(True)
    return figure, axes


def legend_below(figure, ax, columns: int) -> None:
    """The entries of `ax`, each once, under the whole figure, where they cover nothing."""
    entries = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    figure.legend(
        entries.values(), entries.keys(), loc="outside lower center", ncols=columns, frameon=False, fontsize=9
    )


def png(figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI)
    return out.getvalue()
