"""Tables of trials.py: a row each, and how it differs from the first one over the seeds that both have."""

import functools

import numpy as np
import scipy.stats
from published import points, read, source

from dogo_tf.reporting.table import percent, text_table

TITLES = {
    "knn": "kNN",
    "linear_100": "linear",
    "linear_10": "10 % labels",
    "linear_1": "1 % labels",
    "noise_40": "40 % wrong labels",
    "imbalanced": "imbalanced classes",
    "corrupted": "corrupted images",
}


def trials(name: str, baseline: str, encoder: str, part: str, shown: tuple[str, ...], beginning: str = "") -> str:
    """A row for each trial.

    Args:
        name: of results/<name>.json. baseline: the trial that the others are compared with.
        encoder: the peer that is shown; where a trial has its average, a row more.
        part: "scores", on held-out training images, or "test_scores". shown: names of scores.
        beginning: of the names of the trials that are shown.
    """
    found = scores_of_trials(name, baseline, encoder, part, shown, beginning)
    rows = []
    for key, of_seeds in found.items():
        means = " / ".join(percent(score) for score in np.mean(list(of_seeds.values()), axis=0))
        gains = [""] * len(shown) if key == baseline else gains_told(of_seeds, found[baseline])
        rows.append([key.replace("_", " "), str(len(of_seeds)), means, *gains])
    titles = [TITLES[score] for score in shown]
    return (
        text_table(["trial", "seeds", f"{' / '.join(titles)}, %", *titles], rows)
        + f"\n\nOn {where(part)}; the right columns are differences to `{baseline}` in points, paired by seed, with 95 % "
        f"intervals over seeds where there are three. {_told_of(name, baseline)}" + source(name)
    )


def few_trials(name: str, baseline: str, encoder: str, part: str) -> str:
    """A row for each of TITLES, a column for each trial; for arguments see `trials`."""
    found = scores_of_trials(name, baseline, encoder, part, tuple(TITLES))
    others = [key for key in found if key != baseline]
    columns = [[percent(score) for score in np.mean(list(of_seeds.values()), axis=0)] for of_seeds in found.values()]
    columns += [gains_told(found[key], found[baseline]) for key in others]
    spoken = {key: key.replace("_", " ") for key in found}
    heads = [*spoken.values(), *(f"gain of {spoken[key]}" for key in others)]
    seeds = ", ".join(f"{spoken[key]} {len(of_seeds)}" for key, of_seeds in found.items())
    return (
        text_table(["accuracy, %", *heads], [list(row) for row in zip(TITLES.values(), *columns, strict=True)])
        + f"\n\nOn {where(part)}; gains over {spoken[baseline]} in points, paired by seed, with 95 % intervals over seeds "
        "where there are three. "
        f"Seeds: {seeds}. {_told_of(name, baseline)}" + source(name)
    )


def scores_of_trials(name, baseline, encoder, part, shown, beginning="") -> dict:
    """{trial, or trial with its averaged weights: {seed: scores}}, the baseline first; for arguments see `trials`."""
    found = {}
    asked = [trial for trial in read(name)["trials"] if trial["name"].startswith(beginning)]
    for trial in sorted(asked, key=lambda trial: trial["name"] != baseline):
        for peer, suffix in ((encoder, ""), (f"{encoder}_ema", ", averaged weights")):
            if peer in trial.get(part, {}):
                scores = np.array([trial[part][peer][score] for score in shown])
                found.setdefault(trial["name"] + suffix, {})[trial["seed"]] = scores
    return found


def where(part: str) -> str:
    return "the test set" if part == "test_scores" else "held-out training images"


def _told_of(name: str, trial: str) -> str:
    """Which flags it had."""
    flags = next(found["flags"] for found in read(name)["trials"] if found["name"] == trial)
    common = " ".join(flag for flag in flags if not flag.startswith("--data"))
    return f"`{trial}` is `{common}`; what the others change is in the file."


def gains_told(of_seeds: dict, baseline: dict) -> list[str]:
    """In points, of each score; with Student's interval from three seeds on."""
    gains = np.array([of_seeds[seed] - baseline[seed] for seed in sorted(of_seeds.keys() & baseline.keys())])
    if len(gains) < 3:
        return [f"{100 * gain:+.1f}" for gain in gains.mean(axis=0)]
    mean, error = gains.mean(axis=0), gains.std(axis=0, ddof=1) / len(gains) ** 0.5
    reach = scipy.stats.t.ppf(0.975, len(gains) - 1) * error
    return [points({"mean": m, "low": m - r, "high": m + r}) for m, r in zip(mean, reach, strict=True)]


def mean_told(of_seeds: dict | None) -> str:
    """The scores' means over the seeds, and their number; a dash where nothing was run."""
    if of_seeds is None:
        return "-"
    return " / ".join(percent(score) for score in np.mean(list(of_seeds.values()), axis=0)) + f" ({len(of_seeds)})"


_recipe = functools.partial(
    trials, "trials_recipe", "constant", "wrn_10_1", "scores", ("knn", "linear_100", "linear_1")
)


def trials_recipe() -> str:
    """And the rate and temperature that won against the rate and temperature of before, at the same length."""
    return (
        f"{_recipe()}\n\nRate 5e-3 and temperature 0.2 against 1e-3 and 0.5 (results/recipe_rate.json), "
        f"{over_earlier_defaults('trials_recipe', 'temperature_0.2')}."
    )


