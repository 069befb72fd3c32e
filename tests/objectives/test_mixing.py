"""Objectives next to each other, and objectives of one's own."""

import itertools

import numpy as np
import pytest
from equality import SIZE, encoder, small

import dogo_tf
from dogo_tf import objectives
from dogo_tf.objectives._heads import mlp
from dogo_tf.platform import plugins
from dogo_tf.platform.keras_compat import keras, tf

NAMES = plugins.names(objectives.__name__)
ALONE = [(name,) for name in NAMES]
# Quick ones: with and without a target, negatives and a queue.
IN_PAIRS = [
    pytest.param(pair, marks=() if pair in (("byol", "moco"), ("simclr", "simsiam")) else pytest.mark.slow)
    for pair in itertools.combinations_with_replacement(NAMES, 2)
]


def fitted(*given, eagerly=True):
    """The model after two steps, {name: weight before} of every peer, and what fit reports."""
    keras.utils.set_random_seed(0)
    peers = [dogo_tf.Peer(encoder(f"peer_{k}", 4 + k, "relu"), objective) for k, objective in enumerate(given)]
    model = dogo_tf.DoGo(peers)
    # Not as a graph, whose tracing takes longer than these steps; test_collectives.py has every pair as a graph.
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=eagerly)
    before = [[weight.numpy() for weight in peer.weights] for peer in peers]
    views = dogo_tf.Views(*np.random.default_rng(0).uniform(0, 255, (2, 16, SIZE, SIZE, 3)).astype(np.float32))
    return model, before, model.fit(tf.data.Dataset.from_tensors(views).repeat(2), verbose=0).history


@pytest.mark.parametrize("names", [*ALONE, *IN_PAIRS], ids="+".join)
def test_every_pair_of_objectives_trains_every_weight(names):
    model, before, history = fitted(*(small(name) for name in names))
    assert np.isfinite(list(history.values())).all()
    for peer, old in zip(model.peers, before, strict=True):
        still = [w.name for w, start in zip(peer.weights, old, strict=True) if np.array_equal(w.numpy(), start)]
        assert still == []
        assert (f"{peer.name}/distill" in history) == (len(names) == 2)


@pytest.mark.slow
def test_one_objective_for_two_peers_shares_nothing_between_them():
    """Each trains as it would with an instance of its own."""
    for name in ("byol", "moco"):
        shared = small(name)
        settings = dict(vars(shared))
        (together, _, _), (apart, _, _) = fitted(shared, shared), fitted(small(name), small(name))
        assert vars(shared) == settings
        for ours, theirs in zip(together.peers, apart.peers, strict=True):
            for a, b in zip(ours.weights, theirs.weights, strict=True):
                np.testing.assert_array_equal(a, b)
        first, second = together.peers
        assert not {id(w) for w in first.weights} & {id(w) for w in second.weights}


class SpreadAndAgree(objectives.Objective):
    """An objective of one's own, with a target that is the network of the step before."""

    has_target = True

    def projector(self, d_h):
        return mlp("projector", d_h, (6,), norm_last=True)

    def target_momentum(self, progress):
        return 0.0

    def loss(self, both):
        return tf.reduce_mean((both.a.z - both.b.target) ** 2, axis=-1)


def test_an_objective_of_ones_own_needs_only_a_subclass():
    model, before, history = fitted(SpreadAndAgree(), small("simclr"), eagerly=False)
    own = model.peers[0]
    assert np.isfinite(history["peer_0/ssl"]).all()
    for ours, theirs in zip(own.target.copies[0].trainable_weights, own.encoder.trainable_weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert own.predictor is None and own.queue is None
    assert any(np.any(w.numpy() != old) for w, old in zip(own.trainable_weights, before[0], strict=False))
