"""Everything a run needs to go on: peers, optimisers and their step, and the number of examples seen.

The number of examples fixes the position in the data and the next views, so a resumed run sees what it would have seen.
"""

from dogo_tf.keras_compat import tf


class RunCheckpoint:
    """The newest checkpoints of a run, in TensorFlow's format (.h5 files would lose the optimisers)."""

    def __init__(self, folder, model, keep: int = 2):
        self.manager = tf.train.CheckpointManager(tf.train.Checkpoint(model=model), str(folder), max_to_keep=keep)

    def save(self, step: int) -> str:
        return self.manager.save(step)

    def restore_newest(self) -> str | None:
        """Loads the newest checkpoint; returns its path, or None if there is none."""
        return self.manager.restore_or_initialize()

    def newest(self) -> str | None:
        return self.manager.latest_checkpoint
