"""The table and the picture of lengths.py: docs/_static/lengths.svg."""

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from published import ROOT, read, source

from dogo_tf.reporting.table import percent, text_table

PICTURE = ROOT / "docs/_static/lengths.svg"
# The small encoder's curves: of its averaged weights, which vary less than the raw ones.
STUDENT = "wrn_10_1_ema"
RUNS = {
    "alone": ("alone", "#5b6770"),
    "alone_5000": ("alone, 5,000 images", "#b9c0c5"),
    "cached": ("taught by cached features", "#2a7f62"),
    "at_hand": ("taught by features of a network of ImageNet", "#7a4fa3"),
    "peer": ("next to a peer that is ahead", "#b5483a"),
}
SHOWN = (20, 40, 80, 160, 320)


def lengths() -> str:
    runs = read("lengths")["runs"]
    rows = []
    for name, (title, _) in RUNS.items():
        by_epoch = {probe["epoch"]: probe for probe in runs[name]["peers"][STUDENT]}
        cells = [
            f"{percent(by_epoch[n]['knn'])} / {percent(by_epoch[n]['linear'])}" if n in by_epoch else "" for n in SHOWN
        ]
        first = min(epoch for epoch in by_epoch if epoch)
        each = by_epoch[first]["gflop"] / first / 1e3
        rows.append([title, f"{each:.2f}", *cells])
    settings = runs["alone"]["settings"]
    return (
        text_table(["WRN-10-1", "1e12 operations an epoch", *(f"{n} epochs" for n in SHOWN)], rows)
        + f"\n\nkNN / linear, %, on 5,000 held-out training images; averaged weights; seed {settings['seed']} only. CIFAR-10 "
        f"at {settings['image_size']} px, constant rate {settings['learning_rate'][0]:g}, temperature 0.2, "
        f"{settings['precision']}. Empty: not run." + source("lengths")
    )


def draw(path) -> None:
    runs = read("lengths")["runs"]
    with plt.rc_context({"svg.hashsalt": "dogo_tf", "font.size": 10}):
        figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
        for name, (title, colour) in RUNS.items():
            probes = [probe for probe in runs[name]["peers"][STUDENT] if probe["epoch"]]
            places, values = [p["gflop"] / 1e3 for p in probes], [100 * p["linear"] for p in probes]
            axes.plot(places, values, "o-", color=colour, markersize=4, label=title)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:.0f}")
        axes.set_xlabel("operations of all peers that learn, 1e12")
        axes.set_ylabel("linear accuracy, %")
        axes.grid(color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="lower right")
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


if __name__ == "__main__":
    draw(PICTURE)
