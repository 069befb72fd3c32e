"""Tables of studies: does a peer help, which objective, which teacher?"""

import numpy as np
import scipy.stats
from published import ROOT, points, read, source
from trial_tables import mean_told

from dogo_tf.reporting.table import percent, text_table

SHOWN_ARMS = ("random", "solo", "dogo", "solo_matched", "big_solo")
SHOWN_DIFFERENCES = {
    "dogo - solo": "next to a peer - alone, same epochs",
    "dogo - solo_matched": "- alone, same compute",
}


def compare() -> str:
    return _comparison("compare_cifar10", SHOWN_ARMS, SHOWN_DIFFERENCES)


def compare_tuned() -> str:
    return _comparison("compare_cifar10_tuned", ("random", "solo", "dogo", "solo_matched"), SHOWN_DIFFERENCES)


def compare_at_5e3() -> str:
    return _at_equal_epochs("compare_cifar10_at_5e-3")


def compare_tiny_imagenet() -> str:
    return _at_equal_epochs("compare_tiny_imagenet_20")


def _at_equal_epochs(name: str) -> str:
    return _comparison(name, ("random", "solo", "dogo"), {"dogo - solo": "next to a peer - alone"})


def _comparison(name: str, arms, differences: dict) -> str:
    """Every study of a comparison but single kinds of damage."""
    result = read(name)
    rows = []
    for study in result["studies"]:
        single = study["study"].startswith(("corruption", "severity")) and study["study"] != "corruption all"
        if single:
            continue  # in the JSON; each on fewer images, and all of them together in one row
        accuracies = [percent(study["accuracy"][arm]["mean"]) for arm in arms]
        rows.append([study["title"], *accuracies, *(points(study["differences"][pair]) for pair in differences)])
    costs = [f"{result['costs'][arm]['train_gflop'] / 1e3:.1f}" for arm in arms]
    rows.append(["training, 1e12 operations", *costs, *[""] * len(differences)])
    verdict = "\n".join(f"> {line}" for line in result["verdict"])
    return f"{text_table(['accuracy, %', *arms, *differences.values()], rows)}\n\n{verdict}" + source(name)


# What the picture shows of the comparison; docs/results.md has all of it.
CLAIMED = (
    "linear 100%",
    "linear 10%",
    "linear 1%",
    "noise symmetric 40%",
    "corruption all",
    "transfer tiny_imagenet_20",
)


def claimed() -> list[dict]:
    """The studies of the comparison that the picture shows."""
    studies = {study["study"]: study for study in read("compare_cifar10")["studies"]}
    return [studies[name] for name in CLAIMED]


def suspects() -> str:
    result = read("suspects_cifar10")
    flipped = f"{result['flipped']:,} of {result['images']:,} labels flipped ({result['noise_kind']})"
    found = f"precision {percent(result['precision'])} %, recall {percent(result['recall'])} %"
    return (
        f"`dogo-suspects` on {result['data']} with {flipped}: {result['listed']:,} listed, {found} "
        "(the encoder of the comparison that learned next to its peer, seed 0)." + source("suspects_cifar10")
    )


def tune() -> str:
    result = read("tune_cifar10")
    rows = []
    for stage, trials in result["trials"].items():
        for trial in trials:
            changed = ", ".join(f"{name} {_value(value)}" for name, value in trial["changed"].items()) or "the start"
            peers = list(trial["peers"].values())
            scores = [percent(peers[0][name]) for name in ("knn", "linear_100", "linear_1", "score")]
            rows.append([f"{stage}: {changed}", *scores, percent(peers[1]["score"]) if len(peers) > 1 else ""])
    head = ["changed", "kNN %", "linear %", "linear %, 1 % labels", "mean of the three", "the peer's mean"]
    return text_table(head, rows) + source("tune_cifar10")


def _value(value) -> str:
    return " ".join(f"{item:g}" if isinstance(item, float) else str(item) for item in np.atleast_1d(value).tolist())


def objectives() -> str:
    """One comparison per objective; SimCLR's is that of the whole study, whose setting they share."""
    names = {"simclr": "compare_cifar10"}
    names |= {
        path.stem.removeprefix("objective_"): path.stem for path in sorted((ROOT / "results").glob("objective_*"))
    }
    rows = []
    for objective, name in names.items():
        studies = {study["study"]: study for study in read(name)["studies"]}
        for title, study in (
            ("linear", studies["linear 100%"]),
            ("linear, 1 %", studies["linear 1%"]),
            ("kNN", studies["knn"]),
        ):
            solo, pair, difference = (
                study["accuracy"]["solo"],
                study["accuracy"]["dogo"],
                study["differences"]["dogo - solo"],
            )
            seeds = len(difference["per_seed"])
            rows.append(
                [objective, title, percent(solo["mean"]), percent(pair["mean"]), points(difference), str(seeds)]
            )
    head = ["objective", "accuracy, %", "alone", "next to a peer", "difference", "seeds"]
    return text_table(head, rows) + "\n\n" + "\n".join(_origin(name) for name in names.values())


