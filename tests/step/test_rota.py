"""Peers that rest: what is computed, what trains, what is logged, and that a run goes on exactly."""

import numpy as np
import pytest
from run_states import assert_same_state, make_pictures, small_run
from small_dogo import SIZE, encoder, images, objective

import dogo_tf
from dogo_tf import optimizers
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.runs.checkpoint import RunCheckpoint
from dogo_tf.step.rota import without_idle


def model(**kwargs):
    keras.utils.set_random_seed(1)
    peers = [dogo_tf.Peer(encoder(f"peer_{k}", 6 + k), objective("simclr"), name=f"peer_{k}", ema=0.9) for k in (0, 1)]
    made = dogo_tf.DoGo(peers, **kwargs)
    made.compile(keras.optimizers.SGD(0.1))
    return made


def fit(made, steps, first=0):
    data = np.concatenate([images(16, seed=first + step) for step in range(steps)])
    return made.fit(data, batch_size=16, shuffle=False, verbose=0).history


def weights(peer):
    return [*peer.encoder.get_weights(), *peer.projector.get_weights(), *peer.average.encoder.get_weights()]


def same(ours, theirs):
    return all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_a_peer_that_takes_part_in_every_third_step_changes_in_these_alone():
    made = model(train_every=[1, 3])
    changed = []
    for step in range(5):
        before = [weights(peer) for peer in made.peers]
        fit(made, 1, first=step)
        changed.append([not same(weights(peer), old) for peer, old in zip(made.peers, before, strict=True)])
    assert changed == [[True, True], [True, False], [True, False], [True, True], [True, False]]
    assert [int(o.iterations.numpy()) for o in made.peer_optimizers] == [5, 2]


def test_while_its_peer_rests_a_student_learns_as_if_it_were_alone():
    made, alone = model(stop_after=[None, 2]), model(distill_weight=0.0)
    fit(made, 2)
    for ours, theirs in zip(alone.peers[0].weights, made.peers[0].weights, strict=True):
        ours.assign(theirs)
    alone.examples_seen.assign(made.examples_seen)
    stopped = weights(made.peers[1])
    for each in (made, alone):
        fit(each, 3, first=2)
    for ours, theirs in zip(made.peers[0].encoder.get_weights(), alone.peers[0].encoder.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    assert same(weights(made.peers[1]), stopped)


def test_what_a_student_learnt_while_its_teacher_took_part_is_told_after_a_step_in_which_it_rested():
    made = model(train_every=[1, 2])
    made.fit(images(32), batch_size=16, shuffle=False, verbose=0)
    taught, logs = made.peer_metrics[0].means["distill"], made.history.history
    assert float(taught.count) == 1 and logs["peer_0/distill"] == [pytest.approx(float(taught.result()))]
    assert "peer_0/distill" in without_idle(made, logs)
    fit(made, 1, first=2)
    made.reset_metrics()
    fit(made, 1, first=3)  # a step without the teacher alone
    left = without_idle(made, made.history.history)
    assert "peer_0/ssl" in left and not {"peer_0/distill", "peer_0/agreement", "peer_1/ssl"} & left.keys()


def test_each_peer_has_the_schedule_of_one_optimiser_by_its_own_steps():
    made = model(train_every=[2, 1])
    made.compile(keras.optimizers.SGD(keras.optimizers.schedules.PolynomialDecay(0.1, 10, 0.0)))
    fit(made, 4)
    assert [float(optimizers.learning_rate(o)) for o in made.peer_optimizers] == pytest.approx([0.09, 0.07], abs=1e-6)


@pytest.mark.slow
def test_heads_by_which_nobody_learns_rest_too(caplog):
    made = model(train_every=[1, 2], scheme="simreg")
    head = next(term for term in made.distillation_terms if term.student == 0).head
    fit(made, 1)
    before = head.get_weights()
    fit(made, 1, first=1)
    assert same(head.get_weights(), before) and "Gradients do not exist" not in caplog.text
    fit(made, 1, first=2)
    assert not same(head.get_weights(), before)


@pytest.mark.slow
def test_one_call_of_fit_and_several_give_the_same():
    whole, parts = model(train_every=[1, 2]), model(train_every=[1, 2])
    fit(whole, 5)
    for step in range(5):
        fit(parts, 1, first=step)
    for ours, theirs in zip(parts.peers, whole.peers, strict=True):
        assert same(weights(ours), weights(theirs))


def test_a_resting_peer_is_not_computed():
    made, calls = model(stop_after=[None, 1]), []
    embed = made.peers[1].embed
    made.peers[1].embed = lambda *given: calls.append(1) or embed(*given)
    fit(made, 1)
    assert len(calls) == 1  # traced
    fit(made, 3, first=1)
    assert len(calls) == 1 and made.rota.compiled == 2


@pytest.mark.slow
def test_the_average_of_a_resting_peer_rests_and_a_frozen_teacher_without_students():
    made = model(
        train_every=[1, 2],
        teach=[dogo_tf.Edge("peer_1_ema", "peer_0"), dogo_tf.Edge("big", "peer_1")],
        teachers=[dogo_tf.FrozenTeacher(encoder("big"), "big")],
    )
    assert made.rota.at(0) == frozenset() and made.rota.at(1) == {"peer_1", "peer_1_ema", "big"}
    assert np.isfinite(fit(made, 3)["loss"]).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"train_every": 2},
            "train_every: expected a peer that trains in every step to the end; got every \\[2, 2\\], until",
        ),
        ({"train_every": [1, 0]}, "train_every: expected a whole number >= 1, or one for each of 2 peers; got"),
        ({"stop_after": [None, 0]}, "stop_after: expected None or steps >= 1, or one for each of 2 peers; got"),
        (
            {"train_every": [1, 2], "ssl_weight": [0.0, 1.0]},
            "ssl_weight: 0 leaves 'peer_0' nothing to learn in steps in which",
        ),
    ],
)
def test_what_cannot_be_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        model(**given)


