"""How long an image takes: batch 1, one thread, all files in turn, so that a busy machine is busy for all of them."""

import os
import time
from dataclasses import dataclass

import numpy as np

from dogo_tf.export.runtime import Encoder
from dogo_tf.reporting.progress import Progress

ROUNDS, BLOCK, WARM_UP = 30, 10, 10


@dataclass(frozen=True)
class Latency:
    """median_ms, p95_ms: of all calls. ratio: to the first file, the median over rounds of the ratio of block medians."""

    median_ms: float
    p95_ms: float
    ratio: float


def measure(models: dict[str, bytes], image: np.ndarray, rounds=ROUNDS, block=BLOCK, seed=0) -> dict[str, Latency]:
    """Times `rounds` blocks of `block` calls of each file, in an order drawn anew for each round.

    What slows the machine down for longer than a round slows all files alike, and the ratios are taken within a round. Absolute
    times describe this machine and its load (see `load`) only.

    Args:
        models: name -> .tflite file; the first is what the ratios refer to.
        image: uint8 [H, W, 3].
    """
    encoders = {name: Encoder(model, threads=1) for name, model in models.items()}
    pixels = np.ascontiguousarray(image[np.newaxis])
    for encoder in encoders.values():
        _block(encoder, pixels, WARM_UP)
    generator = np.random.default_rng(seed)
    times = {name: [] for name in models}
    with Progress("timing", rounds) as progress:
        for done in range(rounds):
            for name in generator.permutation(list(models)):
                times[name].append(_block(encoders[name], pixels, block))
            progress.update(done + 1)
    blocks = {name: np.array(found) for name, found in times.items()}  # [rounds, block] of ms
    base = np.median(blocks[next(iter(models))], axis=1)
    return {
        name: Latency(
            float(np.median(found)), float(np.percentile(found, 95)), float(np.median(np.median(found, axis=1) / base))
        )
        for name, found in blocks.items()
    }


def load() -> dict:
    """Cores and the average number of running processes over the last minute, to judge timings by; None if unknown."""
    return {"cores": os.cpu_count(), "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None}


def _block(encoder: Encoder, pixels: np.ndarray, calls: int) -> list[float]:
    found = []
    for _ in range(calls):
        started = time.perf_counter()
        encoder.run(pixels)
        found.append(1000 * (time.perf_counter() - started))
    return found
