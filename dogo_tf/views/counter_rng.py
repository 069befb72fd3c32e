"""Random numbers as a pure function of what they are for: a seed, a stream, an example's number and a counter.

Nothing is kept between calls and rows do not know their neighbours, so neither the batch size nor the number of devices
changes what an example gets. The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014) with Stafford's variant 13 of the MurmurHash3 finaliser: every example has its own sequence, and
the start of a sequence is the seed, the stream and the example's number mixed in one after the other.
"""

import numpy as np

from dogo_tf.platform.keras_compat import tf

GOLDEN = 0x9E3779B97F4A7C15  # 2**64 / golden ratio, SplitMix64's increment
MANTISSA_BITS = 24


def uniform(seed, stream, example_numbers, count: int):
    """Uniform numbers in [0, 1), multiples of 2**-24.

    Args:
        seed: int or integer scalar.
        stream: sequence of ints or integer scalars that tells apart what shares the seed, e.g. (peer, view).
        example_numbers: int64 [B].
        count: numbers per example; the first ones do not depend on it.
    Returns:
        float32 [B, count]; [b, k] depends on seed, stream, example_numbers[b] and k alone, to the last bit.
    """
    state = tf.zeros((), tf.uint64)
    for word in (seed, *stream, example_numbers):
        state = _mix((state ^ to_word(word)) + to_word(GOLDEN))
    # As an array: in a graph, tf.constant makes other numbers of a Python list that does not fit into int64.
    counters = tf.constant(np.array([(k + 1) * GOLDEN % 2**64 for k in range(count)], np.uint64))
    bits = tf.bitwise.right_shift(_mix(state[:, tf.newaxis] + counters), to_word(64 - MANTISSA_BITS))
    return tf.cast(tf.cast(bits, tf.int32), tf.float32) * 2.0**-MANTISSA_BITS


def to_word(value):
    """An int or an integer tensor as tf.uint64, modulo 2**64: negative and very large seeds are fine too."""
    if isinstance(value, int):
        return tf.constant(value % 2**64, tf.uint64)
    return tf.cast(value, tf.uint64)


def _mix(z):
    """A bijection of 64-bit words in which every bit of the input changes half the bits of the output."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, to_word(shift))) * to_word(factor)
    return tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, to_word(31)))
