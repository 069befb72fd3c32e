"""95 % intervals of accuracies and of paired differences, over test images and over seeds.

A score x[s, i] says how often image i was classified correctly after training with seed s. Another user would draw other
seeds and meet other images, so the interval has to hold for both. With m[s] the mean over the N images, and the model

    x[s, i] = mean + seed effect[s] + image effect[i] + rest[s, i]

two standard errors of the mean over everything are estimated:

    over seeds    E_seeds^2  = (variance of m[s] over the S seeds) / S
    over images   E_images^2 = (mean over pairs of seeds of the covariance of their scores over the images) / N

All seeds are tested on the same images, so what is hard in an image does not average out over seeds; the covariance
between seeds is that part. The rest is already in the scatter of m[s] and must not be counted twice. The interval is

    mean +- sqrt( (t[S-1] E_seeds)^2 + (t[N-1] E_images)^2 )        t[n]: 97.5 % quantile of Student's t

i.e. each margin is the exact one if it stands alone, and they add like independent errors (Howe 1974, "Approximate
confidence limits on the mean of X + Y where X and Y are two tabled independent random variables", JASA 69). One t quantile
with Welch-Satterthwaite degrees of freedom on the sum is the usual alternative and too narrow for few seeds: where the seeds
make up most of the error it covers 92 % with 3 seeds and 87 % with 2. These intervals cover 95-99 % in the same simulations.

One seed says nothing about other seeds: the interval is then the percentile bootstrap over test images, and too narrow.
"""

from typing import NamedTuple

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError

RESAMPLES = 2000
FEWEST = 2  # test images
# A block of resamples, [rows, distinct scores] of int64 counts, stays below this.
BLOCK_BYTES = 32 * 2**20
TAIL = 0.025


class Interval(NamedTuple):
    """A mean and the ends of its 95 % interval, in 0..1 for accuracies and -1..1 for differences.

    seeds_error: standard error over seeds; None if there was only one. images_error: over test images.
    """

    mean: float
    low: float
    high: float
    seeds_error: float | None
    images_error: float


def check_enough_images(test: ImageSet) -> None:
    """InputError for one test image, over which no interval can be taken: to be asked before anything is computed."""
    if len(test) < FEWEST:
        raise InputError(f"{test.name}: expected at least {FEWEST} images to test on, got {len(test)}")


def accuracy_interval(scores, seed: int = 0) -> Interval:
    """The mean of `scores` and its 95 % interval; see the top of this file.

    Args:
        scores: [S, N] of S seeds on the same N test images, or [N] of one seed; 0..1, the share of correct answers.
        seed: of the bootstrap, which is used for one seed only.
    Raises:
        InputError: other shapes, fewer than 2 images, values that are not in 0..1.
    """
    return _interval(_checked("scores", scores), 0.0, seed)


def difference_interval(scores, other, seed: int = 0) -> Interval:
    """The mean of `scores - other` and its 95 % interval, paired by seed and test image.

    Args:
        scores, other: as in accuracy_interval, with the same shape; row s of both comes from the same seed.
    """
    scores, other = _checked("scores", scores), _checked("other", other)
    if scores.shape != other.shape:
        raise InputError(
            f"scores and other: expected the same seeds and test images, got {list(scores.shape)} and {list(other.shape)}"
        )
    return _interval(scores - other, -1.0, seed)


def bootstrap_means(values: np.ndarray, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """The means [resamples] of as many draws, with replacement, of N out of the N values.

    Images with equal scores are interchangeable, so a draw is how often each distinct score came up: multinomial counts.
    """
    distinct, counts = np.unique(values, return_counts=True)
    generator = np.random.default_rng(seed)
    rows = max(1, BLOCK_BYTES // (8 * len(distinct)))
    blocks = [
        generator.multinomial(len(values), counts / len(values), size=min(rows, resamples - start)) @ distinct
        for start in range(0, resamples, rows)
    ]
    return np.concatenate(blocks) / len(values)


def _interval(values: np.ndarray, smallest: float, seed: int) -> Interval:
    seeds, images = values.shape
    mean = float(values.mean())
    if seeds == 1:
        means = bootstrap_means(values[0], seed)
        low, high = np.quantile(means, [TAIL, 1 - TAIL])
        return Interval(mean, float(low), float(high), None, float(means.std()))
    from scipy import stats  # takes half a second, which a mistyped flag need not wait for

    seeds_error = values.mean(axis=1).std(ddof=1) / np.sqrt(seeds)
    of_mean, of_seeds = values.mean(axis=0).var(ddof=1), values.var(axis=1, ddof=1)
    covariance = (seeds**2 * of_mean - of_seeds.sum()) / (seeds * (seeds - 1))
    images_error = np.sqrt(max(covariance, 0) / images)
    margin = np.hypot(
        stats.t.ppf(1 - TAIL, seeds - 1) * seeds_error,
        stats.t.ppf(1 - TAIL, images - 1) * images_error,
    )
    # Few seeds can give margins that leave the possible range.
    low, high = max(mean - margin, smallest), min(mean + margin, 1.0)
    return Interval(mean, float(low), float(high), float(seeds_error), float(images_error))


def _checked(name: str, scores) -> np.ndarray:
    scores = np.asarray(scores, np.float64)
    if scores.ndim not in (1, 2) or scores.shape[-1] < FEWEST or scores.shape[0] < 1:
        raise InputError(
            f"{name}: expected [seeds, images] or [images] with at least {FEWEST} images, got {list(scores.shape)}"
        )
    if not ((scores >= 0) & (scores <= 1)).all():
        raise InputError(f"{name}: expected shares in 0..1, got values from {scores.min()} to {scores.max()}")
    return np.atleast_2d(scores)
