"""Does the peer help? Arms trained with the same seeds on the same data, compared study by study."""

from dogo_tf.comparison.results import ARMS, ArmRun, Cost

__all__ = ["ARMS", "ArmRun", "Cost"]
