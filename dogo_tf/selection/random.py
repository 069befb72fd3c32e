"""Random images: what every other method has to beat, and the only unbiased sample."""

from collections.abc import Iterator

from dogo_tf.selection._pool import Choice, Pool


def choose(pool: Pool) -> Iterator[Choice]:
    for row in pool.in_random_order(pool.unlabelled):
        yield Choice(int(row), "at random")
