"""Numbers of a summary as people read them."""

from collections import Counter

from dogo_tf.comparison.summary import VERDICTS, Difference
from dogo_tf.evaluate.intervals import Interval
from dogo_tf.reporting.table import percent


def signed_points(interval: Interval) -> str:
    """A difference in percentage points, "+1.6 (0.9 to 2.3)"; with a second digit where an end would be rounded to 0."""
    values = [100 * value for value in interval[:3]]
    digits = 2 if any(0 < abs(end) < 0.05 for end in values[1:]) else 1
    # Adding 0 turns a rounded -0 into 0.
    mean, low, high = (round(value, digits) + 0.0 for value in values)
    return f"{mean:+.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def accuracy_percent(interval: Interval) -> str:
    """ "57.3 (56.4 to 58.2)"."""
    return f"{percent(interval.mean)} ({percent(interval.low)} to {percent(interval.high)})"


def counted_verdicts(found: list[Difference]) -> str:
    """ "better in 2, cannot tell in 21"."""
    counts = Counter(difference.verdict for difference in found)
    return ", ".join(f"{verdict} in {counts[verdict]}" for verdict in VERDICTS if counts[verdict])
