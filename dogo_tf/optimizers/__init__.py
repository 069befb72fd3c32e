"""Optimisers and learning-rate schedules by name, and one optimiser for each peer."""

from typing import TYPE_CHECKING

from dogo_tf.optimizers.names import OPTIMIZERS, SCHEDULES
from dogo_tf.platform import lazy

if TYPE_CHECKING:
    from dogo_tf.optimizers.by_name import build, check_installed
    from dogo_tf.optimizers.per_peer import (
        apply_scaled_gradients,
        build_all,
        check_callbacks,
        learning_rate,
        one_per_peer,
        scale_loss,
    )
    from dogo_tf.optimizers.schedules import schedule
else:
    __getattr__, __dir__ = lazy.attributes(
        __name__,
        {
            "apply_scaled_gradients": "dogo_tf.optimizers.per_peer",
            "build": "dogo_tf.optimizers.by_name",
            "build_all": "dogo_tf.optimizers.per_peer",
            "check_callbacks": "dogo_tf.optimizers.per_peer",
            "check_installed": "dogo_tf.optimizers.by_name",
            "learning_rate": "dogo_tf.optimizers.per_peer",
            "one_per_peer": "dogo_tf.optimizers.per_peer",
            "scale_loss": "dogo_tf.optimizers.per_peer",
            "schedule": "dogo_tf.optimizers.schedules",
        },
    )

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "apply_scaled_gradients",
    "build",
    "build_all",
    "check_callbacks",
    "check_installed",
    "learning_rate",
    "one_per_peer",
    "scale_loss",
    "schedule",
]
