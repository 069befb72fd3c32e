"""TFDS data sets in tfrecord files, which are only read from their start: a cache of them holds what memory holds."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from dogo_tf import data
from dogo_tf.data import choose, open_files
from dogo_tf.errors import InputError
from dogo_tf.sources import shards, tfds_reading
from dogo_tf.sources.sequential_records import SequentialRecords

COUNT, ROWS = 40, 7  # images, and rows a shard
RNG = np.random.default_rng(0)
PICTURES = {"squares": RNG.integers(0, 256, (COUNT, 10, 10, 3), dtype=np.uint8)}
PICTURES["odd"] = [RNG.integers(0, 256, (9 + k % 5, 12, 3), dtype=np.uint8) for k in range(COUNT)]
ADVICE = "tfds.builder(..., data_dir=<a new folder>, file_format='array_record') prepares it for source='stream'"


class DogoTfrecordSet(tfds.core.GeneratorBasedBuilder):
    """Squares, labelled; and JPEG files of varying sizes."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in PICTURES]

    def _info(self):
        if self.builder_config.name == "odd":
            features = {"image": tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg")}
        else:
            image = tfds.features.Image(shape=(10, 10, 3), encoding_format="png")
            features = {"image": image, "label": tfds.features.ClassLabel(names=["a", "b", "c"])}
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), disable_shuffling=True
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        name = self.builder_config.name
        for k, picture in enumerate(PICTURES[name]):
            yield k, {"image": picture, **({} if name == "odd" else {"label": k % 3})}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Each in three files, of which TFDS reads some records in turn."""
    folder, files = tmp_path_factory.mktemp("tfds"), tfds.download.DownloadConfig(num_shards=3)
    for config in DogoTfrecordSet.builder_configs:
        DogoTfrecordSet(config=config, data_dir=folder).download_and_prepare(download_config=files)
    return folder


@pytest.fixture
def opened(data_dir, tmp_path, monkeypatch):
    def of(name="squares", split="train", source="cache", size=10, **options):
        monkeypatch.setattr(shards, "SHARD_BYTES", ROWS * 3 * size * size)
        where = {"data_dir": data_dir, "cache_dir": tmp_path / "cache", **options}
        return data.open(f"dogo_tfrecord_set/{name}", split, image_size=size, source=source, **where)

    return of


def counted(monkeypatch):
    """The sizes of what is decoded from now on."""
    decoded, before = [], tfds_reading.decoded
    monkeypatch.setattr(tfds_reading, "decoded", lambda *args: decoded.append(len(args[-1])) or before(*args))
    return decoded


@pytest.mark.parametrize(
    "name, split, size",
    [("squares", "train", 10), ("squares", "train[3:30]", 8), ("odd", "train", 10), ("odd", "train", 12)],
)
def test_it_holds_what_memory_holds(opened, monkeypatch, name, split, size):
    memory, cached = (opened(name, split, source, size) for source in ("memory", "cache"))
    assert (memory.source, cached.source) == ("memory", "cache") and cached.name == memory.name
    np.testing.assert_array_equal(cached[:], memory.images)
    rows = RNG.permutation(len(memory))
    np.testing.assert_array_equal(cached[rows], memory.images[rows])
    np.testing.assert_array_equal(cached.labels, memory.labels)
    assert cached.class_names == memory.class_names == (() if name == "odd" else ("a", "b", "c"))
    assert data.pixel_statistics(cached.images) == data.pixel_statistics(memory.images)
    decoded = counted(monkeypatch)
    again = opened(name, split, "cache", size)
    np.testing.assert_array_equal(again[:], memory.images)
    np.testing.assert_array_equal(again.labels, memory.labels)
    assert not decoded and again.images.digest == cached.images.digest


def test_the_training_stream_is_the_same(opened):
    memory, cached = (data.training_stream(opened(source=source), 8, seed=3).take(12) for source in ("memory", "cache"))
    for ours, theirs in zip(cached, memory, strict=True):
        np.testing.assert_array_equal(ours, theirs)


class PowerCut(Exception):
    pass


def test_a_build_that_was_broken_off_goes_on(opened, monkeypatch):
    before = tfds_reading.decoded
    with monkeypatch.context() as patched:
        patched.setattr(shards, "_AT_ONCE", 4)
        begun = []

        def until_the_lights_go_out(*args):
            begun.append(args)
            if len(begun) > 20:
                raise PowerCut
            return before(*args)

        patched.setattr(tfds_reading, "decoded", until_the_lights_go_out)
        with pytest.raises(PowerCut):
            opened()
    decoded = counted(monkeypatch)
    np.testing.assert_array_equal(opened()[:], opened(source="memory").images)
    assert len(decoded) == COUNT - 2 * ROWS  # two shards were whole


def test_a_damaged_shard_is_built_again_alone(opened, monkeypatch, capsys):
    decoded = counted(monkeypatch)
    cached, expected = opened(), opened(source="memory").images
    shard = cached.images.folder / "00002.pixels"
    shard.write_bytes(b"?" + shard.read_bytes()[1:-1])
    decoded.clear()
    for batch in data.training_stream(cached, 8, seed=0, shuffle=False).take(5).as_numpy_iterator():
        np.testing.assert_array_equal(batch, expected[: len(batch)])
        expected = expected[len(batch) :]
    assert len(decoded) == ROWS and f"{shard} is damaged; building it again" in capsys.readouterr().err


def test_auto(opened, monkeypatch, capsys):
    assert opened(source="auto").source == "memory"
    assert "source=memory: the images take 12 KB, no more than 50% of the " in capsys.readouterr().err
    monkeypatch.setattr(choose, "available_memory", lambda: 1000)
    assert opened(source="auto").source == "cache"
    assert "source=cache: the images take 12 KB, more than 50% of the 1.0 KB of free memory; of " in (
        capsys.readouterr().err
    )


def test_neither_memory_nor_disk_has_the_room(opened, monkeypatch):
    monkeypatch.setattr(choose, "available_memory", lambda: 1000)
    monkeypatch.setattr(open_files.cached, "free_bytes", lambda folder: 2000)
    with pytest.raises(InputError) as raised:
        opened(source="auto")
    assert str(raised.value) == (
        "source: the images take 12 KB, more than 50% of the 1.0 KB of free memory, and 12 KB in a cache more than 90% of "
        f"2.0 KB of free disk; 'dogo_tfrecord_set/squares' cannot be streamed as it is stored; {ADVICE}"
    )


def test_a_stream_is_refused(opened):
    with pytest.raises(InputError) as raised:
        opened(source="stream")
    assert str(raised.value) == (
        "source: 'stream' is for files of images and TFDS data sets in array_record; 'dogo_tfrecord_set/squares' is stored as "
        f"tfrecord; expected 'auto', 'memory' or 'cache' ({ADVICE})"
    )


@pytest.mark.parametrize("lost", [20, 200])
def test_damaged_files(tmp_path, opened, lost):
    DogoTfrecordSet(config="squares", data_dir=tmp_path).download_and_prepare()
    (path,) = tmp_path.rglob("*.tfrecord*")
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(InputError) as raised:
        opened(data_dir=tmp_path)
    found = str(raised.value)
    assert found.startswith(
        f"the prepared copy of 'dogo_tfrecord_set/squares' in {path.parent} is damaged: DataLossError"
    )
    assert found.endswith("; delete this folder to have it prepared again")


def test_records_are_read_on_from_where_the_last_ones_ended():
    starts = []

    def read(start):
        starts.append(start)
        return iter([b"%d" % k for k in range(start, 9)])

    records = SequentialRecords("set train", 10, [], [], read)
    assert records[2:4] == [b"2", b"3"] and records[4:6] == [b"4", b"5"] and records[7:8] == [b"7"]
    assert starts == [2]
    assert records[1:2] == [b"1"] and starts == [2, 1]
    with pytest.raises(InputError, match="set train: expected 10 records, got 9; prepare it again"):
        records[8:10]
