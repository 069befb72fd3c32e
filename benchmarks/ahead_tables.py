"""The tables of trials_search.txt: peers that are ahead, against alone for the same epochs and for the same operations."""

import numpy as np
from late_tables import p_values, scores_of, told_of_sure
from published import read, source
from trial_tables import TITLES, gains_told

from dogo_tf.comparison.significance import holm
from dogo_tf.reporting.table import percent, text_table

NAME = "trials_search"
# Alone: the head of a column, and at equal what.
ALONE = {
    "then_alone": ("360 epochs alone", "same epochs"),
    "alone_as_long": ("444 epochs alone", "same operations"),
    "alone_twice_as_long": ("640 epochs alone", "same operations, with those of the peer before"),
}
LEAST_SEEDS = 3  # of a difference with an interval
UNFAMILIAR = {"transferred": "photos of another data set"}


def peer_far_ahead() -> str:
    """Next to the one that has learnt from the features of a network of ImageNet."""
    return _next_to("then_peer", "peer_before", tuple(ALONE))


def peer_ahead_without_labels() -> str:
    """Next to the one that nobody has taught."""
    return _next_to("then_peer_free", "peer_before_free", ("then_alone", "alone_as_long"))


def _next_to(peer: str, peer_before: str, alone: tuple[str, ...]) -> str:
    """A column for each trial, then the differences of `peer` to those of `alone`; trials of results/trials_search.json."""
    more = read("finished_unfamiliar")
    unfamiliar = (
        {"accuracies": f"{more['images']:,} corrupted images"} | UNFAMILIAR if peer in more["accuracies"] else {}
    )
    tests = dict.fromkeys(TITLES.values())
    found = {trial: scores_of(NAME, trial) for trial in (*alone, peer)}
    rows, p_of = {title: [] for title in (*tests, *unfamiliar.values())}, {}
    for trial, of_seeds in found.items():
        for title, mean in zip(tests, np.mean(list(of_seeds.values()), axis=0), strict=True):
            rows[title].append(percent(mean))
        for kind, title in unfamiliar.items():
            known = more[kind].get(trial)
            rows[title].append(percent(np.mean(list(known.values()))) if known else "")
    for trial in alone:
        short = ALONE[trial][1]
        for title, gain, p in _gains(found[peer], found[trial], tests):
            rows[title].append(gain)
            if len(found[trial]) >= LEAST_SEEDS:
                p_of[short, title] = p
        for kind, title in unfamiliar.items():
            if trial not in more[kind]:
                rows[title].append("")
                continue
            for _, gain, p in _gains(_unfamiliar(kind, peer), _unfamiliar(kind, trial), [title]):
                rows[title].append(gain)
                p_of[short, title] = p
    adjusted = dict(zip(p_of, holm(list(p_of.values())), strict=True))
    sure = {test for test, p in adjusted.items() if p < 0.05}
    (before,) = (trial for trial in read(NAME)["trials"] if trial["name"] == peer_before)
    told = ", ".join(
        f"{title} {percent(before['test_scores']['wrn_16_1_ema'][score])} %" for score, title in TITLES.items()
    )
    fewer = "".join(f"; {ALONE[trial][0]}: {len(found[trial])}" for trial in alone if len(found[trial]) < LEAST_SEEDS)
    heads = [*(ALONE[trial][0] for trial in alone), "320 alone, 40 next to the peer"]
    heads += [f"next to the peer - alone, {ALONE[trial][1]}" for trial in alone]
    other_data = (
        " The other data set is 20 classes of Tiny ImageNet at 16 px: a linear probe learns from 10,000 images and is asked "
        "for 1,000. Empty: not measured."
    )
    return (
        text_table(["accuracy, %", *heads], [[title, *cells] for title, cells in rows.items()])
        + f"\n\nTest set; averaged weights; {len(found[peer])} seeds, paired, with 95 % intervals over seeds{fewer}."
        + (other_data if unfamiliar else "")
        + f" Of the {len(p_of)} differences with an interval, corrected for their number (Holm), stand: "
        f"{told_of_sure(sure, list(adjusted))}. The peer when it comes, after {before['train_gflop'] / 1e3:.0f}e12 "
        f"operations: {told}." + source(NAME) + (source("finished_unfamiliar") if unfamiliar else "")
    )


def _gains(new: dict, old: dict, titles):
    """(title, gain in words, p of no gain) of each score."""
    return zip(titles, gains_told(new, old), p_values(new, old), strict=True)


def gain_on_another_data_set() -> str:
    """Next to the peer that is far ahead, over training alone for the same epochs."""
    (gain,) = gains_told(*(_unfamiliar("transferred", trial) for trial in ("then_peer", "then_alone")))
    return gain


def _unfamiliar(kind: str, trial: str) -> dict[int, np.ndarray]:
    """By seed."""
    return {int(seed): np.array([found]) for seed, found in read("finished_unfamiliar")[kind][trial].items()}
