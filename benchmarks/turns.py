"""Functions that do the same work, timed in turns, so that their ratios hold when the machine's speed drifts."""

import statistics
import time
from collections.abc import Callable


def pictures_per_processor_second(ways: dict[str, Callable[[], None]], count: int, rounds: int) -> dict:
    """Medians of each way, and the first one's rate over each other's, paired by round.

    count: pictures that a call works through.
    """
    rates = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.process_time()  # of all threads: others may use the machine, too
            way()
            rates[name].append(count / (time.process_time() - started))
    first, *others = rates
    medians = {f"{name}_pictures_per_processor_second": statistics.median(found) for name, found in rates.items()}
    ratios = {
        f"{first}_over_{name}": statistics.median(a / b for a, b in zip(rates[first], rates[name], strict=True))
        for name in others
    }
    return medians | ratios
