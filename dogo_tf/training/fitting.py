"""The steps of a run from where it stands to its end, watched, logged and saved; of a pre-training as of a fine-tuning."""

import contextlib
from collections.abc import Callable
from typing import NamedTuple

from dogo_tf.data.stream import HostClock
from dogo_tf.distribution.devices import Job
from dogo_tf.errors import Interrupted
from dogo_tf.platform.keras_compat import tf
from dogo_tf.runs.checkpoint import RunCheckpoint
from dogo_tf.runs.folder import RunFolder
from dogo_tf.training.alarm import FailureAlarm
from dogo_tf.training.callbacks import Checkpoints, StepLog, steps_done
from dogo_tf.training.first_steps import FirstSteps
from dogo_tf.training.stop_request import StopRequest


class Watched(NamedTuple):
    """What accompanies the steps of a run.

    sources: the images of the run, whose failures are told as they were.
    more: function from (StopRequest, Checkpoints) to further callbacks.
    """

    checkpoint: RunCheckpoint
    folder: RunFolder
    alarm: FailureAlarm
    first_steps: FirstSteps
    sources: tuple
    more: Callable[[StopRequest, Checkpoints], list] = lambda stop, checkpoints: []


def go_on(checkpoint: RunCheckpoint, model, job: Job, folder: RunFolder, branch_of: str | None = None) -> bool:
    """Takes a compiled model to where its run was saved last, if it was; what was logged after that is dropped.

    branch_of: run@step, where the run is a branch of another one at that step: it is told where the branch begins.
    """
    found = checkpoint.restore_newest()
    trunk, _, first = (branch_of or "").rpartition("@")
    if found and trunk and steps_done(model) == int(first):
        print(f"beginning as a branch of {trunk} at its step {int(first):,}", flush=True)
    else:
        print(f"resuming from {found}" if found else "no checkpoint yet: starting from the first step", flush=True)
    advice = "run_dir must be one folder, which all of them see"
    job.check_same("steps in the newest checkpoint", steps_done(model), advice)
    if job.is_chief:
        checkpoint.drop_after(steps_done(model))
        folder.drop_metrics_after(steps_done(model))
    return bool(found)


def fit_to_the_end(model, stream, settings, total: int, steps_per_epoch: int, job: Job, watched: Watched) -> None:
    """Trains a compiled model (DoGo, FineTune) until it has made `total` steps.

    Args:
        stream: function from (examples seen, HostClock) to what model.fit takes from there on.
        settings: of the run: batch_size, log_every, checkpoint_minutes, checkpoint_steps.
        total: of the whole run; need not be a multiple of steps_per_epoch.
    """
    clock, folder = HostClock(), watched.folder
    with StopRequest() as stop:
        checkpoints = Checkpoints(
            watched.checkpoint,
            folder,
            watched.alarm,
            stop,
            total,
            settings.checkpoint_minutes,
            settings.checkpoint_steps,
            ask=job.any,
            ask_every=1 if job.workers == 1 else settings.log_every,
        )
        more = [clock.read, checkpoints.cost]
        epochs = -(-total // steps_per_epoch)
        log = StepLog(folder, settings.batch_size, total, settings.log_every, epochs, [watched.alarm], more)
        callbacks = [log, checkpoints, *([watched.first_steps] if job.is_chief else [])]
        callbacks += watched.more(stop, checkpoints)

        def save_first(lost: Interrupted) -> None:
            if job.workers == 1:  # several only save together
                checkpoints.save_and_stop(checkpoints.newest_logs, why=str(lost))

        while (done := steps_done(model)) < total:
            # First what is left of an epoch that was broken off, then all whole ones, then what is left over.
            epoch, into_epoch = divmod(done, steps_per_epoch)
            whole = 0 if into_epoch else (total - done) // steps_per_epoch
            with failures_of(watched.sources, save_first):
                model.fit(
                    stream(int(model.examples_seen.numpy()), clock),
                    initial_epoch=epoch,
                    epochs=epoch + max(1, whole),
                    steps_per_epoch=min(steps_per_epoch - into_epoch, total - done),
                    callbacks=callbacks,
                    verbose=0,
                )


@contextlib.contextmanager
def failures_of(sources, on_lost: Callable[[Interrupted], None]):
    """What ended the reading of one of these sources is raised as it was: TensorFlow makes an error of its own of it.

    on_lost: called before that where it was a network that was lost.
    """
    try:
        yield
    except tf.errors.OpError as error:
        failure = next((f for f in (getattr(images, "failure", None) for images in sources) if f is not None), None)
        if failure is None:
            raise
        if isinstance(failure, Interrupted):
            on_lost(failure)
        raise failure from error
