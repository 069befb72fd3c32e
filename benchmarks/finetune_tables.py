"""The tables of finetune.py and cleaning.py: what classifiers reach with few and with wrong labels."""

import functools

import numpy as np
from published import ROOT, points, read, source

from dogo_tf.reporting.table import percent, text_table

CONDITIONS = {
    "labels": "{share} % of the labels",
    "symmetric": "{share} % wrong labels",
    "exponential": "the rarest class with {share} % of the images of the largest",
    "pairwise": "{share} % wrong labels, each taken for the next class",
}
GAINS = {
    "over_scratch": "over scratch",
    "over_longer": "over scratch for longer",
    "over_plain": "over cross-entropy",
}


def finetune(name: str = "finetune") -> str:
    """name: of results/<name>.json."""
    result = read(name)
    entries = [entry for arms in result["conditions"].values() for entry in arms.values()]
    shown = {gain: title for gain, title in GAINS.items() if any(gain in entry for entry in entries)}
    rows = []
    for condition, arms in result["conditions"].items():
        told = _told(condition)
        for arm, entry in sorted(arms.items(), key=functools.partial(_order, list(arms))):
            accuracy = entry["accuracy"]
            interval = f"{percent(accuracy['mean'])} ({percent(accuracy['low'])} to {percent(accuracy['high'])})"
            gains = [points(entry[gain]) if gain in entry else "" for gain in shown]
            called = (
                arm.replace("scratch_longer", "scratch for longer")
                .replace("_", " ")
                .replace("<big", " taught by the big one")
                .replace("+big", " and the big one")
            )
            rows.append([told, called, str(len(entry["seeds"])), "/".join(map(str, entry["steps"])), interval, *gains])
            told = ""
    head = ["labels", "classifier, method", "seeds", "steps", "accuracy, %", *shown.values()]
    return (
        text_table(head, rows)
        + f"\n\n{result['train']} at {result['settings']['image_size']} pixels, on all test images; differences in points, "
        "paired by seed and image; intervals of 95 % over seeds (where there are several) and images." + source(name)
    )


def finetune_wrn_10_2() -> str:
    """And which rate the classifiers from scratch learn at."""
    chosen = []
    for tried in read("finetune_wrn_10_2")["scratch_rates"]:
        best = max(tried["accuracy"], key=tried["accuracy"].get)
        all_rates = ", ".join(f"{rate}: {percent(accuracy)}" for rate, accuracy in tried["accuracy"].items())
        chosen.append(f"{_told(tried['condition'])}: {best} ({all_rates})")
    told = f"Rates from scratch, by accuracy on held-out training images, %. {'; '.join(chosen)}."
    return f"{finetune('finetune_wrn_10_2')}\n\n{told}"


def finetune_int8() -> str:
    """What the exported files of classifiers lose, by their own heads: a column each."""
    columns, told = {}, []
    for name in sorted(path.stem for path in (ROOT / "results").glob("finetune_int8*.json")):
        result = read(name)
        settings, test = result["origin"]["settings"], result["data"]["test"]
        column = {"the classifier": percent(result["original"]["scores"]["head"]["accuracy"])}
        for file, measured in result["formats"].items():
            if head := (measured["scores"] or {}).get("head"):
                lost = f"{100 * head['lost']:.1f}".replace("-0.0", "0.0")
                column[file.replace("_", " ")] = f"{percent(head['accuracy'])} ({lost})"
        title = f"{settings['encoder'][0].partition('#')[2]}, seed {settings['seed']}"
        columns[title] = column
        told.append(f"{title}: {settings['steps']} steps on all labels, {test['images']:,} test images.")
        told.append(source(name).strip())
    files = list(next(iter(columns.values())))
    rows = [[file, *(column[file] for column in columns.values())] for file in files]
    return text_table(["accuracy, % (points lost)", *columns], rows) + "\n\n" + "\n\n".join(told)


def _told(condition: str) -> str:
    kind, _, share = condition.partition(":")
    return CONDITIONS[kind].format(share=f"{100 * float(share):g}")


def _order(given: list[str], item) -> int:
    """From scratch first, then as they are in the file."""
    return -1 if item[0].startswith("scratch") else given.index(item[0])


def cleaning() -> str:
    """What cleaning.py found: lists of suspects before and after a training with them."""
    result = read("cleaning")
    rows = []
    for condition, entries in result["conditions"].items():
        told = _told(condition)
        for name, title in (("all", "none"), ("before", "the pre-trained encoder"), ("after", "the fine-tuned one")):
            entry = entries[name]
            shares = [percent(np.mean(entry[number])) if number in entry else "" for number in ("precision", "recall")]
            listed = f"{np.mean(entry['listed']):,.0f}" if "listed" in entry else ""
            gain = points(entry["over_all"]) if "over_all" in entry else ""
            rows.append([told, title, listed, *shares, percent(entry["accuracy"]["mean"]), gain])
            told = ""
    head = ["labels", "suspects by", "listed", "precision, %", "recall, %", "accuracy, %", "over all labels"]
    seeds = sorted({entries["seeds"] for entries in result["conditions"].values()})
    images, side, steps = result["train"], result["settings"]["image_size"], result["settings"]["steps"]
    return (
        text_table(head, rows)
        + f"\n\n{images} at {side} pixels, {steps} steps, on all test images; seeds: {'/'.join(map(str, seeds))}; intervals of "
        "95 %, with one seed over the test images alone. `none` learns all labels by the robust loss; the others by "
        "cross-entropy, without what is listed." + source("cleaning")
    )
