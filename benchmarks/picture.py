"""Draws a picture of docs/results.md from results/compare_cifar10.json: docs/_static/does_the_peer_help.svg."""

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from published import ROOT
from study_tables import claimed

PICTURE = ROOT / "docs/_static/does_the_peer_help.svg"
DIFFERENCES = {
    "dogo - solo": ("against alone, same epochs", "#2a7f62", 0.14),
    "dogo - solo_matched": ("against alone, same compute", "#b5483a", -0.14),
}


def draw(path) -> None:
    studies = claimed()
    with plt.rc_context({"svg.hashsalt": "dogo_tf", "font.size": 10}):
        figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
        rows = range(len(studies))[::-1]
        for name, (label, colour, offset) in DIFFERENCES.items():
            found = [study["differences"][name] for study in studies]
            means = [100 * difference["mean"] for difference in found]
            margins = [[100 * abs(d[end] - d["mean"]) for d in found] for end in ("low", "high")]
            places = [row + offset for row in rows]
            axes.errorbar(means, places, xerr=margins, fmt="o", color=colour, label=label, capsize=3, markersize=5)
        axes.axvline(0, color="0.3", linewidth=1)
        axes.set_yticks(list(rows), [study["title"] for study in studies])
        axes.set_xlabel("WRN-10-2 next to WRN-16-2, minus alone: points of accuracy, 95 % intervals")
        axes.grid(axis="x", color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


if __name__ == "__main__":
    draw(PICTURE)
