"""The running average of an encoder's weights."""

import numpy as np
import pytest
import small_dogo
from run_states import make_pictures, small_run

import dogo_tf
from dogo_tf.data import load
from dogo_tf.errors import InputError
from dogo_tf.evaluate import embed, knn_accuracy
from dogo_tf.evaluate.sources import load_encoder
from dogo_tf.export import main as export_main
from dogo_tf.platform.keras_compat import keras
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.pretraining.probing import load_probe_data

DECAY = 0.6


def model(ema):
    keras.utils.set_random_seed(1)
    peer = dogo_tf.Peer(small_dogo.encoder("peer"), small_dogo.objective("simclr"), ema=ema)
    made = dogo_tf.DoGo([peer])
    made.compile(keras.optimizers.SGD(0.1))
    return made


def test_it_follows_weights_and_statistics_by_the_equation_and_changes_nothing_else():
    averaged, plain = model(DECAY), model(None)
    peer = averaged.peers[0]
    expected = peer.encoder.get_weights()
    for step in range(12):  # the first ones with a decay of (1 + t) / (10 + t), 0.6 from t = 12.5 on
        for made in (averaged, plain):
            made.fit(small_dogo.images(16, seed=step), batch_size=16, verbose=0)
        decay = min(DECAY, (1 + step) / (10 + step))
        weights = peer.encoder.get_weights()
        expected = [decay * old + (1 - decay) * new for old, new in zip(expected, weights, strict=True)]
        for ours, value in zip(peer.average.encoder.get_weights(), expected, strict=True):
            np.testing.assert_allclose(ours, value, rtol=1e-5, atol=1e-7)
    for ours, theirs in zip(peer.encoder.get_weights(), plain.peers[0].encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(peer.average.encoder.get_weights(), weights, strict=True):
        assert not np.array_equal(ours, theirs)
    assert not {id(w) for w in peer.average.weights} & {id(w) for w in peer.trainable_variables}


def test_the_decay_is_the_given_one_in_the_end():
    made = model(0.2)
    average = made.peers[0].average
    average.steps.assign(1000)
    before = average.encoder.get_weights()
    made.fit(small_dogo.images(16), batch_size=16, verbose=0)
    weights = made.peers[0].encoder.get_weights()
    for ours, old, new in zip(average.encoder.get_weights(), before, weights, strict=True):
        np.testing.assert_allclose(ours, 0.2 * old + 0.8 * new, rtol=1e-5, atol=1e-7)


def test_what_cannot_be_averaged_is_refused():
    for decay in (0, 1, -0.5, float("nan")):
        with pytest.raises(InputError, match=r"^ema: expected a number above 0 and up to 0.999999, got "):
            model(decay)
    subclassed = small_dogo.called(small_dogo.subclassed(), keras.Input((small_dogo.SIZE, small_dogo.SIZE, 3)))
    with pytest.raises(InputError, match="an average of its weights .* copies it, .* it is a subclass"):
        dogo_tf.Peer(subclassed, small_dogo.objective("simclr"), ema=0.9)
    with pytest.raises(InputError, match="ema: the average of 'a' is called 'a_ema'; call that peer otherwise"):
        small_run("nowhere", "", peers=("a=small_conv", "a_ema=small_conv"), ema=0.9)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run with averages, and its settings."""
    path = tmp_path_factory.mktemp("average")
    for label in ("dark", "light"):
        (path / "images" / "train" / label).mkdir(parents=True)
        make_pictures(path / "images" / "train" / label, 16)
    flags = {"peers": ("small_conv",), "epochs": 1, "ema": 0.9, "probe_every": 1, "log_every": 1}
    made = small_run(path / "images", path / "run", **flags)
    return made, pretrain(made)


@pytest.mark.slow
def test_a_run_probes_and_keeps_it_beside_the_encoder(finished):
    made, run = finished
    assert run.peer_names() == ["small_conv", "small_conv_ema"]
    ours, theirs = (run.load_encoder(name).get_weights() for name in run.peer_names())
    assert all(np.isfinite(weight).all() for weight in theirs)
    assert not all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
    data = load_probe_data(made, load(made.dataset, "train"), 16)
    train, held_out = (data.images.labels[rows] for rows in (~data.held_out, data.held_out))
    last = {line["peer"]: line["knn"] for line in run.probe_lines()}
    assert last.keys() == {"small_conv", "small_conv_ema"}
    for name, knn in last.items():
        features = embed(load_encoder(run.path, name), data.images.images)  # as dogo-export finds it
        assert knn == knn_accuracy(features[~data.held_out], train, features[data.held_out], held_out).accuracy


@pytest.mark.slow
def test_it_is_exported_as_a_peer_is(finished, tmp_path):
    _, run = finished
    words = ["--dataset=patterns", "--split=train[:300]", "--test_split=test[:256]", "--formats=float32", "--targets="]
    asked = ["dogo-export", f"--run_dir={run.path}", "--peer=small_conv_ema", f"--out={tmp_path / 'out'}", *words]
    assert export_main.run(asked) == 0
    images = load("patterns", "test[:8]", 16).images
    exported = embed(load_encoder(tmp_path / "out" / "small_conv_ema_float32.tflite"), images)
    np.testing.assert_allclose(exported, embed(run.load_encoder("small_conv_ema"), images), rtol=1e-4, atol=1e-5)
    assert np.abs(exported - embed(run.load_encoder("small_conv"), images)).max() > 1e-3