def test_several_steps_in_a_call_are_refused():
    with pytest.raises(InputError, match=r"steps_per_execution: expected 1 where peers rest \(peer_1\); got 2"):
        model(train_every=[1, 2]).compile(steps_per_execution=2)
    with pytest.raises(InputError, match="steps_per_execution: expected 1 where peers rest; got 2"):
        small_run("x", "y", train_every=(1, 2), steps_per_execution=2)
    with pytest.raises(InputError, match="train_every: expected a peer that trains in every step, with train_share 1"):
        small_run("x", "y", train_every=(2, 1), train_share=(1.0, 0.5))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures") / "train"
    folder.mkdir()
    make_pictures(folder, 64, SIZE)
    return folder.parent


RESTS = {"train_every": (2, 1), "epochs": 2, "log_every": 1, "schedule": "cosine", "warmup_epochs": 0}


@pytest.mark.slow
def test_a_run_logs_who_took_part_and_ends_the_schedule_of_each(pictures, tmp_path):
    run = pretrain(
        small_run(pictures, tmp_path / "run", **RESTS)
    )  # the first peer rests: steps are counted by the other
    lines = run.metrics_lines()
    assert [line["step"] for line in lines] == list(range(1, 9))
    assert ["small_conv/std" in line for line in lines] == [True, False] * 4
    assert all("small_conv_2/std" in line and "small_conv/learning_rate" in line for line in lines)
    last = lines[-1]
    assert last["small_conv/learning_rate"] > last["small_conv_2/learning_rate"] > 0
    assert last["small_conv/learning_rate"] == pytest.approx(lines[6]["small_conv_2/learning_rate"], rel=1e-4)


@pytest.mark.slow
def test_a_resumed_run_ends_like_a_whole_one(pictures, tmp_path, monkeypatch):
    changes = {"train_every": (1, 2), "train_share": (1.0, 0.7), "epochs": 2, "log_every": 3, "checkpoint_steps": 3}
    whole = pretrain(small_run(pictures, tmp_path / "whole", **changes))
    save = RunCheckpoint.save

    class PowerCut(BaseException):
        pass

    def cut(self, step):
        save(self, step)
        if step == 3:
            raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(RunCheckpoint, "save", cut)
        with pytest.raises(PowerCut):
            pretrain(small_run(pictures, tmp_path / "cut", **changes))
    resumed = pretrain(small_run(pictures, tmp_path / "cut", **changes), resume=True)
    assert_same_state(resumed, whole)
