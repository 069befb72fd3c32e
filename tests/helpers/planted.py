"""Runs with planted accuracies: which images an arm gets right is drawn from a difficulty that all arms share."""

import numpy as np

from dogo_tf.comparison.results import DEFAULT_ARMS, ArmRun, Cost

SETTINGS = {"small": "wrn_10_2", "big": "wrn_16_2"}
COSTS = {
    "random": Cost(0, 0, 0, 0, 303_344),
    "solo": Cost(20, 1000, 600, 500, 303_344),
    "dogo": Cost(20, 3500, 2400, 130, 303_344),
    "solo_matched": Cost(70, 3500, 2100, 500, 303_344),
    "big_solo": Cost(20, 2500, 1800, 180, 692_208),
    "dogo_big": Cost(20, 3500, 2400, 130, 692_208),
}


def runs(studies: dict[str, dict[str, float]], seeds=(0, 1, 2), images=1000) -> list[ArmRun]:
    """One run per arm and seed. studies: by name, each arm's share of right answers.

    An arm gets right the easiest images of the study, one more or less from seed to seed.
    """
    found = []
    for arm in DEFAULT_ARMS:
        for seed in seeds:
            scores = {}
            for name, accuracies in studies.items():
                if arm in accuracies:
                    right = round(images * accuracies[arm]) + seed % 3 - 1
                    scores[name] = (np.random.default_rng(0).permutation(images) < right).astype(float)
            if scores:
                found.append(ArmRun(arm, seed, scores, COSTS[arm]))
    return found