TEACHING = {
    "solo": "no teacher",
    "dogo": "mutual (DoGo)",
    "one_way": "one-way, online",
    "frozen": "frozen, similarity KL",
    "frozen_seed": "frozen, SEED",
    "frozen_compress": "frozen, CompRess-like",
    "frozen_simreg": "frozen, SimReg",
    "big_solo": "the teacher itself",
}


def teaching() -> str:
    result = read("teaching_cifar10")
    studies = {study["study"]: study for study in result["studies"]}
    shown = [studies[name] for name in ("linear 100%", "linear 1%", "knn")]
    rows = []
    for arm, title in TEACHING.items():
        gains = [study["differences"].get(f"{arm} - solo") for study in shown]
        rows.append(
            [
                title,
                *(percent(study["accuracy"][arm]["mean"]) for study in shown),
                points(gains[0]) if gains[0] else "",
            ]
        )
    head = ["teacher", "linear %", "linear %, 1 % labels", "kNN %", "linear, against no teacher"]
    speeds = ", ".join(
        f"{name} {found['over_alone']:.2f}" for name, found in read("teachers")["teaching"].items() if name != "alone"
    )
    return (
        text_table(head, rows)
        + f"\n\nImages per second in training, over those of the student alone: {speeds}."
        + source("teaching_cifar10")
        + source("teachers")
    )


def _origin(name: str) -> str:
    return source(name).strip() + "  "


RECIPE_SCORES = {"knn": "kNN", "linear_100": "linear", "linear_1": "linear with 1 % of the labels"}


def recipe_rate() -> str:
    """Optimiser and rate of the small encoder alone, a column per batch; and its best rate against today's, paired by seed."""
    result = read("recipe_rate")
    found = {}  # scores by seed, of (optimiser, rate) and batch
    for trial in result["trials"]:
        settings = trial["settings"]
        key = settings["optimizer"][0], settings["learning_rate"][0], settings["batch_size"]
        found.setdefault(key, {})[settings["seed"]] = np.array([trial["scores"][name] for name in RECIPE_SCORES])
    batches = sorted({batch for _, _, batch in found})
    rows = [
        [optimizer, f"{rate:g}", *(mean_told(found.get((optimizer, rate, batch))) for batch in batches)]
        for optimizer, rate in sorted({key[:2] for key in found})
    ]
    table = text_table(["optimiser", "rate", *(f"batch {batch}" for batch in batches)], rows)
    first = result["trials"][0]["settings"]
    return (
        f"{table}\n\n{' / '.join(RECIPE_SCORES.values())}, %, on held-out training images; in brackets the number of seeds. "
        f"{result['encoder']} alone, CIFAR-10 {first['split']} at {first['image_size']} px, {first['epochs']} epochs, "
        f"constant rate after {first['warmup_epochs']:g} epochs of warm-up, {first['precision']}. -: not run."
        + _gain_of_rate(found, ("adam", 5e-3, 128), ("adam", 1e-3, 128))
        + source("recipe_rate")
    )


def _gain_of_rate(found: dict, better, today) -> str:
    """A sentence; Student's t over the seeds that both have."""
    seeds = sorted(found[better].keys() & found[today].keys())
    if len(seeds) < 3:
        return ""
    gains = 100 * np.array([found[better][seed] - found[today][seed] for seed in seeds])
    mean, error = gains.mean(axis=0), gains.std(axis=0, ddof=1) / len(seeds) ** 0.5
    reach = scipy.stats.t.ppf(0.975, len(seeds) - 1) * error
    told = [
        f"{name} {m:+.1f} ({m - r:.1f} to {m + r:.1f})"
        for name, m, r in zip(RECIPE_SCORES.values(), mean, reach, strict=True)
    ]
    return (
        f"\n\n{better[0]} at {better[1]:g} against {today[1]:g}, batch {today[2]}, points over {len(seeds)} seeds, "
        f"with 95 % intervals: {', '.join(told)}."
    )
