"""The tables of trials_late.txt and trials_at_hand.txt: teachers and peers for an encoder that has finished learning alone."""

import numpy as np
import scipy.stats
from published import read, source
from trial_tables import TITLES, gains_told

from dogo_tf.comparison.significance import holm
from dogo_tf.reporting.table import percent, text_table

# Of its averaged weights, which vary less than the raw ones.
STUDENT, PEER = "wrn_10_1_ema", "wrn_16_2_ema"
# Columns: a trial of results/<name>.json, how it is called, and for one that is compared with BASELINE, how in short.
BASELINE = ("trials_late", "then_alone")
SEARCHED = ("trials_search", "then_alone")
LATE = {
    ("trials_late", "alone"): ("alone, 320 epochs", None),
    BASELINE: ("40 more, alone", None),
    ("trials_late", "then_cached"): ("40 more, taught by cached features", "taught"),
    ("trials_late", "then_peer"): ("40 more, next to the peer", "next to the peer"),
}
AT_HAND = {
    BASELINE: ("360 epochs alone", None),
    ("trials_at_hand", "then_at_hand"): ("320 alone, 40 taught by the features", "40 taught"),
    ("trials_at_hand", "then_peer"): ("320 alone, 40 next to the peer", "40 next to the peer"),
    ("trials_at_hand", "at_hand_80"): ("80 from the start, taught by 128 components", "80 taught"),
}


# The same operations from the first epoch on.
LOCAL_VIEWS = ("trials_late_local", "local_views")
ALONE = ("trials_finished", "alone")  # on the same kind of processor, which trials_late.json is not
LOCAL = {
    ALONE: ("320 epochs alone", None),
    LOCAL_VIEWS: ("176 epochs alone with local views", "with local views"),
}
# Trial, title, what it is compared with, and whether it goes on from ALONE.
FINISHED = (
    (ALONE, "", None, False),
    (LOCAL_VIEWS, "alone, recipe with local views, 176 epochs", ALONE, False),
    (("trials_late", "then_peer"), "the last 40 of 360 epochs next to a peer 4 points ahead", BASELINE, True),
    (("trials_at_hand", "then_peer"), "the last 40 of 360 epochs next to a peer 13 points ahead", BASELINE, True),
    (
        ("trials_search", "then_peer"),
        "the last 40 of 360 epochs next to a cheaper peer 11 points ahead",
        SEARCHED,
        True,
    ),
    (
        ("trials_at_hand", "at_hand_80"),
        "80 epochs, taught by features of an ImageNet-pretrained network",
        BASELINE,
        False,
    ),
)


def trials_late() -> str:
    found = {trial: scores_of(*trial) for trial in LATE}
    return _table(LATE, BASELINE, found, list(TITLES.values()), _told_of_peer("trials_late"))


def trials_late_local() -> str:
    """And more damaged images, by damaged.py, which 320 epochs alone were not tested on, but 360 were."""
    found = {trial: scores_of(*trial) for trial in LOCAL}
    of_local = _damaged("local_damaged", "/".join(LOCAL_VIEWS))
    (gain,) = gains_told(of_local, _damaged("finished_unfamiliar", "then_alone"))
    remark = f" On 5,000 corrupted images, against 360 epochs alone: {gain}."
    more = source("local_damaged") + source("finished_unfamiliar")
    return _table(LOCAL, ALONE, found, list(TITLES.values()), remark) + more


def _damaged(name: str, trial: str) -> dict[int, np.ndarray]:
    """Of results/<name>.json, by seed."""
    return {int(seed): np.array([found]) for seed, found in read(name)["accuracies"][trial].items()}


def trials_at_hand() -> str:
    """With a row more: damaged images of damaged.py."""
    found = {
        trial: {seed: np.append(scores, damaged[seed]) for seed, scores in scores_of(*trial).items()}
        for trial in AT_HAND
        for damaged in [_damaged("at_hand_damaged", "/".join(trial))]
    }
    titles = [*TITLES.values(), f"{read('at_hand_damaged')['images']:,} corrupted images"]
    teacher = read("at_hand_teacher")
    return (
        _table(AT_HAND, BASELINE, found, titles, _told_of_peer("trials_at_hand"))
        + "".join(source(name) for name in ("at_hand_damaged", "at_hand_teacher"))
        + f"\n\nThe teacher itself: kNN {percent(teacher['knn'])} %, linear {percent(teacher['linear'])} %."
    )


