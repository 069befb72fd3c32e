"""Runs whose encoders start from the weights of others, and what first weights depend on."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from run_states import make_pictures, small_run

import dogo_tf
from dogo_tf import encoders
from dogo_tf.errors import InputError
from dogo_tf.evaluate.classifier import LinearClassifier
from dogo_tf.export import tflite
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import tf
from dogo_tf.pretraining import pretrain as module
from dogo_tf.pretraining.build_model import build_model
from dogo_tf.pretraining.initial_weights import start_from
from dogo_tf.pretraining.pretrain import pretrain


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def places(pictures, tmp_path_factory):
    """One encoder in every kind of place: (places by kind, its weights)."""
    folder = tmp_path_factory.mktemp("places")
    run = pretrain(small_run(pictures, folder / "run", peers=("first=small_conv", "second=small_conv"), epochs=1))
    encoder = run.load_encoder("second")
    head = LinearClassifier(np.ones((8, 3), np.float32), np.zeros(3, np.float32), 1.0, True)
    kinds = {
        "run": f"{run.path}#second",
        "keras": str(run.path / "encoders" / "second.keras"),
        "saved model": str(export_saved_model(encoder, folder / "saved")),
        "saved model with a head": str(export_saved_model(encoder, folder / "with_head", head=head)),
    }
    return kinds, encoder.get_weights()


@pytest.mark.parametrize("kind", ["run", "keras", "saved model", "saved model with a head"])
def test_a_peer_and_its_target_start_from_them_at_another_image_size_and_others_do_not(kind, places):
    kinds, weights = places
    peers = [dogo_tf.Peer("small_conv", "byol", image_size=24, name=name) for name in ("a", "b")]
    before = peers[1].encoder.get_weights()
    start_from(peers, (f"a={kinds[kind]}",))
    for encoder in (peers[0].encoder, peers[0].target.copies[0]):
        for ours, theirs in zip(encoder.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    for ours, old in zip(peers[1].encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, old)


@pytest.mark.parametrize(
    "name",
    ["wrn_10_1", *(pytest.param(name, marks=pytest.mark.slow) for name in ("mobilenet_v3_small", "shufflenet_v2"))],
)
def test_what_starts_computes_what_was_saved(name, tmp_path):
    """Whatever order a file keeps the layers of a network with branches in."""
    encoder = encoders.build(name, 32)
    encoder.save(tmp_path / "e.keras", save_format="keras")
    peer = dogo_tf.Peer(name, "simclr", image_size=32, name="a")
    start_from([peer], (f"a={tmp_path / 'e.keras'}",))
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_array_equal(peer.encoder(images), encoder(images))


def test_a_run_starts_from_them_and_goes_on_from_its_own_checkpoint(pictures, places, tmp_path, monkeypatch):
    kinds, weights = places
    first = Path(shutil.copy(kinds["keras"], tmp_path / "first.keras"))
    init = (f"small_conv={first}",)
    made = small_run(pictures, tmp_path / "run", peers=("small_conv",), epochs=1, init=init)
    at_the_start = []
    fit = module.fit_to_the_end

    def watched(model, *rest):
        at_the_start.append(model.peers[0].encoder.get_weights())
        fit(model, *rest)

    monkeypatch.setattr(module, "fit_to_the_end", watched)
    run = pretrain(made)
    trained = run.load_encoder("small_conv").get_weights()
    first.unlink()  # a run that goes on does not need them
    pretrain(made, resume=True)
    for found, expected in zip(at_the_start, (weights, trained), strict=True):
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert run.config()["settings"]["init"] == list(made.init)


def test_mistakes_are_told_before_the_run_folder_is_made(pictures, places, tmp_path):
    kinds, _ = places

    def refused(message, *init, peers=("small_conv",)):
        with pytest.raises(InputError, match=message):
            pretrain(small_run(pictures, tmp_path / "run", peers=peers, init=init))
        assert not (tmp_path / "run" / "config.json").exists()

    refused("init: expected name=path or name=run_folder#peer, separated by commas; got 'runs/a'", "runs/a")
    refused("unknown peer in init 'big'; known: small_conv", "big=runs/a")
    refused("init: small_conv comes twice", "small_conv=runs/a", "small_conv=runs/b")
    refused("init: small_conv: encoder: .*nowhere does not exist; expected a .keras file", "small_conv=nowhere")
    run = kinds["run"].partition("#")[0]
    refused("init: small_conv: peer: which encoder of .* It has: first, second", f"small_conv={run}")
    other = r"is another network, {}: its array 0 has shape \(3, 3, 3, 4\), the peer's \(3, 3, 3, {}\); expected weights of "
    message = (
        "init: bigger_conv: .*/run#second " + other.format("small_conv", 8) + "bigger_conv. Name their network in --p"
    )
    refused(message, f"bigger_conv={kinds['run']}", peers=("bigger_conv",))
    message = "init: bigger_conv: .*/second.keras " + other.format("small_conv", 8)
    refused(message, f"bigger_conv={kinds['keras']}", peers=("bigger_conv",))
    refused(
        "init: wrn_10_1: .*/saved " + other.format("saved", 16) + "wrn_10_1. Name their network in --peers",
        f"wrn_10_1={kinds['saved model']}",
        peers=("wrn_10_1",),
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["keras", "saved model"])
def test_networks_that_begin_otherwise_for_small_images_are_not_taken_for_the_same(kind, tmp_path):
    encoder = encoders.build("shufflenet_v2", 128)
    path = tmp_path / "e.keras"
    encoder.save(path, save_format="keras") if kind == "keras" else export_saved_model(
        encoder, path := tmp_path / "saved"
    )
    smaller, larger = (dogo_tf.Peer("shufflenet_v2", image_size=side, name="a") for side in (64, 160))
    start_from([larger], (f"a={path}",))
    message = (
        "is for images of 128 px, where shufflenet_v2 has other strides than at 64 px; expected an image_size of at l"
    )
    with pytest.raises(InputError, match=message):
        start_from([smaller], (f"a={path}",))


@pytest.mark.slow
def test_a_file_without_weights_to_train_is_refused(places, tmp_path):
    kinds, _ = places
    (tmp_path / "e.tflite").write_bytes(tflite.convert(kinds["saved model"], ["float32"])["float32"])
    peers = [dogo_tf.Peer("small_conv", "simclr", image_size=16, name="a")]
    with pytest.raises(
        InputError, match="init: a: .*e.tflite holds no weights that can be trained on; expected a .keras"
    ):
        start_from(peers, (f"a={tmp_path / 'e.tflite'}",))


def test_a_saved_model_of_elsewhere_is_refused(tmp_path):
    class Mean(tf.Module):
        def __init__(self):
            super().__init__()
            self.scale = tf.Variable(2.0)

        @tf.function(input_signature=[tf.TensorSpec([None, 16, 16, 3], tf.uint8)])
        def __call__(self, images):
            return self.scale * tf.reduce_mean(tf.cast(images, tf.float32), [1, 2])

    module = Mean()
    tf.saved_model.save(module, str(tmp_path / "mean"), signatures=module.__call__)
    with pytest.raises(InputError, match="init: a: .*mean holds no weights that can be trained on; expected a .keras"):
        start_from([dogo_tf.Peer("small_conv", "simclr", image_size=16, name="a")], (f"a={tmp_path / 'mean'}",))


def test_heads_and_queues_of_schemes_begin_alike_whoever_else_is_there(pictures, tmp_path):
    def first(*more):
        peers = ("a=small_conv", "b=small_conv", *more)
        made = small_run(pictures, tmp_path, peers=peers, teach="b>a:scheme=seed")
        (term,) = build_model(made, 16, (0, 0, 0), (1, 1, 1), steps_per_epoch=3).distillation_terms
        return [variable.numpy() for variable in term.variables]

    among_two, among_three = first(), first("c=bigger_conv")
    assert len(among_two) > 1
    for ours, theirs in zip(among_two, among_three, strict=True):
        np.testing.assert_array_equal(ours, theirs)
