from dogo_tf.platform.keras_compat import tf
from dogo_tf.runs.event_files import drop_after


def write(folder, steps):
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for step in steps:
            tf.summary.scalar("loss", float(step), step)
    writer.close()


def steps(folder):
    events = [
        tf.compat.v1.Event.FromString(record)
        for path in sorted(folder.glob("events*"))
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]
    return sorted(event.step for event in events if event.summary.value)


def test_later_steps_are_dropped_from_every_file(tmp_path):
    write(tmp_path, [0, 2, 4])
    write(tmp_path, [6, 8])
    drop_after(tmp_path, 4)
    assert steps(tmp_path) == [0, 2, 4]
    write(tmp_path, [6])
    assert steps(tmp_path) == [0, 2, 4, 6]


def test_an_unfinished_record_is_dropped(tmp_path):
    write(tmp_path, [0, 2, 4])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-5])
    drop_after(tmp_path, 100)
    assert steps(tmp_path) == [0, 2]


def test_a_file_without_later_steps_is_not_touched(tmp_path):
    write(tmp_path, [0, 2])
    (path,) = tmp_path.iterdir()
    before = path.stat()
    drop_after(tmp_path, 2)
    after = path.stat()
    # Not the whole stat: reading a file may change the time of its last access.
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_no_files_are_no_problem(tmp_path):
    drop_after(tmp_path / "none", 3)
