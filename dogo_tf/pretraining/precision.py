"""--precision=auto: bfloat16 where it is faster for these networks on this device, found by timing a few steps of each.

It is not always: on CPUs without instructions for it bfloat16 may take twice as long.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

from dogo_tf import encoders
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.pretraining.branch import trunk_of
from dogo_tf.pretraining.settings import AUTO, PRECISIONS, PretrainSettings, peer_specs
from dogo_tf.runs.folder import RunFolder

BFLOAT16, FLOAT32 = "mixed_bfloat16", "float32"
# Timings vary, and bfloat16 rounds: it must be clearly faster.
WORTH_IT = 1.1
ROUNDS, SECONDS = 7, 3.0
FEWEST_ROUNDS = 3
# As many as the step's own batch has, but no more: these keep a CPU or an accelerator busy, and take little memory.
MOST_IMAGES_ON_CPU, MOST_IMAGES = 64, 512


class Choice(NamedTuple):
    """A precision, and what speaks for it: a sentence for the screen, or ""."""

    precision: str
    reason: str = ""


@contextlib.contextmanager
def policy(precision: str):
    """Networks that are built within compute in this precision."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(precision)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)


def known(settings: PretrainSettings, folder: RunFolder, resume: bool) -> Choice | None:
    """What needs no timing: a given precision; that of the run that goes on here, or of the trunk it branches from; a TPU's."""
    if settings.precision != AUTO:
        return Choice(settings.precision)
    if resume:
        return Choice(folder.config()["settings"].get("precision", FLOAT32), "as the run began")
    if settings.cooldown_from:
        _, config, _ = trunk_of(settings)
        return Choice(config["settings"].get("precision", FLOAT32), "as its trunk")
    if settings.strategy == "tpu":
        return Choice(BFLOAT16, "what a TPU computes in")
    return None


def agreed(settings: PretrainSettings, choice: Choice | None, image_size: int, job) -> Choice:
    """The chief's choice, in every worker of the job: what is known to it, else the fastest on its device."""
    if choice is None and job.is_chief:
        choice = fastest(settings, image_size, job.strategy.num_replicas_in_sync)
    chosen = [job.is_chief and choice.precision == name for name in PRECISIONS]
    (precision,) = (name for name, it_is in zip(PRECISIONS, job.any(chosen), strict=True) if it_is)
    return Choice(precision, choice.reason if choice else "")


def fastest(settings: PretrainSettings, image_size: int, replicas: int = 1) -> Choice:
    """Float32 or bfloat16, by the steps of the peers' encoders: forward and gradient, which are most of a training.

    Both are timed in turns, so that other work on the machine slows down both; the median of the ratios decides.
    """
    most = MOST_IMAGES if tf.config.list_logical_devices("GPU") else MOST_IMAGES_ON_CPU
    images = min(2 * settings.batch_size // (replicas * settings.micro_batches), most)
    names = [encoder for _, encoder, _ in peer_specs(settings.peers)]
    ratio = speed_ratio(*(_steps(names, precision, image_size, images) for precision in (FLOAT32, BFLOAT16)))
    choice = BFLOAT16 if ratio >= WORTH_IT else FLOAT32
    return Choice(choice, f"bfloat16 takes {1 / ratio:.2f} times as long as float32 here")


def speed_ratio(first: Callable[[], None], second: Callable[[], None]) -> float:
    """How many times as fast `second` is as `first`: the median over rounds in which both are called."""
    first(), second()  # traced, and warm
    ratios, started = [], time.perf_counter()
    while len(ratios) < FEWEST_ROUNDS or (len(ratios) < ROUNDS and time.perf_counter() - started < SECONDS):
        # Each begins a round as often as the other: whoever comes second may find a warmer cache.
        order = (first, second) if len(ratios) % 2 == 0 else (second, first)
        seconds = {step: _seconds(step) for step in order}
        ratios.append(seconds[first] / seconds[second])
    return statistics.median(ratios)


def _seconds(step) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def _steps(names: list[str], precision: str, image_size: int, images: int):
    """A function that makes a step of each of these encoders and waits for it."""
    with policy(precision):
        networks = [encoders.build(name, image_size) for name in names]
    batch = tf.random.stateless_uniform([images, image_size, image_size, 3], [0, 0], 0.0, 255.0)

    variables = [weight for network in networks for weight in network.trainable_variables]

    @tf.function(autograph=False)
    def gradients():
        with tf.GradientTape() as tape:
            features = [network(batch, training=True) for network in networks]
            total = tf.add_n([tf.reduce_sum(tf.cast(h, tf.float32)) for h in features])
        return tf.add_n([tf.reduce_sum(gradient) for gradient in tape.gradient(total, variables)])

    return lambda: gradients().numpy()  # waits for the device
