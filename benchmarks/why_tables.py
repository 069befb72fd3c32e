"""The table and the picture of why.py: docs/_static/why.svg."""

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from published import ROOT, read, source

from dogo_tf.reporting.table import text_table

PICTURE = ROOT / "docs/_static/why.svg"
SETTINGS = {
    "equal": ("a peer that begins together with it", "#5b6770"),
    "ahead": ("a peer that is ahead", "#b5483a"),
}
CURVES = {
    "the peer's lead, points of kNN": lambda found: 100 * (found["knn"]["big"] - found["knn"]["small"]),
    "share of the KL in the gradient, %": lambda found: 100 * found["share"],
    "same most similar image, %": lambda found: 100 * found["agreement"],
}
SHOWN = (1, 5, 10, 20)


def why() -> str:
    result, rows = read("why"), []
    for name, (title, _) in SETTINGS.items():
        by_epoch = {found["epoch"]: found for found in result["settings"][name]["epochs"]}
        for curve, value in CURVES.items():
            rows.append([title, curve, *(f"{value(by_epoch[epoch]):.1f}" for epoch in SHOWN)])
        knn = [f"{100 * by_epoch[epoch]['knn']['small']:.1f}" for epoch in SHOWN]
        rows.append([title, "kNN of the small encoder, %", *knn])
    return (
        text_table(["next to", "", *(f"epoch {epoch}" for epoch in SHOWN)], rows)
        + "\n\nWRN-10-1 next to WRN-16-1 (weight 100/256, both teach) and to WRN-16-2 (weight 4, it teaches only); "
        f"{result['images']:,} images of CIFAR-10 at {result['image_size']} px, one seed, weights as they are (not averaged)."
        + source("why")
    )


def draw(path) -> None:
    result = read("why")
    with plt.rc_context({"svg.hashsalt": "dogo_tf", "font.size": 9}):
        figure, all_axes = plt.subplots(1, len(CURVES), figsize=(9, 2.8), layout="constrained")
        for axes, (curve, value) in zip(all_axes, CURVES.items(), strict=True):
            for name, (title, colour) in SETTINGS.items():
                found = result["settings"][name]["epochs"]
                places, values = [one["epoch"] for one in found], [value(one) for one in found]
                axes.plot(places, values, "o-", color=colour, markersize=3, label=title)
            axes.set_title(curve, fontsize=9)
            axes.set_xlabel("epoch")
            axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
            axes.grid(color="0.9")
            axes.spines[["top", "right"]].set_visible(False)
        figure.legend(*all_axes[0].get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=2)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


if __name__ == "__main__":
    draw(PICTURE)
