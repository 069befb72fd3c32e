"""Which images to label next; a file for each method.

A method's module holds one function, `choose(pool)`, a generator of Choices, best first. It never learns how many are wanted:
so the first 50 of 100 are the 50 of a smaller budget.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import all_finite
from dogo_tf.platform import plugins
from dogo_tf.selection._pool import Choice, Pool

__all__ = ["DEFAULT", "Choice", "Selection", "check_budget", "check_method", "methods", "select"]

DEFAULT = "max_herding"


class Selection(NamedTuple):
    """The images to label. rows: int64 [budget], in the order of their use. why: for each one a reason in words."""

    rows: np.ndarray
    why: tuple[str, ...]


def methods() -> list[str]:
    """The names of all methods."""
    return plugins.names(__name__)


def check_method(name: str, has_labels: bool = True) -> None:
    """InputError for an unknown method, or one that needs labels if there are none."""
    if getattr(plugins.load(__name__, name, "method"), "NEEDS_LABELS", False) and not has_labels:
        raise InputError(f"method: {name} asks a probe of labelled images; give some, or another method")


def check_budget(budget: int, left: int) -> None:
    """InputError unless there are so many images without a label."""
    if not left:
        raise InputError("budget: every image has a label already")
    if not 1 <= budget <= left:
        raise InputError(f"budget: expected 1 to {left}, the images without a label; got {budget}")


def select(
    features,
    budget: int,
    method: str = DEFAULT,
    labelled=(),
    labels=None,
    class_names: Sequence[str] = (),
    seed: int = 0,
) -> Selection:
    """The images to label next, none of them twice, none that has a label already.

    Nested: with the same arguments a smaller budget gives the beginning of a larger one's. Where a method tells the images that
    are left apart no further (all is covered, say), they come at random, and `why` says so.

    Args:
        features: float [N, d] of an encoder, any scale: every method sees them standardised, then as rows of length 1.
        budget: how many images, 1 .. N - L.
        method: one of `methods()`.
        labelled: L row numbers of images that have a label, any order; what they stand for is not looked for again.
        labels: whole numbers [L], their classes, for a method that needs them.
        class_names: the names of the classes 0, 1, ... for `why`; their numbers if not given.
        seed: of all that is drawn.
    Raises:
        InputError: unknown method; NaN features; row numbers or labels that do not fit; a budget out of range; a method that
            needs labels without any, or of one class only.
    """
    check_method(method, labels is not None)
    pool = _checked(features, labelled, labels, class_names, seed)
    check_budget(budget, len(pool.features) - len(pool.labelled))
    # One thread: most products are thin, and threads cost ten times what they save. So the number of cores changes nothing.
    with threadpool_limits(1):
        chosen = list(
            itertools.islice(_each_once(pool, method, plugins.load(__name__, method, "method").choose(pool)), budget)
        )
    return Selection(np.array([choice.row for choice in chosen], np.int64), tuple(choice.why for choice in chosen))


def _each_once(pool: Pool, method: str, choices):
    chosen = set()
    for choice in choices:
        chosen.add(choice.row)
        yield choice
    for row in pool.in_random_order(pool.unlabelled):
        if row not in chosen:
            yield Choice(int(row), f"at random: {method} tells the others apart no further")


def _checked(features, labelled, labels, class_names, seed) -> Pool:
    features, labelled = np.asarray(features), np.asarray(labelled, np.int64)
    if features.ndim != 2 or not features.size or not all_finite(features):
        raise InputError(
            f"features: expected finite numbers [N, d], N >= 1; got {features.dtype} {list(features.shape)}"
        )
    if (
        labelled.ndim != 1
        or len(np.unique(labelled)) < len(labelled)
        or not np.isin(labelled, np.arange(len(features))).all()
    ):
        raise InputError(f"labelled: expected different row numbers, 0 to {len(features) - 1}")
    labels = None if labels is None else np.asarray(labels)
    if labels is not None and (labels.shape != labelled.shape or labels.dtype.kind not in "iu"):
        raise InputError(
            f"labels: expected a whole number for each of the {len(labelled)} labelled images, "
            f"got {labels.dtype} {list(labels.shape)}"
        )
    return Pool.of(features, labelled, labels, tuple(class_names), seed)
