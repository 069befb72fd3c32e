"""The table of trials_search.txt: a peer that is far ahead, against alone for the same epochs and for the same operations."""

import numpy as np
from late_tables import p_values, scores_of, told_of_sure
from published import read, source
from trial_tables import TITLES, gains_told

from dogo_tf.comparison.significance import holm
from dogo_tf.reporting.table import percent, text_table

NAME, PEER = "trials_search", "then_peer"
ALONE = {"then_alone": "same epochs", "alone_as_long": "same operations"}


def peer_far_ahead() -> str:
    more = read("finished_unfamiliar")
    of_tests = dict.fromkeys(TITLES.values())
    unfamiliar = {"accuracies": f"{more['images']:,} corrupted images", "transferred": "photos of another data set"}
    found = {trial: scores_of(NAME, trial) for trial in (*ALONE, PEER)}
    rows, p_of = {title: [] for title in (*of_tests, *unfamiliar.values())}, {}
    for trial, of_seeds in found.items():
        for title, mean in zip(of_tests, np.mean(list(of_seeds.values()), axis=0), strict=True):
            rows[title].append(percent(mean))
        for kind, title in unfamiliar.items():
            known = more[kind].get(trial)
            rows[title].append(percent(np.mean(list(known.values()))) if known else "")
    for alone, short in ALONE.items():
        for title, gain, p in _gains(found[PEER], found[alone], of_tests):
            rows[title].append(gain)
            p_of[short, title] = p
        for kind, title in unfamiliar.items():
            if alone not in more[kind]:
                rows[title].append("")
                continue
            for _, gain, p in _gains(_unfamiliar(kind, PEER), _unfamiliar(kind, alone), [title]):
                rows[title].append(gain)
                p_of[short, title] = p
    adjusted = dict(zip(p_of, holm(list(p_of.values())), strict=True))
    sure = {test for test, p in adjusted.items() if p < 0.05}
    (peer,) = (trial["test_scores"]["wrn_16_1_ema"] for trial in read(NAME)["trials"] if trial["name"] == "peer_before")
    told = ", ".join(f"{title} {percent(peer[score])} %" for score, title in TITLES.items())
    heads = ["360 epochs alone", "444 epochs alone", "320 alone, 40 next to the peer"]
    heads += [f"next to the peer - alone, {short}" for short in ALONE.values()]
    return (
        text_table(["accuracy, %", *heads], [[title, *cells] for title, cells in rows.items()])
        + f"\n\nTest set; averaged weights; {len(found[PEER])} seeds, paired; 95 % intervals over seeds. The other data set is "
        "20 classes of Tiny ImageNet at 16 px: a linear probe learns from 10,000 images and is asked for 1,000. Empty: not "
        f"measured. Of the {len(p_of)} differences, corrected for their number (Holm), stand: "
        f"{told_of_sure(sure, list(adjusted))}. The peer when it comes: {told}."
        + source(NAME)
        + source("finished_unfamiliar")
    )


def _gains(new: dict, old: dict, titles):
    """(title, gain in words, p of no gain) of each score."""
    return zip(titles, gains_told(new, old), p_values(new, old), strict=True)


def gain_on_another_data_set() -> str:
    """Next to the peer, over training alone for the same epochs."""
    (gain,) = gains_told(*(_unfamiliar("transferred", trial) for trial in (PEER, "then_alone")))
    return gain


def _unfamiliar(kind: str, trial: str) -> dict[int, np.ndarray]:
    """By seed."""
    return {int(seed): np.array([found]) for seed, found in read("finished_unfamiliar")[kind][trial].items()}
