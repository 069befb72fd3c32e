"""Optimisers and learning-rate schedules by name, and one optimiser for each peer."""

from dogo_tf.optimizers.by_name import OPTIMIZERS, SCHEDULES, build, schedule
from dogo_tf.optimizers.per_peer import (
    build_all,
    check_callbacks,
    learning_rate,
    one_per_peer,
    scale_loss,
    unscale_gradients,
)

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "build",
    "build_all",
    "check_callbacks",
    "learning_rate",
    "one_per_peer",
    "scale_loss",
    "schedule",
    "unscale_gradients",
]
