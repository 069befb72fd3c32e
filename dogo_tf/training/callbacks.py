"""What watches a training run: the log and the checkpoints."""

import json
import os
import signal
import time

from dogo_tf import optimizers
from dogo_tf.errors import Interrupted
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.reporting.progress import Progress
from dogo_tf.step.rota import without_idle
from dogo_tf.training.progress_note import progress_note

TENSORBOARD_GROUPS = {
    "loss": ("loss", "ssl", "distill", "supervised", "taught"),
    "peers": ("agreement", "effective_rank", "std"),
    "probe": ("knn", "linear"),
    "labels": ("accuracy",),
    "speed": ("images_per_second",),
}


class StepCallback(keras.callbacks.Callback):
    """Calls `on_step(step, previous, logs)`: steps are counted over the whole run, also over a resume.

    `previous` is the step of the last call: with steps_per_execution they come several at a time. What is done every n steps
    is due where `crosses(n, previous, step)`, whatever step a run was resumed at.
    """

    _supports_tf_logs = True  # Keras then leaves the logs on the device, and steps need not wait for each other

    def on_epoch_begin(self, epoch, logs=None):
        # Counted on from here: to ask the model after every step would wait for the device every time.
        self.steps_before_epoch = self.previous = steps_done(self.model)

    def on_train_batch_end(self, batch, logs=None):
        step = self.steps_before_epoch + batch + 1
        previous, self.previous = self.previous, step
        self.on_step(step, previous, logs)

    def on_step(self, step: int, previous: int, logs: dict) -> None:
        raise NotImplementedError


class StepLog(StepCallback):
    """Every `every` steps: a line in metrics.jsonl, TensorBoard scalars and a progress line.

    The metrics are means over the steps since the last line, also over the end of an epoch or a resume.
    `on_log(step, metrics)` functions are called with each line, before it is written: they may raise to stop the run.

    Args:
        epochs: of the whole run.
        more: functions that return further metrics {name: value} for each line.
    """

    def __init__(self, folder, batch_size: int, total_steps: int, every: int, epochs: int, on_log=(), more=()):
        super().__init__()
        self.folder = folder
        self.writer = tf.summary.create_file_writer(str(folder.tensorboard))
        self.batch_size = batch_size
        self.total_steps = total_steps
        self.every = every
        self.epochs = epochs
        self.on_log = on_log
        self.more = more

    def on_train_begin(self, logs=None):
        self.timed_from = steps_done(self.model), time.perf_counter()
        self.progress = Progress("training", self.total_steps, quiet_for=0, counted=False)
        self.means_so_far = self._means_so_far()

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        self.progress.label = f"epoch {epoch + 1}/{self.epochs}"
        for variable, value in self.means_so_far:  # Keras resets them just before
            variable.assign(value)

    def on_step(self, step, previous, logs):
        if crosses(self.every, previous, step) or step == self.total_steps:
            self._log(step, {name: float(value) for name, value in without_idle(self.model, logs).items()})

    def on_epoch_end(self, epoch, logs=None):
        self.means_so_far = self._means_so_far()

    def on_train_end(self, logs=None):
        self.progress.__exit__()

    def _means_so_far(self):
        return [(variable, variable.numpy()) for metric in self.model.metrics for variable in metric.variables]

    def _log(self, step: int, metrics: dict) -> None:
        (since, started), now = self.timed_from, time.perf_counter()
        metrics["images_per_second"] = (step - since) * self.batch_size / (now - started)
        for peer, optimizer in zip(self.model.peers, self.model.peer_optimizers, strict=True):
            rate = optimizers.learning_rate(optimizer)
            if rate is not None:
                metrics[f"{peer.name}/learning_rate"] = rate
        for function in self.more:
            metrics |= function()
        for function in self.on_log:
            function(step, metrics)
        with self.folder.written("metrics"):
            with self.folder.metrics.open("a") as lines:
                lines.write(json.dumps({"step": step, **metrics}) + "\n")
                lines.flush()
                os.fsync(lines.fileno())
            with self.writer.as_default(step):
                for name, value in metrics.items():
                    tf.summary.scalar(tensorboard_tag(name), value)
            self.writer.flush()  # so that a later checkpoint never knows more steps than the log
        self.progress.update(step, progress_note(metrics, self.model.peers))
        self.model.reset_metrics()
        self.timed_from = step, now


