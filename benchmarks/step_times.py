"""Images per second of several models that take turns in one process, by the median of single steps."""

import itertools
import statistics
import time

from dogo_tf.platform.keras_compat import keras


class StepTimes(keras.callbacks.Callback):
    """Seconds of each step but the first, in which `fit` sets up its iterators and may trace."""

    def on_epoch_begin(self, epoch, logs=None):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.perf_counter())

    def median(self) -> float:
        return statistics.median(after - before for before, after in itertools.pairwise(self.ends))


def in_turns(models: dict, batch: int, steps: int, rounds: int, reference: str, ratio: str) -> dict:
    """{name: {"images_per_second", ratio}}, both the median of rounds.

    Args:
        models: {name: (compiled DoGo, its endless data set of batches)}.
        reference: the name that the others are compared with. ratio: how to call that.
    """
    found = {name: [] for name in models}
    for turn in range(rounds + 1):
        for name, (model, stream) in models.items():
            times = StepTimes()
            model.fit(stream, steps_per_epoch=steps, callbacks=[times], verbose=0)
            if turn:  # the first one traces
                found[name].append(batch / times.median())
    return {
        name: {
            "images_per_second": statistics.median(rates),
            ratio: statistics.median(ours / theirs for ours, theirs in zip(rates, found[reference], strict=True)),
        }
        for name, rates in found.items()
    }
