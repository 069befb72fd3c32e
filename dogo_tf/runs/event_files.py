"""TensorBoard's event files, which have no index: to take steps back they are written anew."""

from pathlib import Path

from google.protobuf.message import DecodeError

from dogo_tf.platform.files import temporary_sibling
from dogo_tf.platform.keras_compat import tf


def drop_after(folder: Path, step: int) -> None:
    """Drops what was written for later steps, and a record that a killed process left unfinished."""
    for path in sorted(folder.glob("events.out.tfevents.*")):
        kept, whole = _records_until(path, step)
        if whole:
            continue
        temporary = temporary_sibling(path)
        with tf.io.TFRecordWriter(str(temporary)) as writer:
            for record in kept:
                writer.write(record)
        temporary.replace(path)


def _records_until(path: Path, step: int) -> tuple[list[bytes], bool]:
    """The records up to `step`, and whether they are all that is in the file."""
    kept, whole = [], True
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            if tf.compat.v1.Event.FromString(record).step <= step:
                kept.append(record)
            else:
                whole = False
    except (tf.errors.DataLossError, DecodeError):
        whole = False
    return kept, whole
