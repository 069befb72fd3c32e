"""The table of strength.py."""

import statistics

from published import read, source

from dogo_tf.reporting.table import percent, text_table

NAMES = {
    "quickstart": "WRN-10-2 of the quickstart",
    "temperature_0.2-seed0": "WRN-10-1, recipe",
    "recipe_with_local_views-seed0": "WRN-10-1, recipe with local views",
    "wrn_10_2_recipe_with_local_views-seed1": "WRN-10-2, recipe with local views",
}


def strength() -> str:
    found, rows = read("strength"), []
    for run, of_run in found["runs"].items():
        for labels in dict.fromkeys(draw["labels"] for draw in of_run["draws"]):
            draws = [draw for draw in of_run["draws"] if draw["labels"] == labels]
            cells = []
            for chosen in ("accuracy", "cross_entropy", "best"):
                accuracies = [draw[chosen] for draw in draws]
                cells.append(f"{percent(statistics.mean(accuracies))} ± {percent(statistics.stdev(accuracies))}")
            rows.append([NAMES[run], str(labels), *cells])
    head = ["encoder", "labels", "chosen by accuracy", "by cross-entropy", "the best of seven"]
    return (
        text_table(head, rows)
        + f"\n\nAccuracy of the linear probe, %, mean and standard deviation over {len(draws)} draws of the labels. "
        "The quickstart's is tested on `patterns`, the others on held-out training images of CIFAR-10."
        + source("strength")
    )
