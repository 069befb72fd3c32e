"""The rule behind `--learning_rate=auto`: by objective, optimiser, batch, kind of network and company."""

import math

AUTO = "auto"
# The best of those tried for a small network alone, at batches of BATCH (results/recipe_rate.json and trials_objectives.json).
MEASURED = {
    "simclr": {"adam": 5e-3, "adamw": 5e-3, "sgd": 0.3, "lars": 3.0},
    "moco": {"adam": 5e-3},
    "vicreg": {"adam": 5e-3},
    "barlow_twins": {"adam": 5e-3},
}
BATCH = 128
# Where nothing was measured, or nothing better: safe for every objective with Adam.
UNMEASURED = 1e-3
# Barlow Twins learns nothing at 2e-3 and batches of 32.
SMALLEST_BATCH = {"barlow_twins": 128}
# Two VICReg peers next to each other do not train at 5e-3: one or the other learns nothing (results/trials_objectives.json).
ALONE_ONLY = ("vicreg",)
# Networks of depthwise convolutions, by what their names contain. With Adam at 5e-3 MobileNetV3-Small is far below what it is
# at 1e-3 (results/trials_mobile.json); others of the kind were not measured.
MOBILE = ("mobilenet", "efficientnet", "shufflenet", "mnasnet")
# Adam's updates have a size of their own, so that its rate grows with the root of the batch, as the noise of a gradient
# shrinks (Hoffer et al., 2017); the others' grows with the batch itself (Goyal et al., 2017). Neither was measured far away.
LEAST_FACTOR, MOST_FACTOR = 0.25, 2.0


def automatic_rate(objective: str, optimizer: str, batch_size: int, encoder: str, alone: bool = True) -> float:
    """The learning rate after the warm-up; two digits, so that it reads and is written as it is.

    alone: whether there are no other peers and no teachers.
    """
    rate, adam = MEASURED.get(objective, {}).get(optimizer), optimizer in ("adam", "adamw")
    mobile = any(part in encoder.lower() for part in MOBILE)
    too_high = (mobile and adam) or (objective in ALONE_ONLY and not alone)
    if rate is None or batch_size < SMALLEST_BATCH.get(objective, 0) or too_high:
        return UNMEASURED
    factor = math.sqrt(batch_size / BATCH) if adam else batch_size / BATCH
    return float(f"{rate * min(max(factor, LEAST_FACTOR), MOST_FACTOR):.2g}")


def rate_of_each(specs, optimizers, rates, batch_size: int, alone: bool) -> list[float]:
    """The rates of peers, with numbers in the place of "auto".

    specs: (name, encoder, objective) of each peer. alone: as of automatic_rate.
    """
    return [
        automatic_rate(objective.partition(":")[0], optimizer, batch_size, encoder, alone) if rate == AUTO else rate
        for (_, encoder, objective), optimizer, rate in zip(specs, optimizers, rates, strict=True)
    ]
