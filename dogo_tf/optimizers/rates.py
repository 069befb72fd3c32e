"""The rule behind `--learning_rate=auto`: by objective, optimiser and batch."""

import math

AUTO = "auto"
# The best of those tried for a small network alone, at batches of BATCH (results/recipe_rate.json and trials_objectives.json).
MEASURED = {
    "simclr": {"adam": 5e-3, "adamw": 5e-3, "sgd": 0.3, "lars": 3.0},
    "moco": {"adam": 5e-3},
    "vicreg": {"adam": 5e-3},
}
BATCH = 128
# Where nothing was measured, or nothing better: safe for every objective with Adam.
UNMEASURED = 1e-3
# Adam's updates have a size of their own, so that its rate grows with the root of the batch, as the noise of a gradient
# shrinks (Hoffer et al., 2017); the others' grows with the batch itself (Goyal et al., 2017). Neither was measured far away.
LEAST_FACTOR, MOST_FACTOR = 0.25, 2.0


def automatic_rate(objective: str, optimizer: str, batch_size: int) -> float:
    """The learning rate after the warm-up; two digits, so that it reads and is written as it is."""
    rate = MEASURED.get(objective, {}).get(optimizer)
    if rate is None:
        return UNMEASURED
    factor = batch_size / BATCH
    factor = math.sqrt(factor) if optimizer in ("adam", "adamw") else factor
    return float(f"{rate * min(max(factor, LEAST_FACTOR), MOST_FACTOR):.2g}")
