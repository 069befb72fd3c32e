"""The table and the picture of lengths.py: docs/_static/lengths.svg."""

import matplotlib
import numpy as np
import scipy.stats

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from published import ROOT, read, source
from trial_tables import gains_told

from dogo_tf.reporting.table import percent, text_table

PICTURE = ROOT / "docs/_static/lengths.svg"
# The small encoder's curves: of its averaged weights, which vary less than the raw ones.
STUDENT = "wrn_10_1_ema"
RUNS = {
    "alone": ("alone (three seeds)", "#5b6770"),
    "local_views": ("alone, recipe with local views (three seeds)", "#c98a1b"),
    "alone_5000": ("alone, 5,000 images", "#b9c0c5"),
    "cached": ("taught by cached features", "#2a7f62"),
    "at_hand": ("taught by features of an ImageNet-pretrained network", "#7a4fa3"),
    "together": ("next to a peer that begins together with it", "#3b6fb0"),
    "peer": ("next to a peer that is ahead", "#b5483a"),
}
FILES = ("lengths", "lengths_local", "lengths_together", "lengths_alone")
SHOWN = (20, 40, 80, 160, 320)
# An epoch with local views costs 1.82 of the others'; its columns are those of the same operations: 22 epochs for 40.
EPOCHS_FOR_ONE = {"local_views": 0.55}


def curves() -> dict[str, dict]:
    """By RUNS: {epoch: (1e12 operations, kNN of each seed, linear of each seed)} of the student."""
    seeds, found = {}, {}
    for file in FILES:
        of_file = {}
        for name, run in read(file)["runs"].items():
            of_file.setdefault(name.partition("-seed")[0], []).append(run["peers"][STUDENT])
        seeds |= of_file  # a later file's runs of the same name, with more seeds, take the place of an earlier one's
    for name in RUNS:
        for probes in zip(*seeds[name], strict=True):
            operations, epoch = probes[0]["gflop"] / 1e3, probes[0]["epoch"]
            scores = ([probe[score] for probe in probes] for score in ("knn", "linear"))
            found.setdefault(name, {})[epoch] = (operations, *scores)
    return found


def lengths() -> str:
    rows = []
    for name, curve in curves().items():
        asked = [round(epochs * EPOCHS_FOR_ONE.get(name, 1)) for epochs in SHOWN]
        cells = [" / ".join(percent(np.mean(s)) for s in curve[epoch][1:]) if epoch in curve else "" for epoch in asked]
        last = max(curve)
        rows.append([RUNS[name][0], f"{curve[last][0] / last:.2f}", *cells])
    settings = read("lengths")["runs"]["alone"]["settings"]
    return (
        text_table(["WRN-10-1", "1e12 operations an epoch", *(f"{n} epochs" for n in SHOWN)], rows)
        + f"\n\nkNN / linear, %, on 5,000 held-out training images; averaged weights; seed {settings['seed']}, alone and with "
        f"local views the mean of three. CIFAR-10 at {settings['image_size']} px, constant rate "
        f"{settings['learning_rate'][0]:g}, temperature 0.2, {settings['precision']}. Empty: not run. With local views the "
        "columns are those of the same operations: 176 epochs stand under 320. "
        f"{_doubling('alone', 'alone')} {_doubling('local_views', 'with local views')}" + "".join(map(source, FILES))
    )


def _doubling(name: str, told: str) -> str:
    """What the last doubling of a run with three seeds gives."""
    curve = curves()[name]
    last = max(curve)
    long, half = (dict(enumerate(np.array(curve[epochs][1:]).T)) for epochs in (last, last // 2))
    knn, linear = gains_told(long, half)
    return f"From {last // 2} to {last} epochs {told}, points over {len(long)} seeds: kNN {knn}, linear {linear}."


def _last_epochs_next_to_a_peer() -> tuple[float, np.ndarray]:
    """1e12 operations with the epochs alone before, and linear accuracy in % of each seed: of trials_search.txt."""
    trials = [trial for trial in read("trials_search")["trials"] if trial["name"] == "then_peer"]
    before = max(curves()["alone"])
    operations = curves()["alone"][before][0] + trials[0]["train_gflop"] / 1e3
    return operations, np.array([100 * trial["scores"][STUDENT]["linear_100"] for trial in trials])


def draw(path) -> None:
    with plt.rc_context({"svg.hashsalt": "dogo_tf", "font.size": 10}):
        figure, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
        for name, curve in curves().items():
            title, colour = RUNS[name]
            places, linear = zip(
                *((operations, scores) for epoch, (operations, _, scores) in curve.items() if epoch), strict=True
            )
            linear = 100 * np.array(linear)
            axes.plot(places, linear.mean(axis=1), "o-", color=colour, markersize=4, label=title)
            if (seeds := linear.shape[1]) > 2:
                reach = scipy.stats.t.ppf(0.975, seeds - 1) * linear.std(axis=1, ddof=1) / seeds**0.5
                axes.fill_between(
                    places, linear.mean(axis=1) - reach, linear.mean(axis=1) + reach, color=colour, alpha=0.2, lw=0
                )
        operations, linear = _last_epochs_next_to_a_peer()
        reach = scipy.stats.t.ppf(0.975, len(linear) - 1) * linear.std(ddof=1) / len(linear) ** 0.5
        title = "after 320 epochs alone, 40 next to one far ahead"
        axes.errorbar(operations, linear.mean(), reach, fmt="*", color="#b5483a", markersize=10, capsize=3, label=title)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:.0f}")
        axes.set_xlabel("operations of all peers that learn, 1e12")
        axes.set_ylabel("linear accuracy, %")
        axes.grid(color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(frameon=False, loc="outside lower center", ncols=2)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


if __name__ == "__main__":
    draw(PICTURE)
