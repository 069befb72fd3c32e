"""Everything a run needs to go on: peers, optimisers and their step, whatever else the model tracks, and its metrics so far.

The number of examples seen fixes the position in the data and the next views, so a resumed run sees what it would have seen.
"""

import json
import re
import shutil
import sys
from pathlib import Path

from dogo_tf.errors import InputError
from dogo_tf.platform.files import is_temporary, reason, remove, sha256, temporary_sibling, to_disk, write_atomically
from dogo_tf.platform.keras_compat import tf
from dogo_tf.runs import records
from dogo_tf.runs.earlier import metrics_by_number

CHECKSUMS = "checksums.json"


class RunCheckpoint:
    """The newest checkpoints of a run: folders step_<n>, each a tf.train.Checkpoint of the model and its files' SHA-256.

    A folder appears under its name only when all of it is on the disk, and older ones go only after it was read back. (Keras'
    .h5 files would lose the optimisers.)

    Args:
        folder: where the checkpoints are read from, and written to unless `write_to` is given.
        model: a compiled keras.Model; all that it tracks is kept, and its metrics by name, which may be amid their means.
        keep: how many checkpoints stay, besides those whose step `stays`.
        write_to: another folder to write to. In a job of several workers all must save, but only the chief's is read.
    """

    def __init__(self, folder, model, keep: int = 2, write_to=None, stays=lambda step: False):
        self.folder = Path(folder)
        self.write_to = self.folder if write_to is None else Path(write_to)
        self.checkpoint = tf.train.Checkpoint(
            model=model, named_metrics={metric.name: metric for metric in model.metrics}
        )
        self._with_numbers = tf.train.Checkpoint(model=model, metrics=metrics_by_number(model.metrics))
        self.keep, self.stays = keep, stays

    def save(self, step: int) -> Path:
        """Returns the checkpoint's folder.

        Raises:
            InputError: it cannot be written, or does not read back as it was; older checkpoints are still there then.
        """
        path = self.write_to / f"step_{step:09}"
        temporary = temporary_sibling(path)
        try:
            temporary.mkdir(parents=True)
            self.checkpoint.write(str(temporary / "state"))
            sums = {file.name: sha256(file) for file in sorted(temporary.iterdir())}
            write_atomically(temporary / CHECKSUMS, json.dumps(sums, indent=1).encode())
            for file in (*temporary.iterdir(), temporary):
                to_disk(file)
            remove(path)  # of a run that came this far before
            temporary.rename(path)
            to_disk(self.write_to)
        except (OSError, tf.errors.OpError) as error:
            raise InputError(
                f"run_dir: cannot write the checkpoint {path}: {reason(error)}. {self._advice()}"
            ) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        problem = damage(path)
        if problem:
            raise InputError(f"run_dir: the checkpoint {path} was written but {problem}. {self._advice()}")
        for old in _steps(self.write_to)[: -self.keep]:
            if not self.stays(_step(old)):
                remove(old)
        return path

    def restore_newest(self) -> Path | None:
        """Loads the newest checkpoint that is whole, with a message about any that is not; None if there are none.

        Raises:
            InputError: there are some, and all are damaged; or they are of another model.
        """
        damaged = []
        for path in reversed(_steps(self.folder)):
            problem = damage(path)
            if problem:
                damaged.append(path)
                print(f"the checkpoint {path} is damaged ({problem}); trying the one before it", file=sys.stderr)
                continue
            try:
                self._kind_of(path).read(str(path / "state")).assert_consumed()
            except (AssertionError, ValueError, tf.errors.OpError) as error:
                raise InputError(
                    f"resume: the checkpoint {path} is not of the model in config.json: {reason(error)}"
                ) from error
            return path
        if damaged:
            raise InputError(
                f"resume: no checkpoint in {self.folder} is whole; copy one back, or start anew with --overwrite"
            )
        return None

    def drop_after(self, step: int) -> None:
        """Removes damaged checkpoints of later steps, which would count as the newest, and what a killed process left."""
        for path in self.folder.iterdir() if self.folder.is_dir() else []:
            if is_temporary(path) or (path in _steps(self.folder) and _step(path) > step):
                remove(path)

    def newest(self) -> Path | None:
        """The folder of the newest checkpoint."""
        steps = _steps(self.folder)
        return steps[-1] if steps else None

    def _kind_of(self, path: Path) -> tf.train.Checkpoint:
        """What a checkpoint is read with: of earlier versions its metrics have numbers instead of names."""
        kept = tf.train.load_checkpoint(str(path / "state")).get_variable_to_shape_map()
        return self._with_numbers if any(name.startswith("metrics/") for name in kept) else self.checkpoint

    def _advice(self) -> str:
        kept = f"the last good one is {self.newest()}" if self.newest() else "there is none before it"
        return f"Nothing else was lost: {kept}. Make room or repair the disk, then go on with --resume."


def damage(path: Path) -> str | None:
    """What is wrong with the files of a checkpoint's folder, or None."""
    try:
        sums = records.read_json(path / CHECKSUMS, records.CHECKSUMS)
        for name, expected in sums.items():
            if sha256(path / Path(name).name) != expected:
                return f"{name} is not as it was written"
    except OSError as error:
        return f"{Path(error.filename).name} cannot be read: {error.strerror}"
    except ValueError:
        return f"{CHECKSUMS} is not as it was written"
    return None if sums else f"{CHECKSUMS} is empty"


def _steps(folder: Path) -> list[Path]:
    """Checkpoints by their names; copies of other names (step_000000040.bak) are none."""
    return sorted((path for path in folder.glob("step_*") if re.fullmatch(r"step_\d+", path.name)), key=_step)


def _step(path: Path) -> int:
    return int(path.name.removeprefix("step_"))