def finished() -> str:
    """README's: what makes the small encoder better where training alone is finished."""
    shown = ("linear_100", "linear_10", "linear_1", "noise_40", "corrupted")
    columns = [list(TITLES).index(score) for score in shown]
    found = {trial: {seed: scores[columns] for seed, scores in scores_of(*trial).items()} for trial, *_ in FINISHED}
    for baseline in (BASELINE, SEARCHED):
        found[baseline] = {seed: scores[columns] for seed, scores in scores_of(*baseline).items()}
    alone, other = (np.mean(list(found[trial].values()), axis=0) for trial in (ALONE, BASELINE))
    rows = [["alone, 320 epochs", *(percent(score) for score in alone), f"{_operations(*ALONE):.0f}"]]
    for trial, title, compared, before in FINISHED[1:]:
        operations = _operations(*trial) + (_operations(*ALONE) if before else 0)
        rows.append([title, *gains_told(found[trial], found[compared]), f"{operations:.0f}"])
    names = dict.fromkeys(name for (name, _), *_ in FINISHED)
    return (
        text_table(["accuracy, %, and gains in points", *(TITLES[score] for score in shown), "1e12 operations"], rows)
        + "\n\nTest set, 500 corrupted images; 95 % intervals over three seeds, paired, not corrected for their number. Gains "
        "of local views are over 320 epochs alone, the others' over 360; each over training alone on the same processor: on "
        f"the Xeon 360 epochs alone end at {' / '.join(map(percent, other))}. Operations are those of all networks that learn, "
        "not what peer and teacher had learnt before; in the last row add a third for the teacher's one pass and SEED's queue."
        + "\n\n"
        + "; ".join(source(name).strip() for name in names)
        + "."
    )


def _operations(name: str, trial: str) -> float:
    """1e12, of training."""
    return next(found["train_gflop"] for found in read(name)["trials"] if found["name"] == trial) / 1e3


def gains(new: tuple[str, str], old: tuple[str, str]) -> dict[str, str]:
    """Of one trial over another, (name of results/<name>.json, trial) each, by score, a key of TITLES."""
    return dict(zip(TITLES, gains_told(scores_of(*new), scores_of(*old)), strict=True))


def _told_of_peer(name: str) -> str:
    """What the peer of results/<name>.json can do itself."""
    (peer,) = (trial["test_scores"][PEER] for trial in read(name)["trials"] if trial["name"] == "peer_before")
    scores = ", ".join(f"{title} {percent(peer[score])} %" for score, title in TITLES.items())
    return f" The peer when it comes: {scores}."


def _table(columns: dict, baseline: tuple, found: dict, titles: list[str], remark: str = "") -> str:
    """With differences to `baseline`, and which of them stand among so many.

    found: by trial and seed, a number for each of `titles`.
    """
    alone = found[baseline]
    new = {trial: short for trial, (_, short) in columns.items() if short}
    means = {trial: np.mean(list(of_seeds.values()), axis=0) for trial, of_seeds in found.items()}
    gains = {trial: gains_told(found[trial], alone) for trial in new}
    rows = [
        [title, *(percent(mean[row]) for mean in means.values()), *(gain[row] for gain in gains.values())]
        for row, title in enumerate(titles)
    ]
    tests = {
        (short, title): p
        for trial, short in new.items()
        for title, p in zip(titles, p_values(found[trial], alone), strict=True)
    }
    adjusted = dict(zip(tests, holm(list(tests.values())), strict=True))
    sure = {test for test, p in adjusted.items() if p < 0.05}
    head = [title for title, _ in columns.values()] + [f"{short} - alone" for short in new.values()]
    return (
        text_table(["accuracy, %", *head], rows)
        + f"\n\nTest set; averaged weights; {len(alone)} seeds, paired; 95 % intervals over seeds. Of the {len(tests)} "
        f"differences, corrected for their number (Holm), stand: {told_of_sure(sure, list(adjusted))}."
        + remark
        + "".join(source(name) for name in dict.fromkeys(name for name, _ in columns))
    )


def told_of_sure(sure: set, tests: list) -> str:
    """Which of (short, title) are sure, or if most are, which are not."""
    most = len(sure) > len(tests) / 2
    told = "; ".join(", ".join(test) for test in tests if (test in sure) != most)
    if most:
        return f"all but {told}" if told else "all"
    return told or "none"


def scores_of(name: str, trial: str) -> dict[int, np.ndarray]:
    """Of the small encoder on the test set, in the order of TITLES, by seed."""
    return {
        found["seed"]: np.array([found["test_scores"][STUDENT][score] for score in TITLES])
        for found in read(name)["trials"]
        if found["name"] == trial
    }


def p_values(new: dict, old: dict) -> list[float]:
    """Of no difference, by Student's t test over seeds that both have."""
    seeds = sorted(new.keys() & old.keys())
    return list(scipy.stats.ttest_rel(*(np.array([found[seed] for seed in seeds]) for found in (new, old))).pvalue)
