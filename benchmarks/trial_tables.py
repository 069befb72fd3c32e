"""Tables of trials.py: a row each, and how it differs from the first one over the seeds that both have."""

import functools

import numpy as np
import scipy.stats
from published import points, read, source

from dogo_tf.reporting.table import percent, text_table

SCORES = {"knn": "kNN %", "linear_100": "linear %", "linear_1": "linear %, 1 % labels"}


def trials(name: str, baseline: str, encoder: str) -> str:
    """
    Args:
        name: of results/<name>.json. baseline: the trial that the others are compared with.
        encoder: the peer that is shown; where a trial has its average, a row more.
    """
    result = read(name)
    found, flags = {}, {}  # scores by seed, of a trial and encoder
    for trial in result["trials"]:
        for peer in (encoder, f"{encoder}_ema"):
            if peer in trial["scores"]:
                key = trial["name"] + (", averaged weights" if peer != encoder else "")
                scores = [trial["scores"][peer][score] for score in SCORES]
                found.setdefault(key, {})[trial["seed"]] = np.array(scores)
        flags[trial["name"]] = trial["flags"]
    rows = []
    for key, of_seeds in found.items():
        means = [percent(score) for score in np.mean(list(of_seeds.values()), axis=0)]
        gains = _gains(of_seeds, found[baseline]) if key != baseline else [""] * len(SCORES)
        rows.append([key.replace("_", " "), str(len(of_seeds)), *means, *gains])
    head = ["trial", "seeds", *SCORES.values(), *(f"{title.removesuffix(' %')}, against" for title in SCORES.values())]
    common = " ".join(f for f in flags[baseline] if not f.startswith("--data"))
    return (
        text_table(head, rows)
        + f"\n\nOn held-out training images; differences in points to `{baseline}`, paired by seed, with 95 % intervals over "
        f"seeds where there are three. `{baseline}`: `{common}`; what the others change is in the file." + source(name)
    )


def _gains(of_seeds: dict, baseline: dict) -> list[str]:
    """In points, of each score; with Student's interval from three seeds on."""
    seeds = sorted(of_seeds.keys() & baseline.keys())
    if not seeds:
        return [""] * len(SCORES)
    gains = np.array([of_seeds[seed] - baseline[seed] for seed in seeds])
    if len(seeds) < 3:
        return [f"{100 * gain:+.1f}" for gain in gains.mean(axis=0)]
    mean, error = gains.mean(axis=0), gains.std(axis=0, ddof=1) / len(seeds) ** 0.5
    reach = scipy.stats.t.ppf(0.975, len(seeds) - 1) * error
    return [points({"mean": m, "low": m - r, "high": m + r}) for m, r in zip(mean, reach, strict=True)]


trials_recipe = functools.partial(trials, "trials_recipe", "constant", "wrn_10_1")
