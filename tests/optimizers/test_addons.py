"""The optimizers of tensorflow-addons; those tests that need it run on the addons stack."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from resumption import assert_a_resumed_run_ends_like_a_whole_one, model, train

from dogo_tf import optimizers
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras, tf

needs_addons = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow_addons") is None, reason="tensorflow-addons needs TensorFlow 2.15, Python 3.11"
)
WITH_DECAY = ["AdaBelief", "AdamW", "LAMB", "NovoGrad", "ProximalAdagrad", "RectifiedAdam", "SGDW", "Yogi"]
WITHOUT_DECAY = ["COCOB", "ConditionalGradient", "LazyAdam"]
WRAPPERS = ["AveragedOptimizerWrapper", "Lookahead", "MovingAverage", "MultiOptimizer", "SWA"]


def usable():
    return ", ".join(f"tfa:{name}" for name in sorted(WITH_DECAY + WITHOUT_DECAY))


def build(name, learning_rate=0.01, weight_decay=0.0):
    return optimizers.build(name if name == "lamb" else f"tfa:{name}", learning_rate, weight_decay)


def apply(optimizer, gradient, steps=1):
    """The kernel and bias after steps with gradient(w)."""
    rng = np.random.default_rng(0)
    starts = {"dense/kernel": rng.normal(size=(4, 3)), "dense/bias": rng.normal(size=(3,))}
    variables = [tf.Variable(start, name=name, dtype=tf.float32) for name, start in starts.items()]
    before = [v.numpy() for v in variables]
    for _ in range(steps):
        optimizer.apply_gradients([(gradient(v), v) for v in variables])
    return before, [v.numpy() for v in variables]


@pytest.mark.parametrize("name", ["lamb", "tfa:LAMB", "tfa:whatever"])
def test_without_the_extra_the_message_says_what_to_install(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_addons", None)  # as if it were not there
    with pytest.raises(InputError) as error:
        optimizers.build(name, 0.1, 0.0)
    assert str(error.value) == (
        f"optimizer: {name} needs tensorflow-addons; install with pip install 'dogo-tf[addons]' "
        "(Python 3.10 or 3.11, TensorFlow 2.15.1)"
    )


@needs_addons
@pytest.mark.parametrize("name", ["lamb", "LAMB"])
def test_lamb_is_the_papers_and_leaves_biases_to_adam(name):
    """Algorithm 2 of You et al. (2020), with phi(x) = x."""
    rate, decay, steps = 0.1, 0.3, 4
    before, after = apply(build(name, rate, decay), tf.square, steps)
    for start, ours, adapted in zip(before, after, (True, False), strict=True):
        w, m, v = start.astype(np.float64), 0.0, 0.0
        for t in range(1, steps + 1):
            m, v = 0.9 * m + 0.1 * w**2, 0.999 * v + 0.001 * w**4
            r = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-6)
            update = r + decay * w if adapted else r
            trust = np.linalg.norm(w) / np.linalg.norm(update) if adapted else 1.0
            w = w - rate * trust * update
        np.testing.assert_allclose(ours, w, rtol=2e-5, atol=2e-6)


@needs_addons
def test_lamb_treats_vectors_of_the_networks_as_biases():
    from tensorflow_addons.optimizers.utils import is_variable_matched_by_regexes

    from dogo_tf.optimizers.addons import BIASES_AND_BATCH_NORM
    from dogo_tf.peer import Peer

    variables = [
        v for name in ("wrn_10_1", "mobilenet_v3_small") for v in Peer(name, "simsiam", 32).trainable_variables
    ]
    left_out = [is_variable_matched_by_regexes(v, BIASES_AND_BATCH_NORM) for v in variables]
    assert left_out == [v.shape.rank == 1 for v in variables] and len(set(left_out)) == 2
    kernel = tf.Variable(0.0, name="bias_of_gamma/kernel")
    assert not is_variable_matched_by_regexes(kernel, BIASES_AND_BATCH_NORM)


@needs_addons
@pytest.mark.parametrize("name", WITH_DECAY)
def test_weight_decay_makes_weights_smaller(name):
    (start, _), (with_decay, _) = apply(build(name, 0.01, 0.5), tf.zeros_like, steps=3)
    (_, _), (without, _) = apply(build(name, 0.01, 0.0), tf.zeros_like, steps=3)
    np.testing.assert_array_equal(without, start)
    assert (np.abs(with_decay) < np.abs(start)).all()


@needs_addons
@pytest.mark.parametrize("name", ["AdamW", "SGDW"])
@pytest.mark.parametrize("rate", ["schedule", 0.4])
def test_decoupled_weight_decay_is_multiplied_by_the_learning_rate(name, rate):
    """As in Keras' AdamW and in PyTorch's, also after a clone."""
    schedule = optimizers.schedule("constant", 0.4, total_steps=9, warmup_steps=2) if rate == "schedule" else rate
    (made,) = optimizers.one_per_peer(build(name, schedule, 0.5), [keras.Model()])
    before, after = apply(made, tf.zeros_like, steps=3)
    rates = [0.0, 0.2, 0.4] if rate == "schedule" else [0.4] * 3
    np.testing.assert_allclose(after[0], before[0] * np.prod([1 - 0.5 * r for r in rates]), rtol=1e-6)


@needs_addons
@pytest.mark.parametrize("name", WITH_DECAY + WITHOUT_DECAY)
def test_each_trains_and_a_resumed_run_ends_like_a_whole_one(name, tmp_path):
    """With a schedule where it takes one: rate and decay follow the step, which is part of what is resumed."""
    warmup = 0 if name == "ProximalAdagrad" else 1
    schedule = optimizers.schedule("cosine", 0.01, total_steps=4 + warmup, warmup_steps=warmup)
    rate = 0.999 if name == "ConditionalGradient" else schedule
    decay = 0.0 if name in WITHOUT_DECAY else 1e-3
    made = assert_a_resumed_run_ends_like_a_whole_one(lambda: [build(name, rate, decay)], tmp_path)
    told = optimizers.learning_rate(made.peer_optimizers[0])
    expected = {"COCOB": None, "ConditionalGradient": 0.999}.get(name, float(schedule(3)))  # of the fourth step
    assert told == (expected if expected is None else pytest.approx(expected))


@needs_addons
def test_a_wrapper_made_in_python_trains_and_resumes(tmp_path):
    build("LAMB")  # imports tensorflow-addons without its notices
    from tensorflow_addons.optimizers import Lookahead

    def make():
        return [Lookahead(build("RectifiedAdam", 0.01), sync_period=3)]

    made = assert_a_resumed_run_ends_like_a_whole_one(make, tmp_path)
    assert optimizers.learning_rate(made.peer_optimizers[0]) == pytest.approx(0.01)


@needs_addons
def test_one_optimizer_is_cloned_for_each_peer():
    made = model([build("LAMB"), build("LAMB")])
    made.compile(build("LAMB", 0.02, 0.1))
    first, second = made.peer_optimizers
    assert first is not second and type(first) is type(second)
    assert first.get_config() == second.get_config()
    assert first.get_config()["weight_decay"] == pytest.approx(0.1)
    before = train(made, 0, 1)
    assert all(not np.array_equal(w.numpy(), old) for w, old in zip(made.trainable_variables, before, strict=True))
    assert [int(o.iterations) for o in made.peer_optimizers] == [1, 1]


@needs_addons
def test_two_replicas_train_like_one_device():
    tests = Path(__file__).parents[1]
    paths = os.pathsep.join([str(tests.parent / "benchmarks"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(tests / "helpers" / "addons_on_replicas.py")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
    assert done.returncode == 0, done.stderr[-3000:]
    deviations = json.loads(done.stdout.splitlines()[-1])
    assert len(deviations) == 3 and all(0 <= value < 1e-6 for value in deviations.values()), deviations


@needs_addons
def test_no_notice_reaches_the_screen():
    code = "from dogo_tf import optimizers; optimizers.build('lamb', 0.1, 0.0)"
    done = subprocess.run([sys.executable, "-W", "default", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "end of life" not in done.stderr, done.stderr


MISTAKES = {
    "unknown": (("lamb2", 0.1, 0.0), f"unknown optimizer 'tfa:lamb2'; known: {usable()}"),
    "no optimizer": (
        ("CyclicalLearningRate", 0.1, 0.0),
        f"unknown optimizer 'tfa:CyclicalLearningRate'; known: {usable()}",
    ),
    "base class": (
        ("KerasLegacyOptimizer", 0.1, 0.0),
        f"unknown optimizer 'tfa:KerasLegacyOptimizer'; known: {usable()}",
    ),
    "negative decay": (("LAMB", 0.1, -1.0), "weight_decay: expected a number >= 0, got -1.0"),
    **{
        name: (
            (name, 0.1, 1e-6),
            f"weight_decay: expected 0, as tfa:{name} has none; got 1e-06. With weight decay: "
            + ", ".join(f"tfa:{other}" for other in WITH_DECAY),
        )
        for name in WITHOUT_DECAY
    },
    **{
        name: (
            (name, 0.1, 0.0),
            f"optimizer: tfa:{name} wraps other optimizers, which a name cannot tell; in Python, give DoGo.compile one that "
            f"you have made, or use one of {usable()}",
        )
        for name in WRAPPERS
    },
    "schedule": (
        ("ConditionalGradient", optimizers.schedule("cosine", 0.1, 10), 0.0),
        "learning_rate: tfa:ConditionalGradient takes a number only (the share of a weight that stays, near 1) and no "
        "schedule; use schedule 'constant' and warmup_epochs 0",
    ),
    "warm-up": (
        ("ProximalAdagrad", optimizers.schedule("cosine", 0.1, 10, warmup_steps=2), 0.0),
        "learning_rate: tfa:ProximalAdagrad needs one above 0 in every step, also in the first; use warmup_epochs 0",
    ),
}


@needs_addons
@pytest.mark.parametrize("case", MISTAKES)
def test_what_cannot_be_used_is_named(case):
    arguments, message = MISTAKES[case]
    with pytest.raises(InputError) as error:
        build(*arguments)
    assert str(error.value) == message
