"""A peer that is taught by the running average of its own weights."""

import numpy as np
import pytest
from run_states import make_pictures, small_run
from small_dogo import SIZE, encoder, images, objective

import dogo_tf
from dogo_tf.distill.similarity_kl import similarity_kl
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.runs.checkpoint import RunCheckpoint


def model(weight, seed=1, objectives=("simsiam",), edge=("peer_0_ema", "peer_0"), **kwargs):
    keras.utils.set_random_seed(seed)
    peers = [
        dogo_tf.Peer(encoder(f"peer_{k}", width=6 + k), objective(name), ema=0.9) for k, name in enumerate(objectives)
    ]
    made = dogo_tf.DoGo(peers, teach=[dogo_tf.Edge(*edge, weight=weight)], **kwargs)
    made.compile(keras.optimizers.SGD(0.1))
    return made


def fit(made, first=0, last=3):
    for step in range(first, last):
        history = made.fit(images(16, seed=step), batch_size=16, shuffle=False, verbose=0).history
    return {name: values[-1] for name, values in history.items()}


def test_the_student_imitates_the_similarities_of_its_average():
    made = model(2.0, views="shared")
    fit(made)
    (peer,), (average,) = made.peers, made.averages
    views = dogo_tf.Views(*(tf.constant(images(16, seed=seed), tf.float32) for seed in (7, 8)))
    embeddings = made.embed([views, views], training=True)
    expected = [average.projector(peer.average.encoder(view, training=False), training=False) for view in views[:2]]
    own = embeddings[0]
    kl = tf.reduce_mean(similarity_kl(own.a.p, own.b.p, *expected))
    assert float(kl) > 1e-4
    np.testing.assert_allclose(made.distill_losses(embeddings)[0], 2.0 * kl, rtol=1e-5)


def test_its_projector_follows_too_and_learns_by_nothing_else():
    made = model(1.0)
    peer, average = made.peers[0], made.averages[0]
    expected = average.projector.get_weights()
    for step in range(3):
        fit(made, step, step + 1)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = [
            decay * old + (1 - decay) * new for old, new in zip(expected, peer.projector.get_weights(), strict=True)
        ]
    for ours, value in zip(average.projector.get_weights(), expected, strict=True):
        np.testing.assert_allclose(ours, value, rtol=1e-5, atol=1e-7)
    assert not {id(w) for w in peer.average.weights} & {id(w) for w in made.variables_of_each()[0]}


def test_it_changes_what_the_student_learns_and_is_logged():
    taught, alone = model(5.0), model(0.0)
    logs = fit(taught)
    fit(alone)
    pairs = zip(taught.peers[0].encoder.get_weights(), alone.peers[0].encoder.get_weights(), strict=True)
    assert any(not np.allclose(a, b) for a, b in pairs)
    assert logs["peer_0/distill"] > 0 and 0 < logs["peer_0/agreement"] <= 1


@pytest.mark.slow
def test_a_resumed_run_ends_like_a_whole_one(tmp_path):
    whole, resumed = model(1.0), model(1.0, seed=2)
    fit(whole, 0, 2)
    RunCheckpoint(tmp_path, whole).save(2)
    fit(whole, 2, 4)
    assert RunCheckpoint(tmp_path, resumed).restore_newest()
    fit(resumed, 2, 4)
    for ours, theirs in zip(resumed.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), err_msg=theirs.name)


@pytest.mark.slow
def test_the_average_of_one_peer_teaches_another():
    made = model(1.0, objectives=("simclr", "simsiam"), edge=("peer_1_ema", "peer_0"))
    logs = fit(made)
    assert [average.name for average in made.averages] == ["peer_1_ema"] and logs["peer_0/distill"] > 0


def test_what_cannot_be_is_refused():
    for edge, message in (
        (
            ("peer_0", "peer_0_ema"),
            "teach: peer_0>peer_0_ema: peer_0_ema is an average, which follows its peer and lea",
        ),
        (("peer_1_ema", "peer_0"), "unknown peer in teach 'peer_1_ema'; known: peer_0, peer_0_ema"),
    ):
        with pytest.raises(InputError, match=message):
            model(1.0, edge=edge)
    with pytest.raises(
        InputError, match="teach: a_ema>a: a_ema is an average, which is kept with ema only; give e.g. ema"
    ):
        small_run("nowhere", "", peers=("a=small_conv",), teach="a_ema>a")
    with pytest.raises(InputError, match="the average of 'a' is called 'a_ema'; call that teacher otherwise"):
        small_run("nowhere", "", peers=("a=small_conv",), teachers=("a_ema=x",), ema=0.9)


@pytest.mark.slow
def test_a_run_by_text_names_it(tmp_path, capsys):
    (tmp_path / "images" / "train").mkdir(parents=True)
    make_pictures(tmp_path / "images" / "train", 32, SIZE)
    changes = {"peers": ("small_conv",), "teach": "small_conv_ema>small_conv", "ema": 0.9, "epochs": 1, "log_every": 1}
    run = pretrain(small_run(tmp_path / "images", tmp_path / "run", **changes))
    assert "  small_conv_ema       teacher" in capsys.readouterr().out
    assert all(line["small_conv/distill"] > 0 for line in run.metrics_lines()[1:])