def over_earlier_defaults(name: str, trial: str) -> str:
    """How much a trial of WRN-10-1 in results/<name>.json gains over the defaults of before, in words."""
    shown = ("knn", "linear_100", "linear_1")
    before, after = {}, {}
    for found in read("recipe_rate")["trials"]:
        settings = found["settings"]
        if (settings["optimizer"], settings["learning_rate"], settings["batch_size"]) == (["adam"], [1e-3], 128):
            before[settings["seed"]] = np.array([found["scores"][score] for score in shown])
    for found in read(name)["trials"]:
        if found["name"] == trial:
            after[found["seed"]] = np.array([found["scores"]["wrn_10_1"][score] for score in shown])
    told = ", ".join(f"{TITLES[score]} {gain}" for score, gain in zip(shown, gains_told(after, before), strict=True))
    return f"points over {len(after)} seeds: {told}"


_teacher = functools.partial(trials, "trials_teacher", "alone", "wrn_10_1", "test_scores", tuple(TITLES)[:5])


def trials_teacher() -> str:
    """And what the teacher itself can do."""
    (teacher,) = (trial for trial in read("trials_teacher")["trials"] if trial["name"] == "teacher")
    scores = teacher["test_scores"]["wrn_16_2"]
    told = ", ".join(f"{title} {percent(scores[score])} %" for score, title in TITLES.items() if score in scores)
    return f"{_teacher()}\n\nThe teacher itself, on the test set: {told}."


_networks = functools.partial(
    trials, "trials_networks", "wrn_10_2_earlier", "wrn_10_2", "test_scores", tuple(TITLES)[:5]
)


def trials_networks() -> str:
    """And the one that is taught against the one that is not."""
    shown, of_trials = ("knn", "linear_100", "linear_1"), {}
    for trial in read("trials_networks")["trials"]:
        scores = np.array([trial["test_scores"]["wrn_10_2"][score] for score in shown])
        of_trials.setdefault(trial["name"], {})[trial["seed"]] = scores
    gains = gains_told(of_trials["wrn_10_2_cached"], of_trials["wrn_10_2_recipe"])
    told = ", ".join(f"{TITLES[score]} {gain}" for score, gain in zip(shown, gains, strict=True))
    return f"{_networks()}\n\n`wrn_10_2_cached` against `wrn_10_2_recipe`, points: {told}."


_local = functools.partial(
    trials, "trials_local", "temperature_0.2", "wrn_10_1", "scores", ("knn", "linear_100", "linear_10", "linear_1")
)


def trials_local() -> str:
    """And what won against the defaults before the recipe."""
    told = over_earlier_defaults("trials_local", "recipe_with_local_views")
    return f"{_local()}\n\n`recipe_with_local_views` against rate 1e-3 and temperature 0.5 (results/recipe_rate.json), {told}."


trials_local_wrn_10_2 = functools.partial(few_trials, "trials_local", "wrn_10_2_earlier", "wrn_10_2", "test_scores")

trials_precision = functools.partial(trials, "trials_precision", "float32", "wrn_10_1", "scores", tuple(TITLES)[:5])


_mobile = "trials_mobile", "alone_1e-3", "mobilenet_v3_small"
trials_mobile_rates = functools.partial(trials, *_mobile, "scores", tuple(TITLES)[:5], "alone")


def trials_mobile() -> str:
    """And what the larger peer has learnt."""
    found = read("mobile_peer")["peers"]["mobilenet_v2"]
    scores = found["knn"]["accuracy"], found["linear"]["1"]["accuracy"]
    told = "The peer, MobileNetV2, with seed 0: kNN {} %, linear {} %.".format(*map(percent, scores))
    return f"{few_trials(*_mobile, 'test_scores')}\n\n{told}{source('mobile_peer')}"


local_views_at_hand = functools.partial(few_trials, "trials_at_hand_local", "at_hand_40", "wrn_10_1_ema", "scores")


at_hand_search = functools.partial(
    trials,
    "trials_at_hand_search",
    "search_default",
    "wrn_10_1_ema",
    "scores",
    ("knn", "linear_100", "linear_1", "noise_40", "corrupted"),
)

_finished = functools.partial(
    trials,
    "trials_search",
    "then_peer",
    "wrn_10_1_ema",
    "scores",
    ("knn", "linear_100", "linear_10", "linear_1", "noise_40"),
)


def finished_search() -> str:
    """And how far the peer is ahead when it comes."""
    (peer,) = (trial for trial in read("trials_search")["trials"] if trial["name"] == "peer_before")
    scores = peer["scores"]["wrn_16_1_ema"]
    told = ", ".join(f"{title} {percent(scores[score])} %" for score, title in TITLES.items())
    return f"{_finished()}\n\nThe peer when it comes, on the same images: {told}."


local_views_and_peers = functools.partial(
    trials,
    "trials_peer",
    "local_alone",
    "wrn_10_1_ema",
    "scores",
    ("knn", "linear_100", "linear_10", "linear_1"),
    beginning="local_",
)


def _next_to_alone(name: str) -> str:
    """And what each computed."""
    shown = [trial for trial in read(name)["trials"] if "test_scores" in trial]
    operations = {trial["name"]: trial["train_gflop"] / 1e3 for trial in shown}
    told = ", ".join(f"{name.replace('_', ' ')} {number:.1f}" for name, number in operations.items())
    table = few_trials(name, "alone", "wrn_10_1_ema", "test_scores")
    return f"{table}\n\n1e12 operations of all that learn: {told}."


kinds_of_peers = functools.partial(_next_to_alone, "trials_peer")
own_average_and_family = functools.partial(_next_to_alone, "trials_self")
