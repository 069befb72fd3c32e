"""What would fail obscurely or silently on several replicas is refused, or works; see replica_errors.py for the cases."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

EXPECTED = {
    "batch norm": "peer 'peer_0': 1 layers of batch normalisation, e.g. 'alone', would take their statistics on each replica "
    "alone; make the peer of dogo_tf.encoders.synchronised(model), ",
    "batch norm apart": "fine",
    "batch norm synchronised": "fine",
    "batch norm synchronised within": "fine",
    "batch norm in a block": "encoder 'blocks': the batch normalisation 'hidden' is inside a layer of your own; write "
    "BatchNormalization(synchronized=True) there",
    "batch norm subclassed": "encoder 'own': cannot be rebuilt with synchronised batch normalisation (",
    "jit": "jit_compile: TensorFlow cannot compile a step over 2 replicas on CPUs",
    "built outside": "optimizer: the one of peer 0 was made outside the model's strategy, and would silently train otherwise",
    "cloned inside": "fine",
    "callbacks": "fine",
    "uneven array": "x: 25 images in batches of 16 leave a last batch of 9, which 2 replicas cannot share as the others; "
    "give 16 images, or a tf.data.Dataset with drop_remainder=True",
    "uneven evaluation": "x: 25 images in batches of 16 leave a last batch of 9",
    "indivisible array": "x: a batch of 15 images does not divide over 2 replicas",
    "uneven dataset": "x: its last batch may be smaller, which 2 replicas cannot share; use .batch(size, drop_remainder=True)",
    "indivisible dataset": "x: a batch of 15 images does not divide over 2 replicas",
    "uneven distributed": "x: batches of unknown size for 2 replicas; batch with drop_remainder=True",
    "norm of gradients": "fine",
    "generator": "x: expected arrays or a tf.data.Dataset with batches of one size for 2 replicas; got generator",
}


@pytest.fixture(scope="module")
def messages():
    paths = os.pathsep.join([str(TESTS.parent / "benchmarks"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(TESTS / "helpers" / "replica_errors.py")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("case", EXPECTED)
def test_on_two_replicas(messages, case):
    assert messages[case].startswith(EXPECTED[case])


def test_every_case_is_looked_at(messages):
    assert messages.keys() == EXPECTED.keys()
