"""What watches a training run: the log, the alarm, the checkpoints."""

import json
import math
import time

from dogo_tf.errors import TrainingFailure
from dogo_tf.keras_compat import keras, tf
from dogo_tf.progress import Progress

# Below this standard deviation of unit rows (1 is evenly spread) all images look alike to a peer.
COLLAPSED_SPREAD = 0.02


class StepLog(keras.callbacks.Callback):
    """Every `every` steps: a line in metrics.jsonl, TensorBoard scalars and a progress line.

    The metrics are means over the steps since the last line. `on_log(step, metrics)` functions are called with each line,
    before it is written: they may raise to stop the run.
    """

    _supports_tf_logs = True  # Keras then leaves the logs on the device, and steps need not wait for each other

    def __init__(self, folder, batch_size: int, total_steps: int, every: int, on_log=()):
        super().__init__()
        self.jsonl_path = folder.metrics
        self.writer = tf.summary.create_file_writer(str(folder.tensorboard))
        self.batch_size = batch_size
        self.total_steps = total_steps
        self.every = every
        self.on_log = on_log

    def on_train_begin(self, logs=None):
        self.last_step = steps_done(self.model)
        self.last_time = time.perf_counter()
        self.progress = Progress("training", self.total_steps, quiet_for=0)

    def on_epoch_begin(self, epoch, logs=None):
        # Counted on from here: to ask the model after every step would wait for the device every time.
        self.steps_before_epoch = steps_done(self.model)

    def on_train_batch_end(self, batch, logs=None):
        step = self.steps_before_epoch + batch + 1
        if step - self.last_step >= self.every or step == self.total_steps:
            self._log(step, {name: float(value) for name, value in logs.items()})

    def on_train_end(self, logs=None):
        self.progress.__exit__()
        self.writer.flush()

    def _log(self, step: int, metrics: dict) -> None:
        now = time.perf_counter()
        metrics["images_per_second"] = (step - self.last_step) * self.batch_size / (now - self.last_time)
        for peer, optimizer in zip(self.model.peers, self.model.peer_optimizers, strict=True):
            metrics[f"{peer.name}/learning_rate"] = float(keras.backend.get_value(optimizer.learning_rate))
        for function in self.on_log:
            function(step, metrics)
        with self.jsonl_path.open("a") as lines:
            lines.write(json.dumps({"step": step, **metrics}) + "\n")
        with self.writer.as_default(step):
            for name, value in metrics.items():
                tf.summary.scalar(name, value)
        self.progress.update(step, self._note(metrics))
        self.model.reset_metrics()
        self.last_step, self.last_time = step, now

    def _note(self, metrics: dict) -> str:
        peers = [
            f"{peer.name} ssl {metrics[f'{peer.name}/ssl']:.3f}"
            + (f" distill {metrics[f'{peer.name}/distill']:.3f}" if f"{peer.name}/distill" in metrics else "")
            for peer in self.model.peers
        ]
        return "  ".join([f"{metrics['images_per_second']:.0f} images/s", *peers])


class FailureAlarm:
    """For StepLog's `on_log`: raises TrainingFailure when a loss is not finite or a peer has collapsed.

    Args:
        peers: their names.
        last_checkpoint: function that returns the path of the newest checkpoint, or None.
    """

    def __init__(self, peers: list[str], last_checkpoint):
        self.peers = peers
        self.last_checkpoint = last_checkpoint

    def __call__(self, step: int, metrics: dict) -> None:
        for peer in self.peers:
            if not all(math.isfinite(metrics.get(f"{peer}/{name}", 0.0)) for name in ("ssl", "distill")):
                self._stop(step, peer, "a loss that is not finite", "a lower --learning_rate or more warm-up")
            if metrics[f"{peer}/std"] < COLLAPSED_SPREAD:
                advice = "a lower --learning_rate, a larger batch, or an objective with negatives (simclr)"
                self._stop(
                    step, peer, f"collapsed: std of z is {metrics[f'{peer}/std']:.4f} (1 is evenly spread)", advice
                )

    def _stop(self, step: int, peer: str, what: str, advice: str) -> None:
        raise TrainingFailure(
            f"step {step}: peer {peer!r}: {what}. Last good checkpoint: {self.last_checkpoint() or 'none yet'}. "
            f"Try {advice}."
        )


class Checkpoints(keras.callbacks.Callback):
    """Saves the run after every epoch: everything it needs to go on, and the encoders to use.

    It must come after StepLog, whose alarm keeps a failed state from being saved.
    """

    _supports_tf_logs = True

    def __init__(self, checkpoint, run_folder):
        super().__init__()
        self.checkpoint = checkpoint
        self.run_folder = run_folder

    def on_epoch_end(self, epoch, logs=None):
        self.checkpoint.save(steps_done(self.model))
        self.run_folder.save_encoders(self.model.peers)


def steps_done(model) -> int:
    """Training steps that a DoGo has made since it was new, also over a resume."""
    return int(model.peer_optimizers[0].iterations.numpy())
