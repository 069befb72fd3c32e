"""How the plots of a comparison look: one colour, marker and dash per arm, which says the same without colour."""

from dogo_tf.comparison.results import OF_OTHER_COST
from dogo_tf.reporting.figure import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION

ARM_STYLES = {
    "random": {"color": GREY, "marker": "x", "linestyle": ":"},
    "solo": {"color": BLUE, "marker": "o", "linestyle": "-"},
    "dogo": {"color": VERMILLION, "marker": "s", "linestyle": "-"},
    "solo_matched": {"color": SKY, "marker": "^", "linestyle": "--"},
    "big_solo": {"color": GREEN, "marker": "D", "linestyle": "-."},
    "dogo_big": {"color": PURPLE, "marker": "v", "linestyle": "-."},
    "one_way": {"color": VERMILLION, "marker": "P", "linestyle": ":"},
    "self": {"color": GREY, "marker": "p", "linestyle": "--"},
    "big_longer": {"color": GREEN, "marker": "d", "linestyle": "-"},
    "head_start": {"color": PURPLE, "marker": "h", "linestyle": "-"},
    "frozen": {"color": GREEN, "marker": "s", "linestyle": ":"},
    "frozen_seed": {"color": GREEN, "marker": "*", "linestyle": "--"},
    "frozen_compress": {"color": PURPLE, "marker": "<", "linestyle": "--"},
    "frozen_simreg": {"color": SKY, "marker": ">", "linestyle": ":"},
    "cached": {"color": ORANGE, "marker": "s", "linestyle": "-"},
    "at_hand": {"color": BLUE, "marker": "*", "linestyle": "-."},
    "smaller": {"color": SKY, "marker": "s", "linestyle": "-."},
    "stopping": {"color": VERMILLION, "marker": "1", "linestyle": "--"},
    "every_kth": {"color": VERMILLION, "marker": "|", "linestyle": "-."},
    "family": {"color": ORANGE, "marker": "X", "linestyle": "--"},
}
# Those that spend the same on the small encoder alone look like what they are compared with, but fainter and dotted.
ARM_STYLES |= {
    f"solo_as_{arm}": {**ARM_STYLES[arm], "linestyle": ":", "markerfacecolor": "white"} for arm in OF_OTHER_COST
}
VERDICT_STYLES = {
    "better": {"color": BLUE, "marker": "o", "markerfacecolor": BLUE},
    "worse": {"color": VERMILLION, "marker": "D", "markerfacecolor": VERMILLION},
    "not better": {"color": GREY, "marker": "s", "markerfacecolor": GREY},
    "cannot tell": {"color": GREY, "marker": "o", "markerfacecolor": "white"},
}


def legend_below(figure, ax, most_columns: int = 2) -> None:
    """The entries of `ax`, each once, under the whole figure, where they cover nothing."""
    entries = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    columns = most_columns if max(map(len, entries)) < 32 else max(1, most_columns - 1)
    figure.legend(
        entries.values(), entries.keys(), loc="outside lower center", ncols=columns, frameon=False, fontsize=9
    )
