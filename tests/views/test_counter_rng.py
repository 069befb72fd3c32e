import math

import numpy as np
import pytest

from dogo_tf.platform.keras_compat import tf
from dogo_tf.views import counter_rng

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def by_hand(seed, stream, number, count):
    state = 0
    for word in (seed, *stream, number):
        state = mix(((state ^ (word & MASK)) + GOLDEN) & MASK)
    return [(mix((state + (k + 1) * GOLDEN) & MASK) >> 40) / 2**24 for k in range(count)]


def draw(seed=0, stream=(0, 0), count=16, rows=4096, first=0):
    return counter_rng.uniform(seed, stream, tf.range(first, first + rows, dtype=tf.int64), count).numpy()


def test_mixer_is_the_published_splitmix64():
    # The first outputs for seed 1234567, as listed for SplitMix64 at rosettacode.org ("Pseudo-random numbers/Splitmix64").
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    states = tf.constant([(1234567 + (k + 1) * GOLDEN) & MASK for k in range(3)], tf.uint64)
    assert counter_rng._mix(states).numpy().tolist() == expected


@pytest.mark.parametrize("seed, stream", [(0, (0, 0)), (7, (3, 1)), (-1, (0,)), (2**63 + 5, (1, 2, 3)), (2**70, ())])
def test_equals_plain_python_integers(seed, stream):
    numbers = [0, 1, 2, 12345, 2**40 + 1, 2**62]
    got = counter_rng.uniform(seed, stream, tf.constant(numbers, tf.int64), 5).numpy()
    assert got.tolist() == [by_hand(seed, stream, number, 5) for number in numbers]


def test_seed_and_stream_may_be_tensors():
    got = counter_rng.uniform(
        tf.constant(-7), (tf.constant(1), tf.constant(2, tf.int64)), tf.constant([5], tf.int64), 3
    )
    assert got.numpy().tolist() == [by_hand(-7, (1, 2), 5, 3)]


def test_compiled_is_identical():
    numbers = tf.range(1000, dtype=tf.int64)
    compiled = tf.function(lambda n: counter_rng.uniform(3, (1, 0), n, 32), jit_compile=True, autograph=False)
    np.testing.assert_array_equal(compiled(numbers), counter_rng.uniform(3, (1, 0), numbers, 32))


def test_rows_do_not_depend_on_the_batch_nor_on_the_count():
    whole = draw(rows=64)
    np.testing.assert_array_equal(whole[20:30], draw(rows=10, first=20))
    np.testing.assert_array_equal(whole[:, :3], draw(rows=64, count=3))


def test_uniform():
    values = draw().ravel()
    assert values.min() >= 0 and values.max() < 1
    cells = 256
    expected = len(values) / cells
    chi_square = ((np.bincount((values * cells).astype(int), minlength=cells) - expected) ** 2 / expected).sum()
    assert abs(chi_square - (cells - 1)) < 4 * math.sqrt(2 * (cells - 1))
    steps = np.arange(1, len(values) + 1) / len(values)
    assert np.abs(np.sort(values) - steps).max() < 1.95 / math.sqrt(len(values))  # Kolmogorov-Smirnov, p = 0.001


def test_every_counter_is_uniform():
    means = draw(rows=20000).mean(axis=0)
    assert np.abs(means - 0.5).max() < 4 / math.sqrt(12 * 20000)


@pytest.mark.parametrize(
    "other",
    [
        dict(seed=1),
        dict(stream=(0, 1)),
        dict(stream=(1, 0)),
        dict(first=1),  # the neighbouring example
        dict(first=4096),
        dict(seed=2**32),
    ],
)
def test_no_correlation_between_seeds_streams_and_examples(other):
    a, b = draw().ravel(), draw(**other).ravel()
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / math.sqrt(len(a))
    assert (a == b).mean() < 1e-4


def test_no_correlation_between_counters():
    correlations = np.corrcoef(draw(rows=20000), rowvar=False)
    assert np.abs(correlations - np.eye(16)).max() < 4.5 / math.sqrt(20000)


def test_swapped_stream_differs():
    assert not (draw(stream=(1, 2)) == draw(stream=(2, 1))).all(axis=1).any()
