"""What stops a training run that learns nothing: numbers that are not finite, collapse, and peers that are stuck."""

import math

from dogo_tf.errors import TrainingFailure
from dogo_tf.platform.keras_compat import tf
from dogo_tf.reporting.progress import say
from dogo_tf.training.progress_note import LOSSES
from dogo_tf.training.stuck import StuckWatch, Yardstick

# Below this standard deviation of unit rows (1 is evenly spread) all images look alike to a peer.
COLLAPSED_SPREAD = 0.02
SLOWER = "a lower --learning_rate or more warm-up"


class FailureAlarm:
    """Raises TrainingFailure when a loss is not finite, or a peer has collapsed or is stuck; for StepLog's `on_log`.

    Args:
        watches: by the name of each peer a StuckWatch, or None for one whose loss alone is looked at.
        last_checkpoint: function that returns the path of the newest checkpoint, or None.
    """

    def __init__(self, watches: dict[str, StuckWatch | None], last_checkpoint):
        self.watches = watches
        self.last_checkpoint = last_checkpoint

    @classmethod
    def of(cls, settings, model, steps_per_epoch: int, last_checkpoint):
        """The alarm of a run. settings: PretrainSettings. model: DoGo."""
        warmup, total = round(settings.warmup_epochs * steps_per_epoch), settings.epochs * steps_per_epoch
        replicas = model.distribute_strategy.num_replicas_in_sync
        watches = {
            peer.name: StuckWatch(Yardstick.of(peer, ssl_weight, settings.batch_size, replicas), warmup, total)
            for peer, ssl_weight in zip(model.peers, model.ssl_weights, strict=True)
        }
        return cls(watches, last_checkpoint)

    def __call__(self, step: int, metrics: dict) -> None:
        """A line of the log."""
        self.check(step, metrics)
        for peer, found in self._findings(step, metrics):
            if found.stops:
                self._stop(step, peer, found.what, SLOWER)
            end = "the run stops if it stays so" if found.may_stop else "the run goes on"
            say(f"warning: step {step}: peer {peer!r}: {found.what}. Try {SLOWER}; {end}.")

    def recall(self, lines: list[dict]) -> None:
        """The lines that a run logged before it was interrupted, oldest first: what began then is counted on."""
        for line in lines:
            for _ in self._findings(line["step"], line):
                pass

    def check(self, step: int, metrics: dict) -> None:
        """At any step, in the middle of a line of the log or at its end."""
        for peer in self.watches:
            if not all(math.isfinite(metrics.get(f"{peer}/{name}", 0.0)) for name in LOSSES):
                self._stop(step, peer, "a loss that is not finite", SLOWER)
            if metrics.get(f"{peer}/std", 1.0) < COLLAPSED_SPREAD:  # a peer that rests has none
                advice = "a lower --learning_rate, a larger batch, or an objective with negatives (simclr)"
                self._stop(
                    step, peer, f"collapsed: std of z is {metrics[f'{peer}/std']:.4f} (1 is evenly spread)", advice
                )

    def check_weights(self, step: int, peers) -> None:
        """The last update may have broken weights that no loss has seen yet."""
        for peer in peers:
            if not all(bool(tf.reduce_all(tf.math.is_finite(weight))) for weight in peer.trainable_variables):
                self._stop(step, peer.name, "a weight that is not finite", SLOWER)

    def _findings(self, step: int, metrics: dict):
        for peer, watch in self.watches.items():
            numbers = metrics.get(f"{peer}/ssl"), metrics.get(f"{peer}/effective_rank")
            if watch is not None and all(
                isinstance(number, float) for number in numbers
            ):  # a file of earlier lines may be anybody's
                found = watch.add(step, *numbers)
                if found is not None:
                    yield peer, found

    def _stop(self, step: int, peer: str, what: str, advice: str) -> None:
        raise TrainingFailure(
            f"step {step}: peer {peer!r}: {what}. Last good checkpoint: {self.last_checkpoint() or 'none yet'}. "
            f"Try {advice}."
        )
