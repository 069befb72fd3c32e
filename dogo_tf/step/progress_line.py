"""The line that `fit` and `evaluate` show: few metrics, chosen; every callback still gets all of them."""

from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.step import fit_arguments

MOST_SHOWN = 6
# Losses first. A metric that not every peer has room for is left out for all of them.
IMPORTANCE = ("ssl", "distill", "agreement", "effective_rank", "std", "gradient_norm")


def shown_metrics(names, most: int = MOST_SHOWN) -> list[str]:
    """At most `most` of the metrics `names` ("loss", "<peer>/<metric>"): the loss, then one kind after another."""
    names = list(names)
    chosen = [name for name in names if "/" not in name][:most]
    for kind in IMPORTANCE:
        of_peers = [name for name in names if name.rsplit("/", 1)[-1] == kind and "/" in name]
        room = most - len(chosen)
        if len(of_peers) > room:
            # Of many peers the own losses of the first ones are better than nothing but the sum.
            return chosen + (of_peers[:room] if kind == IMPORTANCE[0] else [])
        chosen += of_peers
    return chosen


class ShortLine(keras.callbacks.ProgbarLogger):
    """Keras' progress line with `shown_metrics` only; where Keras finds one among the callbacks it adds none of its own.

    Args:
        metrics: the names of all metrics. validation: whether those of validation data (val_...) come beside them.
    """

    def __init__(self, metrics, validation: bool = False):
        super().__init__(count_mode="steps")
        if validation:
            names = shown_metrics(metrics, MOST_SHOWN // 2)
            names += [f"val_{name}" for name in names]
        else:
            names = shown_metrics(metrics)
        self.shown = names

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, self._short(logs))

    def on_test_batch_end(self, batch, logs=None):
        super().on_test_batch_end(batch, self._short(logs))

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, self._short(logs))

    def on_test_end(self, logs=None):
        super().on_test_end(self._short(logs))

    def _short(self, logs):
        return {name: logs[name] for name in self.shown if name in logs} if logs else logs


def with_short_line(model, method, *args, **kwargs):
    """Calls `method`, Keras' fit or evaluate of the DoGo `model`, with a ShortLine among its callbacks.

    Not where nothing is to be shown (verbose=0), everything (compile(verbose_metrics=True)), or the caller has a line.
    """
    call = fit_arguments.bound(method, *args, **kwargs)
    given = call.arguments
    callbacks = given.get("callbacks")
    of_fit = isinstance(callbacks, keras.callbacks.CallbackList)  # fit hands its own to evaluate for validation data
    if not (model.verbose_metrics or given.get("verbose") == 0 or of_fit):
        callbacks = [] if callbacks is None else tf.nest.flatten(callbacks)
        if not any(isinstance(callback, keras.callbacks.ProgbarLogger) for callback in callbacks):
            validation = given.get("validation_data") is not None or bool(given.get("validation_split"))
            callbacks = [*callbacks, ShortLine([metric.name for metric in model.metrics], validation)]
        given["callbacks"] = callbacks
    return method(*call.args, **call.kwargs)