def tensorboard_tag(name: str) -> str:
    """A metric's name on TensorBoard, which sorts its cards by what stands before the slash: losses first, internals last."""
    kind = name.rsplit("/", 1)[-1]
    group = next((group for group, kinds in TENSORBOARD_GROUPS.items() if kind in kinds), "z_internals")
    return f"{group}/{name}"


class Checkpoints(StepCallback):
    """Saves the run (everything it needs to go on, and the encoders to use): by time, by steps, at its end, and when asked
    to stop, after which it raises Interrupted. A state that the alarm rejects is never saved.

    Args:
        checkpoint: RunCheckpoint. run_folder: RunFolder. alarm: FailureAlarm. stop: StopRequest.
        total_steps: of the run.
        minutes: between two saves. steps: between two saves, or None.
        ask: function from a list of bool to the same list, true where it is for any worker of the job; asked every
            `ask_every` steps. Workers must save at the same step, but clocks differ and signals come when they come.
    """

    def __init__(self, checkpoint, run_folder, alarm, stop, total_steps, minutes, steps, ask=list, ask_every=1):
        super().__init__()
        self.checkpoint, self.run_folder, self.alarm, self.stop = checkpoint, run_folder, alarm, stop
        self.total_steps = total_steps
        self.seconds = 60 * minutes
        self.steps = steps
        self.ask, self.ask_every = ask, ask_every
        self.saved_at = time.monotonic()
        self.saved_step = None
        self.newest_logs: dict = {}
        self.seconds_saving = 0.0

    def on_step(self, step, previous, logs):
        self.newest_logs = logs
        due = step == self.total_steps or (self.steps is not None and crosses(self.steps, previous, step))
        stop = False
        if due or crosses(self.ask_every, previous, step):
            late = time.monotonic() - self.saved_at >= self.seconds
            late, stop = self.ask([late, self.stop.received is not None])
            due = due or late or stop
        if due:
            self._save(step, logs)
        if stop and step < self.total_steps:
            self._interrupt(step)

    def save_and_stop(self, logs: dict, why: str = "") -> None:
        """For work between two steps that was broken off: saves unless this step is saved already; raises Interrupted.

        why: it was, if nobody has asked for it.
        """
        step = steps_done(self.model)
        if step and step != self.saved_step:
            self._save(step, logs)
        self._interrupt(step, why)

    def _interrupt(self, step: int, why: str = "") -> None:
        name = self.stop.received.name if self.stop.received else why or "another worker was asked to stop"
        saved = f"which is saved in {self.checkpoint.newest()}" if step else "where there is nothing to save"
        raise Interrupted(
            f"{name}: stopped after step {step} of {self.total_steps}, {saved}; go on with --resume",
            by_user=self.stop.received == signal.SIGINT,
        )

    def cost(self) -> dict:
        """For StepLog's `more`: the seconds that went into saving since the last call."""
        seconds, self.seconds_saving = self.seconds_saving, 0.0
        return {"checkpoint_seconds": seconds}

    def _save(self, step: int, logs: dict) -> None:
        started = time.monotonic()
        self.alarm.check(step, {name: float(value) for name, value in without_idle(self.model, logs).items()})
        self.alarm.check_weights(step, self.model.peers)
        # The encoders first: a run that is killed in between then still goes on to save both.
        self.run_folder.save_encoders(self.model.peers)
        self.checkpoint.save(step)
        self.saved_at, self.saved_step = time.monotonic(), step
        self.seconds_saving += self.saved_at - started


def crosses(every: int, previous: int, step: int) -> bool:
    """Whether a multiple of `every` lies in previous < n <= step."""
    return step // every > previous // every


def steps_done(model) -> int:
    """Training steps that a model has made since it was new, also over a resume."""
    return max(int(optimizer.iterations.numpy()) for optimizer in model.peer_optimizers)  # a peer may have rested
