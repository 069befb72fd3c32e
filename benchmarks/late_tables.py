"""The table of trials_late.txt: a peer, and a teacher, for an encoder that has nearly finished learning alone."""

import numpy as np
import scipy.stats
from published import read, source
from trial_tables import TITLES, gains_told

from dogo_tf.comparison.significance import holm
from dogo_tf.reporting.table import percent, text_table

# Of its averaged weights, which vary less than the raw ones.
STUDENT, PEER = "wrn_10_1_ema", "wrn_16_2_ema"
HEADS = {
    "alone": "alone, 320 epochs",
    "then_alone": "40 more, alone",
    "then_cached": "40 more, taught by cached features",
    "then_peer": "40 more, next to the peer",
}
BASELINE, NEW = "then_alone", ("then_cached", "then_peer")


def trials_late() -> str:
    """Which of the differences stand among so many, too, and what the peer itself can do."""
    found = _scores()
    (peer,) = (trial["test_scores"][PEER] for trial in read("trials_late")["trials"] if trial["name"] == "peer_before")
    means = {name: np.mean(list(found[name].values()), axis=0) for name in HEADS}
    gains = {name: gains_told(found[name], found[BASELINE]) for name in NEW}
    rows = [
        [title, *(percent(means[name][row]) for name in HEADS), *(gains[name][row] for name in NEW)]
        for row, title in enumerate(TITLES.values())
    ]
    tests = {(name, title): p for name in NEW for title, p in zip(TITLES.values(), _p_values(found, name), strict=True)}
    adjusted = dict(zip(tests, holm(list(tests.values())), strict=True))
    sure = [f"{HEADS[name].split(', ')[1]}, {title}" for (name, title), p in adjusted.items() if p < 0.05]
    of_peer = ", ".join(f"{title} {percent(peer[score])} %" for score, title in TITLES.items())
    return (
        text_table(["accuracy, %", *HEADS.values(), "taught - alone", "next to the peer - alone"], rows)
        + f"\n\nTest set; averaged weights; {len(found[BASELINE])} seeds, paired; 95 % intervals over seeds. Of the "
        f"{len(tests)} differences, corrected for their number (Holm), stand: {'; '.join(sure) or 'none'}. "
        f"The peer when it comes: {of_peer}." + source("trials_late")
    )


def gains_next_to_the_peer() -> dict[str, str]:
    """By score, a key of TITLES."""
    found = _scores()
    return dict(zip(TITLES, gains_told(found["then_peer"], found[BASELINE]), strict=True))


def _scores() -> dict[str, dict[int, np.ndarray]]:
    """Of the small encoder on the test set, in the order of TITLES, by trial and seed."""
    found = {}
    for trial in read("trials_late")["trials"]:
        if of_student := trial["test_scores"].get(STUDENT):
            found.setdefault(trial["name"], {})[trial["seed"]] = np.array([of_student[score] for score in TITLES])
    return found


def _p_values(found: dict, name: str) -> list[float]:
    """Of no difference to the baseline, by Student's t test over seeds."""
    seeds = sorted(found[name].keys() & found[BASELINE].keys())
    new, old = (np.array([of_seeds[seed] for seed in seeds]) for of_seeds in (found[name], found[BASELINE]))
    return list(scipy.stats.ttest_rel(new, old).pvalue)
