"""Local views in every objective, against loops over pairs of views; and what they do not touch."""

import itertools

import numpy as np
import oracles
import pytest
from equality import small

from dogo_tf.errors import InputError
from dogo_tf.numerics import similarity
from dogo_tf.objectives import simclr
from dogo_tf.objectives._objective import Objective
from dogo_tf.platform import plugins
from dogo_tf.platform.keras_compat import tf
from dogo_tf.types import Embeddings, ViewEmbeddings

BATCH, WIDTH, LOCAL = 5, 7, 3
QUEUE = np.random.default_rng(99).normal(size=(6, WIDTH))


def rows(seed, count=BATCH):
    return np.random.default_rng(seed).normal(size=(count, WIDTH))


def embeddings(local=LOCAL):
    """Global views with targets, then local ones without; a different z, p and target each."""
    a, b = (Embeddings(None, *(rows(10 * view + part) for part in range(3))) for view in (0, 1))
    small = (Embeddings(None, *(rows(10 * view + part) for part in range(2))) for view in range(2, 2 + local))
    return ViewEmbeddings(a, b, QUEUE, tuple(small))


def nt_xent_of_pair(view, glob, other):
    """-log softmax of the same image in `glob` among all images of both global views but the same image in `other`."""
    losses = []
    for i, anchor in enumerate(view.z):
        logits = [oracles.cosine(anchor, row) / 0.2 for row in glob.z]
        logits += [oracles.cosine(anchor, row) / 0.2 for k, row in enumerate(other.z) if k != i]
        losses.append(-np.log(oracles.softmax(logits)[i]))
    return np.mean(losses)


def vicreg_of_pair(view, glob, other):
    of_batch = sum(oracles.vicreg_variance(v.z) + oracles.vicreg_covariance(v.z) / 25 for v in (view, glob))
    return np.mean(oracles.vicreg_invariance(view.z, glob.z)) + of_batch


# What `view` learns from the global view `glob`; `other` is the other global one.
OF_PAIR = {
    "byol": lambda view, glob, _: np.mean(oracles.squared_distance_of_unit_rows(view.p, glob.target)),
    "simsiam": lambda view, glob, _: (
        -np.mean([oracles.cosine(*of_image) for of_image in zip(view.p, glob.z, strict=True)])
    ),
    "moco": lambda view, glob, _: np.mean(oracles.info_nce(view.z, glob.target, QUEUE, 0.2)),
    "barlow_twins": lambda view, glob, _: oracles.redundancy(view.z, glob.z, 5e-3),
    "vicreg": vicreg_of_pair,
    "simclr": nt_xent_of_pair,
}


def test_every_objective_has_an_oracle():
    assert OF_PAIR.keys() == set(plugins.names("dogo_tf.objectives"))


@pytest.mark.parametrize("name", OF_PAIR)
def test_the_loss_is_the_mean_over_all_pairs_of_a_view_and_another_global_one(name):
    both = embeddings()
    local = [OF_PAIR[name](view, *globals) for view in both.local for globals in ((both.a, both.b), (both.b, both.a))]
    expected = np.mean([np.mean(small(name).loss(both))] * 2 + local)
    # Barlow Twins has an epsilon in its correlations, which the loop has not.
    np.testing.assert_allclose(small(name).mean_loss(both), expected, rtol=1e-4 if name == "barlow_twins" else 1e-9)


@pytest.mark.parametrize("name", OF_PAIR)
def test_without_local_views_it_is_the_plain_loss_to_the_bit(name):
    both = embeddings(local=0)
    assert float(small(name).mean_loss(both)) == float(tf.reduce_mean(small(name).loss(both)))


@pytest.mark.parametrize("name", ["byol", "simsiam", "moco"])
def test_global_views_are_targets_without_gradient(name):
    both = tf.nest.map_structure(lambda x: x if x is None else tf.constant(x), embeddings())
    given = [x for part in (both.a, both.b) for x in (part.z, part.p, part.target)]
    with tf.GradientTape() as tape:
        tape.watch([given, [view.z for view in both.local], [view.p for view in both.local]])
        loss = tf.reduce_mean(small(name).local_loss(both))
    of_global, of_z, of_p = tape.gradient(loss, [given, *([v[k] for v in both.local] for k in (1, 2))])
    assert of_global == [None] * 6
    learning = of_p if small(name).has_predictor else of_z
    assert all(np.any(gradient) for gradient in learning)


def test_the_gradient_of_local_nt_xent_is_that_of_finite_differences():
    arrays = [rows(0, 2 * BATCH), rows(1), rows(2)]
    given = [tf.constant(x) for x in arrays]
    with tf.GradientTape() as tape:
        tape.watch(given)
        loss = tf.reduce_mean(simclr.local_nt_xent(*given))
    for k, gradient in enumerate(tape.gradient(loss, given)):

        def function(x, k=k):
            return simclr.local_nt_xent(*arrays[:k], x, *arrays[k + 1 :]).numpy().mean()

        np.testing.assert_allclose(gradient, oracles.numeric_gradient(function, arrays[k]), atol=1e-9)


def test_equal_rows_give_the_chance_loss_of_global_views():
    same = np.ones((BATCH, WIDTH))
    losses = simclr.local_nt_xent(np.ones((2 * BATCH, WIDTH)), same, same)
    np.testing.assert_allclose(losses, np.full(4 * BATCH, simclr.Objective().chance_loss(BATCH)), rtol=1e-12)


def test_many_local_views_are_computed_in_blocks_of_anchors(monkeypatch):
    whole = simclr.local_nt_xent(rows(0, 3 * BATCH), rows(1), rows(2))
    monkeypatch.setattr(similarity, "MOST_SIMILARITIES", 4 * 2 * BATCH)  # 4 anchors of 15
    np.testing.assert_allclose(simclr.local_nt_xent(rows(0, 3 * BATCH), rows(1), rows(2)), whole, rtol=1e-12)


@pytest.mark.parametrize(("half", "name"), list(itertools.product(["bfloat16", "float16"], OF_PAIR)))
def test_half_precision_is_promoted(half, name):
    given = tf.nest.map_structure(lambda x: x if x is None else tf.cast(x, half), embeddings())
    loss = small(name).mean_loss(given)
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(loss, small(name).mean_loss(embeddings()), rtol=0.05)


class Own(Objective):
    """Without `pair_loss`."""

    def loss(self, both):
        return both.a.z[:, 0]


def test_an_objective_that_does_not_know_local_views_says_so():
    with pytest.raises(
        InputError, match="local_views: the objective Own does not define pair_loss or local_loss, which"
    ):
        Own().mean_loss(embeddings())
    Own().mean_loss(embeddings(local=0))
