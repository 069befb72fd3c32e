"""Learning-rate schedules by name."""

from dogo_tf.errors import InputError
from dogo_tf.optimizers.names import check_schedule
from dogo_tf.platform.keras_compat import keras, tf


@keras.utils.register_keras_serializable(package="dogo_tf")
class WarmupStableDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Warm-up, stable, decay: the rate rises over `warmup` steps, stays, and falls to 0 over the last `cooldown` of `total`.

    It falls as 1 - sqrt of the share of the cool-down that is done, which ends lower than a line (Haegele et al., 2024,
    "Scaling laws and compute-optimal training beyond fixed training durations"). Until then it does not depend on `total`, so
    that one training serves as the trunk of several lengths.
    """

    def __init__(self, rate: float, warmup: int, cooldown: int, total: int):
        super().__init__()
        self.rate, self.warmup, self.cooldown, self.total = rate, warmup, cooldown, total

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        risen = tf.minimum(step / self.warmup, 1.0) if self.warmup else 1.0
        done = tf.clip_by_value((step - (self.total - self.cooldown)) / self.cooldown, 0.0, 1.0)
        return self.rate * risen * (1 - tf.sqrt(done))

    def get_config(self):
        return {"rate": self.rate, "warmup": self.warmup, "cooldown": self.cooldown, "total": self.total}


def schedule(name: str, learning_rate: float, total_steps: int, warmup_steps: int = 0, cooldown: float = 0.2):
    """The learning rate over the run: a linear warm-up from 0, then "constant", "cosine" (half of one, to 0) or "wsd".

    Args:
        learning_rate: > 0.
        warmup_steps: 0 to total_steps.
        cooldown: the share of the steps, above 0 and up to 1, over which "wsd" falls to 0.
    """
    check_schedule(name)
    if not learning_rate > 0:
        raise InputError(f"learning_rate: expected a number above 0, got {learning_rate}")
    if not 0 <= warmup_steps <= total_steps:
        raise InputError(f"warm-up: expected 0 to {total_steps} steps (the whole run), got {warmup_steps}")
    if name == "wsd":
        return WarmupStableDecay(learning_rate, warmup_steps, cooldown_steps(total_steps, cooldown), total_steps)
    if name == "cosine":
        decay_steps = max(1, total_steps - warmup_steps)
        if warmup_steps == 0:
            return keras.optimizers.schedules.CosineDecay(learning_rate, decay_steps)
        return keras.optimizers.schedules.CosineDecay(
            0.0, decay_steps, warmup_target=learning_rate, warmup_steps=warmup_steps
        )
    if warmup_steps == 0:
        return learning_rate
    return keras.optimizers.schedules.PolynomialDecay(0.0, warmup_steps, end_learning_rate=learning_rate)


def cooldown_steps(total_steps: int, cooldown: float) -> int:
    """How many of the steps "wsd" falls over, at least one."""
    return max(1, round(cooldown * total_steps))
