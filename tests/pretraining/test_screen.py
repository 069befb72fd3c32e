"""What a training shows: within 80 columns, the small encoder's numbers included."""

import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import small_dogo

import dogo_tf
from dogo_tf import Edge
from dogo_tf.data.image_set import ImageSet
from dogo_tf.platform.keras_compat import keras
from dogo_tf.pretraining import screen
from dogo_tf.pretraining.screen import header
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.reporting.progress import Progress
from dogo_tf.step.flops import training_operations
from dogo_tf.training.first_steps import TIMED_STEPS, FirstSteps
from dogo_tf.training.progress_note import progress_note


@pytest.fixture(scope="module")
def model():
    return small_dogo.model("simclr", "simsiam")


def settings(**more):
    peers = ("peer_0=small_conv:simclr", "peer_1=small_conv:simsiam")
    return PretrainSettings(dataset="x", run_dir="y", peers=peers, epochs=3, batch_size=16, **more)


def test_a_header_says_what_is_about_to_run(model):
    lines = header(settings(), ImageSet("cats train", small_dogo.images(40)), model, 2).splitlines()
    assert lines[0] == "cats train: 40 images of 8 x 8 pixels"
    peer = model.peers[0]
    cost = f"{peer.encoder.count_params() / 1e6:.2f} M parameters, {training_operations(peer) / 1e9:.2f} GFLOP an image"
    assert lines[1].split() == ["peer_0", "simclr", *cost.split()] and lines[2].strip() == "temperature=0.2"
    assert lines[3].split()[:2] == ["peer_1", "simsiam"]
    assert lines[4] == "3 epochs x 2 steps = 6 steps of 16 images"
    assert lines[5] == "adam at 0.0018, adam at 0.001, constant"
    assert lines[6].endswith("CPU cores, float32")


def test_operations_of_layers_that_are_not_counted_are_not_known():
    pixels = keras.Input((8, 8, 3))
    rows = keras.layers.Reshape((64, 3))(pixels)
    attended = keras.layers.MultiHeadAttention(1, 4)(rows, rows)
    network = keras.Model(pixels, keras.layers.GlobalAveragePooling1D()(attended), name="attentive")
    model = dogo_tf.DoGo([dogo_tf.Peer(network, small_dogo.objective("simclr"), name="peer_0")])
    asked = PretrainSettings("x", "y", peers=("peer_0=small_conv",))
    assert "M parameters, operations not known" in header(asked, ImageSet("cats", small_dogo.images(40)), model, 2)


def test_a_family_says_what_each_student_costs_with_its_share_of_the_peer(model):
    a, b, big = (model.peers[k] for k in (0, 0, 1))
    names = {"a": a, "b": b, "big": big}
    peers = [SimpleNamespace(name=name, **vars_of(peer)) for name, peer in names.items()]
    edges = [Edge("big", "a"), Edge("big", "b"), Edge("a", "big")]
    family = SimpleNamespace(
        peers=peers, edges=edges, teachers=(), averages=(), distribute_strategy=model.distribute_strategy
    )
    asked = PretrainSettings("x", "y", peers=("a=small_conv", "b=small_conv", "big=small_conv"))
    shown = header(asked, ImageSet("cats", small_dogo.images(40)), family, 2)
    small, large = (training_operations(peer) / 1e9 for peer in (a, big))
    expected = f"a {small + large / 2:.2f}, b {small + large / 2:.2f}, big {small + large:.2f}"
    assert f"  GFLOP an image with its share of who teaches it: {expected}" in shown


def test_students_of_a_peers_average_share_it_and_its_operations(model, monkeypatch):
    monkeypatch.setattr(screen, "training_operations", lambda peer: {"a": 1e9, "b": 2e9, "big": 12e9}[peer.name])
    monkeypatch.setattr(screen, "averages_operations", lambda peer: 3e9)
    peers = [SimpleNamespace(name=name, **vars_of(model.peers[0])) for name in ("a", "b", "big")]
    taught = SimpleNamespace(
        peers=peers,
        edges=[Edge("big_ema", "a"), Edge("big_ema", "b"), Edge("big_ema", "big")],
        teachers=(),
        averages=(SimpleNamespace(name="big_ema", peer="big"),),
        distribute_strategy=model.distribute_strategy,
    )
    asked = PretrainSettings("x", "y", peers=("a=small_conv", "b=small_conv", "big=small_conv"))
    shown = header(asked, ImageSet("cats", small_dogo.images(40)), taught, 2)
    assert "  GFLOP an image with its share of who teaches it: a 8.50, b 9.50, big 15.00\n" in shown


def vars_of(peer) -> dict:
    names = ("encoder", "projector", "predictor", "target", "objective", "image_size", "local")
    return {name: getattr(peer, name) for name in names}


