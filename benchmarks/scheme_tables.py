"""The table of results/at_hand_schemes.json: how cached features are best taught. Collected by lengths.py."""

from late_tables import BASELINE, STUDENT
from published import read, source

from dogo_tf.reporting.table import percent, text_table

# How the names of runs begin.
TEACHERS = {
    "features": "EfficientNet-Lite2, 1280 features",
    "components": "its 128 components",
    "wrn": "WRN-16-2, no labels",
}


def at_hand_schemes() -> str:
    """Of the averaged weights: new encoders after 20 epochs, and those that had learnt alone for 320 after 40 more."""
    alone = {probe["epoch"]: probe for probe in read("lengths")["runs"]["alone"]["peers"][STUDENT]}
    rows = [["alone", "", "", _told(alone[20]), _later(*BASELINE)]]
    cells = {}
    for name, run in read("at_hand_schemes")["runs"].items():
        settings, last = run["settings"], run["peers"][STUDENT][-1]
        (weight,) = settings["distill_weight"]
        row = cells.setdefault((TEACHERS[name.split("-")[0]], settings["scheme"], weight), {})
        row["later" if settings["init"] else "new"] = _told(last)
    cells.setdefault((TEACHERS["features"], "seed", 2.0), {})["later"] = _later("trials_at_hand", "then_at_hand")
    cells.setdefault((TEACHERS["wrn"], "similarity_kl", 4.0), {})["later"] = _later("trials_late", "then_cached")
    order = list(TEACHERS.values())
    for (teacher, scheme, weight), found in sorted(cells.items(), key=lambda row: (order.index(row[0][0]), row[0][1:])):
        rows.append([teacher, scheme, f"{weight:g}", found.get("new", ""), found.get("later", "")])
    return (
        text_table(["teacher", "scheme", "weight", "20 epochs", "320 epochs alone, then 40"], rows)
        + "\n\nkNN / linear, %, on 5,000 held-out training images; averaged weights; seed 0 only. Empty: not run."
        + source("at_hand_schemes")
    )


def _later(name: str, trial: str) -> str:
    """Of a trial of results/<name>.json, seed 0."""
    (scores,) = (
        found["scores"][STUDENT] for found in read(name)["trials"] if (found["name"], found["seed"]) == (trial, 0)
    )
    return _told({"knn": scores["knn"], "linear": scores["linear_100"]})


def _told(scores: dict) -> str:
    return f"{percent(scores['knn'])} / {percent(scores['linear'])}"
