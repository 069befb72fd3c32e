"""TFDS data sets in array_record: read by record from every source, with labels that are read once."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from dogo_tf import data
from dogo_tf.errors import InputError
from dogo_tf.sources import record_files

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 10, 10, 3), dtype=np.uint8)
LABELS = np.arange(9) % 3


class DogoRecordSet(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in ("labelled", "hidden", "unlabelled")]

    def _info(self):
        features = {"image": tfds.features.Image(shape=(10, 10, 3), encoding_format="png")}
        if self.builder_config.name != "unlabelled":
            features["label"] = tfds.features.ClassLabel(names=["a", "b", "c"])
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), disable_shuffling=True
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
            hidden = {"labelled": {"label": int(label)}, "hidden": {"label": -1}, "unlabelled": {}}
            yield number, {"image": image, **hidden[self.builder_config.name]}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    for config in DogoRecordSet.builder_configs:
        DogoRecordSet(config=config, data_dir=folder, file_format="array_record").download_and_prepare()
    return folder


@pytest.fixture
def opened(data_dir, tmp_path):
    def of(name="labelled", split="train", **options):
        options = {"image_size": 10, "source": "stream", "cache_dir": tmp_path, **options}
        return data.open(f"dogo_record_set/{name}", split, data_dir=data_dir, **options)

    return of


@pytest.mark.parametrize("source", ["memory", "cache", "stream"])
def test_every_source_reads_the_records(opened, source):
    found = opened(source=source)
    assert found.source == source and found.class_names == ("a", "b", "c")
    np.testing.assert_array_equal(found[:], IMAGES)
    np.testing.assert_array_equal(found[np.array([7, 0, 7])], IMAGES[[7, 0, 7]])
    np.testing.assert_array_equal(found.labels, LABELS)
    assert found.records[4] == "dogo_record_set/labelled train #4" and not found.files
    assert found.name == "dogo_record_set/labelled train"


def test_slices_of_a_split(opened):
    part = opened(split="train[2:5]", image_size=None)
    np.testing.assert_array_equal(part[:], IMAGES[2:5])
    np.testing.assert_array_equal(part.labels, LABELS[2:5])
    assert part.images.digest != opened().images.digest == opened().images.digest
    with pytest.raises(InputError, match="unknown split 'test' of 'dogo_record_set/labelled'; known: train"):
        opened(split="test")


def test_sets_without_labels(opened):
    for name in ("hidden", "unlabelled"):
        found = opened(name)
        assert found.labels is None and found.class_names == () and len(found) == 9


def test_labels_are_read_once(opened, tmp_path, monkeypatch):
    opened()
    (kept,) = (tmp_path / "labels").iterdir()
    written, write = [], record_files._write
    monkeypatch.setattr(record_files, "_write", lambda path, labels: written.append(path) or write(path, labels))
    assert opened().labels.tolist() == LABELS.tolist() and not written
    kept.write_bytes(kept.read_bytes()[:-40])
    assert opened().labels.tolist() == LABELS.tolist() and written == [kept]