@pytest.mark.parametrize(
    "side, crops, more, expected",
    [
        (10, "stored", {}, "  views of 8 x 8 are cut out of these (as before: --store_size=8)"),
        (10, "stored", {"image_size": 8, "store_size": 10}, "  views of 8 x 8 are cut out of these"),
        (8, "originals", {}, "  views of 8 x 8 are cut out of the originals (as before: --store_size=8)"),
    ],
)
def test_a_header_says_what_larger_pictures_views_are_cut_out_of(model, side, crops, more, expected):
    images = ImageSet("cats", np.zeros((40, side, side, 3), np.uint8))
    lines = header(settings(**more), images, model, 2, crops).splitlines()
    assert lines[0] == f"cats: 40 images of {side} x {side} pixels" and lines[1] == expected
    assert max(map(len, lines)) <= 80


def test_long_names_still_fit_into_80_columns(model):
    long = "keras_cv.efficientnetv2_b3_imagenet_classifier"
    peers = [SimpleNamespace(name=long, encoder=p.encoder) for p in model.peers]
    images = ImageSet("a/long/path/" * 10, small_dogo.images(40))
    for line in header(settings(), images, model, 2).splitlines():
        assert len(line) <= 80, line
    metrics = {"images_per_second": 345.6, f"{long}/ssl": 5.123456, f"{long}/distill": 0.98765}
    shown = screen_line("epoch 100/200", progress_note(metrics, peers[:1]))
    assert "ssl 5.12 distill 0.99" in shown and len(shown) < 80


def screen_line(label, note):
    """On a terminal of 80 columns, 12 hours before the end."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", Terminal())
        patch.setenv("COLUMNS", "80")
        line = Progress(label, 10000, quiet_for=0, counted=False)
        line.first = (line.started - 12 * 3600, 0)
        line.update(5000, note)
        return sys.stderr.getvalue().removeprefix("\r\x1b[K")


def test_the_small_encoders_numbers_come_first(model):
    big, small = model.peers[1], model.peers[0]
    assert small.encoder.count_params() < big.encoder.count_params()
    metrics = {"images_per_second": 203.4} | {f"peer_{k}/{m}": 1.0 + k for k in (0, 1) for m in ("ssl", "distill")}
    note = progress_note(metrics, [big, small])
    assert note == "203 img/s  peer_0 ssl 1.00 distill 1.00  peer_1 ssl 2.00 distill 2.00"
    shown = screen_line("epoch 100/200", note)
    assert shown.startswith("epoch 100/200 (50 %, 12:00:0") and "peer_0 ssl 1.00 distill 1.00" in shown


def test_long_names_that_begin_alike_are_told_apart_by_their_ends(model):
    named = ("mobilenet_v3_small", "mobilenet_v2", "resnet_18_wide")
    peers = [SimpleNamespace(name=name, encoder=model.peers[0].encoder) for name in named]
    metrics = {"images_per_second": 1.0} | {f"{name}/ssl": 1.0 for name in named}
    assert progress_note(metrics, peers) == "1 img/s  …_v3_small ssl 1.00  …ilenet_v2 ssl 1.00  resnet_18… ssl 1.00"


def test_the_expected_time_is_said_once_after_the_first_steps(model, capsys):
    speeds = []
    first = FirstSteps(40, lambda seconds, steps: speeds.append(steps))
    first.on_train_begin()
    first.on_train_begin()  # of another call of fit
    assert capsys.readouterr().out.count("compiling the first step") == 1
    for step in range(1, 30):
        first.on_step(step, step - 1, {"loss": 1.0})
        assert len(speeds) == (step > TIMED_STEPS)
    shown = capsys.readouterr().out
    assert speeds == [range(1, 1 + TIMED_STEPS)]
    assert shown.count("\n") == 1 and f"for {40 - 1 - TIMED_STEPS} more steps" in shown and len(shown) <= 81


def test_a_step_that_is_compiled_for_a_resting_peer_is_not_timed():
    timed = []
    first = FirstSteps(40, lambda seconds, steps: timed.append(steps))
    first.set_model(SimpleNamespace(rota=SimpleNamespace(compiled=1, until={})))
    first.on_train_begin()
    for step in range(1, 30):
        first.model.rota.compiled = 1 if step < 3 else 2  # the peer rests in the third step for the first time
        first.on_step(step, step - 1, {"loss": 1.0})
    assert timed == [range(3, 3 + TIMED_STEPS)]


@pytest.mark.parametrize(("until", "said"), [(None, "about"), (20, "at most"), (3, "about"), (40, "about")])
def test_a_time_that_falls_once_a_peer_stops_is_told_as_the_longest(until, said, capsys):
    first = FirstSteps(40)
    first.set_model(SimpleNamespace(rota=SimpleNamespace(compiled=1, until={"small": None, "big": until})))
    first.on_train_begin()
    for step in range(1, 30):
        first.on_step(step, step - 1, {"loss": 1.0})
    assert f"expected time: {said} 0:00" in capsys.readouterr().out
