"""Features in clouds, as a good encoder gives them."""

import numpy as np


def clouds(counts, d=4, spread=0.15, seed=0):
    """(features, cloud of each): unit rows float32 [N, d] around as many directions as there are counts."""
    rng = np.random.default_rng(seed)
    which = np.repeat(np.arange(len(counts)), counts)
    rows = np.eye(d)[which] + rng.normal(0, spread, [len(which), d])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), which
