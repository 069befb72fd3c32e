"""Which images go onto a page that cannot hold all."""

import numpy as np

from dogo_tf.errors import InputError


def sampled(count: int, most: int, always=(), seed: int = 0) -> np.ndarray:
    """Row numbers, ascending int64 [min(count, most)]: all of `always`, and of the others a fair sample.

    The same for the same arguments; a larger `most` only adds rows.
    Raises InputError if `always` alone are more than `most`.
    """
    if count <= most:
        return np.arange(count)
    always = np.unique(np.asarray(always, np.int64))
    if len(always) > most:
        raise InputError(
            f"max_images: expected at least {len(always)}, the images that have labels or are in the lists; got {most}"
        )
    # Drawn from all, so that a list or a label more changes the sample by a few images, and not all of it.
    others = np.random.default_rng(seed).permutation(count)
    others = others[~np.isin(others, always)]
    return np.sort(np.concatenate([always, others[: most - len(always)]]))
