"""Uncertainty: the image whose two likeliest classes are closest, by a linear probe of the labelled images.

Margin sampling, Scheffer, Decomain & Wrobel, "Active hidden Markov models for information extraction" (IDA 2001). It finds
what the probe confuses, not what it has never seen: with few labels that is mostly noise.

Time: a probe of the labelled images, then O(N d C) for C classes, in blocks.
"""

from collections.abc import Iterator

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.linear import fit_linear_probe
from dogo_tf.selection._pool import BLOCK, Choice, Pool

NEEDS_LABELS = True


def choose(pool: Pool) -> Iterator[Choice]:
    if len(np.unique(pool.labels)) < 2:
        raise InputError(
            f"labels: a probe expects at least two classes, got only {pool.class_name(int(pool.labels[0]))}"
        )
    probe = fit_linear_probe(pool.features[pool.labelled], pool.labels, pool.seed)
    rows = pool.unlabelled
    likeliest, shares = np.empty([len(rows), 2], np.int64), np.empty([len(rows), 2])
    for start in range(0, len(rows), BLOCK):
        block = slice(start, start + BLOCK)
        found = probe.probabilities(pool.features[rows[block]])
        likeliest[block] = np.argsort(-found, axis=1, kind="stable")[:, :2]
        shares[block] = np.take_along_axis(found, likeliest[block], axis=1)
    names = probe.classes
    for place in np.argsort(shares[:, 0] - shares[:, 1], kind="stable"):
        first, second = (pool.class_name(int(names[number])) for number in likeliest[place])
        yield Choice(
            int(rows[place]), f"between {first} ({shares[place, 0]:.2f}) and {second} ({shares[place, 1]:.2f})"
        )
