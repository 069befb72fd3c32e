"""What stops a training run that learns nothing: losses that are not finite, and collapse."""

import math

from dogo_tf.errors import TrainingFailure
from dogo_tf.platform.keras_compat import tf
from dogo_tf.reporting.progress import say

# Below this standard deviation of unit rows (1 is evenly spread) all images look alike to a peer.
COLLAPSED_SPREAD = 0.02
# Below this effective rank unit rows lie along one direction. Trainings that learn start above 3 and
# stay above 2.4 (SimSiam's lowest of 620 steps), those that a learning rate of 100 has broken are at 1.0 to 1.4.
COLLAPSED_RANK = 1.5
STEPS_TO_WARN, STEPS_TO_STOP = 40, 200


class FailureAlarm:
    """Raises TrainingFailure when a loss is not finite or a peer has collapsed; for StepLog's `on_log` and Checkpoints.

    An effective rank near 1 may pass: it is warned of after STEPS_TO_WARN steps and stops the run after STEPS_TO_STOP.

    Args:
        peers: their names.
        last_checkpoint: function that returns the path of the newest checkpoint, or None.
    """

    def __init__(self, peers: list[str], last_checkpoint):
        self.peers = peers
        self.last_checkpoint = last_checkpoint
        self.one_direction_since = {}  # step by peer
        self.warned = set()

    def __call__(self, step: int, metrics: dict) -> None:
        for peer in self.peers:
            if not all(math.isfinite(metrics.get(f"{peer}/{name}", 0.0)) for name in ("ssl", "distill")):
                self._stop(step, peer, "a loss that is not finite", "a lower --learning_rate or more warm-up")
            if metrics[f"{peer}/std"] < COLLAPSED_SPREAD:
                advice = "a lower --learning_rate, a larger batch, or an objective with negatives (simclr)"
                self._stop(
                    step, peer, f"collapsed: std of z is {metrics[f'{peer}/std']:.4f} (1 is evenly spread)", advice
                )

            self._check_rank(step, peer, metrics.get(f"{peer}/effective_rank", math.inf))

    def _check_rank(self, step: int, peer: str, rank: float) -> None:
        if rank >= COLLAPSED_RANK:
            self.one_direction_since.pop(peer, None)
            self.warned.discard(peer)
            return
        steps = step - self.one_direction_since.setdefault(peer, step)
        what = f"all embeddings lie along one direction: effective rank of z is {rank:.2f} for {steps} steps"
        advice = "a lower --learning_rate or more warm-up"
        if steps >= STEPS_TO_STOP:
            self._stop(step, peer, what, advice)
        if steps >= STEPS_TO_WARN and peer not in self.warned:
            self.warned.add(peer)
            say(f"warning: step {step}: peer {peer!r}: {what}. Try {advice}; the run stops if it stays so.")

    def check_weights(self, step: int, peers) -> None:
        """The last update may have broken weights that no loss has seen yet."""
        for peer in peers:
            if not all(bool(tf.reduce_all(tf.math.is_finite(weight))) for weight in peer.trainable_variables):
                self._stop(step, peer.name, "a weight that is not finite", "a lower --learning_rate or more warm-up")

    def _stop(self, step: int, peer: str, what: str, advice: str) -> None:
        raise TrainingFailure(
            f"step {step}: peer {peer!r}: {what}. Last good checkpoint: {self.last_checkpoint() or 'none yet'}. "
            f"Try {advice}."
        )
