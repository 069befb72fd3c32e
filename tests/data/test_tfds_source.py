"""TFDS data sets by name: small ones prepared here, and the prepared copy of CIFAR-10 where it is present."""

import socket

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from dogo_tf import data
from dogo_tf.data import tfds_source
from dogo_tf.data.pixels import to_square
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import tf

RNG = np.random.default_rng(0)
SQUARES = RNG.integers(0, 256, (600, 10, 10, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (3, 9, 9, 1), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (3, 9, 9, 1), dtype=np.uint16)
ODD = [RNG.integers(0, 256, (height, 12, 3), dtype=np.uint8) for height in (9, 12, 40)]
LABELS = {"squares": np.arange(600) % 3, "hidden": np.full(3, -1)}


class DogoTestSet(tfds.core.GeneratorBasedBuilder):
    """One configuration for every kind of `image` feature."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=n) for n in ("squares", "grey", "deep", "odd", "hidden", "text")]

    def _info(self):
        name = self.builder_config.name
        image = {
            "squares": tfds.features.Image(shape=(10, 10, 3), encoding_format="png"),
            "grey": tfds.features.Image(shape=(9, 9, 1), encoding_format="png"),
            "deep": tfds.features.Image(shape=(9, 9, 1), dtype=np.uint16, encoding_format="png"),
            "odd": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
            "hidden": tfds.features.Image(shape=(9, 9, 1), encoding_format="png"),
            "text": tfds.features.Text(),
        }[name]
        features = {"image" if name != "text" else "words": image}
        if name in LABELS:
            features["label"] = tfds.features.ClassLabel(names=["a", "b", "c"])
        features = tfds.features.FeaturesDict(features)
        return tfds.core.DatasetInfo(builder=self, features=features, disable_shuffling=True)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        name = self.builder_config.name
        images = {"squares": SQUARES, "grey": GREY, "deep": DEEP, "odd": ODD, "hidden": GREY, "text": ["x"]}[name]
        for index, image in enumerate(images):
            example = {"image" if name != "text" else "words": image}
            if name in LABELS:
                example["label"] = int(LABELS[name][index])
            yield index, example


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The data_dir of DogoTestSet; load prepares it on first use, as it does for every TFDS name."""
    return tmp_path_factory.mktemp("tfds")


def _error(*args, **options):
    with pytest.raises(InputError) as error:
        data.load(*args, **options)
    return str(error.value)


def test_images_labels_and_names_arrive_in_order(prepared):
    result = data.load("dogo_test_set/squares", data_dir=prepared)
    np.testing.assert_array_equal(result.images, SQUARES)
    np.testing.assert_array_equal(result.labels, LABELS["squares"])
    assert result.labels.dtype == np.int64
    assert result.class_names == ("a", "b", "c")
    assert result.name == "dogo_test_set/squares train"
    part = data.load("dogo_test_set/squares", "train[1%:2%]", data_dir=str(prepared))
    np.testing.assert_array_equal(part.images, SQUARES[6:12])


def test_resizing_is_that_of_to_square(prepared):
    result = data.load("dogo_test_set/squares", image_size=8, data_dir=prepared)
    for index in range(0, 600, 50):
        np.testing.assert_array_equal(result.images[index], to_square(Image.fromarray(SQUARES[index]), 8))
    odd = data.load("dogo_test_set/odd", image_size=12, data_dir=prepared)
    assert odd.labels is None and odd.class_names == ()
    np.testing.assert_array_equal(odd.images[1], ODD[1])
    np.testing.assert_array_equal(odd.images[2], ODD[2][14:26])


def test_larger_pictures_are_kept_larger_if_asked(prepared):
    def side(name, image_size):
        return data.open(
            f"dogo_test_set/{name}", image_size=image_size, data_dir=prepared, store_ratio=1.25
        ).images.shape[1]

    assert [side("squares", size) for size in (8, 9, 10, 12)] == [10, 10, 10, 12]
    assert [side("odd", size) for size in (8, 12)] == [10, 12]  # of varying sizes; most have a shorter side of 12


def test_grey_and_sixteen_bit(prepared):
    grey = data.load("dogo_test_set/grey", data_dir=prepared)
    np.testing.assert_array_equal(grey.images, np.repeat(GREY, 3, axis=3))
    deep = data.load("dogo_test_set/deep", data_dir=prepared)
    np.testing.assert_allclose(deep.images, np.repeat(DEEP / 257, 3, axis=3), atol=0.501)


def test_hidden_labels_are_no_labels(prepared):
    assert data.load("dogo_test_set/hidden", data_dir=prepared).labels is None


def test_errors_of_a_known_set(prepared):
    name = "dogo_test_set/odd"
    assert _error(name, data_dir=prepared) == (
        f"image_size: give it, because the images of {name!r} are of varying size, and squares are needed"
    )
    assert _error(name, "test", data_dir=prepared) == (
        f"unknown split 'test' of {name!r}; known: train, and slices of these like 'train[:10%]'"
    )
    assert _error(name, "train[:0]", data_dir=prepared) == f"the split 'train[:0]' of {name!r} has no images"
    assert _error("dogo_test_set/text", data_dir=prepared) == (
        "the TFDS data set 'dogo_test_set/text' has no feature `image` of uint8 or uint16 pixels; it has: words (Text)"
    )


@pytest.mark.parametrize("name", ["dogo_test_set/grey", "patterns"])
def test_nothing_is_written_where_a_file_says(tmp_path, name):
    with pytest.raises(
        InputError, match="is not prepared in .*, where the run's config.json has it; nothing is written"
    ):
        data.load(name, data_dir=tmp_path / "elsewhere", prepare=False)
    assert not list(tmp_path.iterdir())


def test_a_damaged_copy_is_said_to_be_damaged(tmp_path):
    data.load("dogo_test_set/grey", data_dir=tmp_path)
    [record] = tmp_path.rglob("*.tfrecord*")
    record.write_bytes(record.read_bytes()[:-30])
    message = _error("dogo_test_set/grey", data_dir=tmp_path)
    assert message.startswith(
        f"the prepared copy of 'dogo_test_set/grey' in {record.parent} is damaged: DataLossError: "
    )
    assert message.endswith("; delete this folder to have it prepared again")


def test_a_copy_that_lost_whole_records_is_said_to_be_damaged(tmp_path):
    data.load("dogo_test_set/grey", data_dir=tmp_path)
    [path] = tmp_path.rglob("*.tfrecord*")
    records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records[:-1]:
            writer.write(record)
    message = _error("dogo_test_set/grey", data_dir=tmp_path)
    assert message.startswith(f"the prepared copy of 'dogo_test_set/grey' in {path.parent} is damaged: ")


def test_unknown_names_list_the_closest(tmp_path):
    message = _error("cifar11", data_dir=tmp_path)
    assert message.startswith(
        "unknown data set 'cifar11': neither an existing folder nor a TFDS name; the closest known names: "
    )
    assert " cifar10, " in message and " cifar100, " in message
    assert message.endswith(", patterns (all: tensorflow_datasets.list_builders())")


@pytest.mark.parametrize("name, close", [("CIFAR10", "cifar10"), ("cifar-10", "cifar10"), ("My Mnist", "mnist")])
def test_names_that_tfds_could_not_have_are_unknown_too(tmp_path, name, close):
    message = _error(name, data_dir=tmp_path)
    assert message.startswith(f"unknown data set {name!r}: ") and f" {close}, " in message


def test_unknown_configuration_lists_the_known(tmp_path):
    message = _error("imagenet_resized/99x99", data_dir=tmp_path)
    assert message.startswith("TFDS cannot open the data set 'imagenet_resized/99x99': ")
    assert message.endswith("; configurations: 8x8, 16x16, 32x32, 64x64")
    assert "default" in _error("patterns/oood", data_dir=tmp_path)


def test_offline_and_not_prepared(tmp_path, monkeypatch):
    def no_name_resolution(*args):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_name_resolution)
    monkeypatch.setattr(tfds_source.urllib.request, "getproxies", dict)
    assert _error("mnist", data_dir=tmp_path) == (
        f"the TFDS data set 'mnist' is not prepared in {tmp_path}/mnist/3.0.1, and there is no network. To go on: run "
        "this once with a network, so that TFDS downloads it; or copy the folder mnist of another machine's "
        "tensorflow_datasets folder and give its parent as data_dir; or use 'patterns' or a folder of images"
    )


def test_a_failed_preparation_says_why(tmp_path):
    message = _error("imagenet2012", data_dir=tmp_path)  # to be downloaded by hand
    assert "is not prepared in" in message and "preparing it failed: AssertionError: Manual directory" in message
    assert "ILSVRC2012_img_train.tar" in message and "To go on: " in message


def test_an_existing_folder_wins_over_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mnist").mkdir()
    assert _error("mnist") == (
        "mnist: no images here or below; looked for .jpg, .jpeg, .jpe, .jfif, .png, .bmp, .gif, .webp, .tif, .tiff"
    )


def test_cifar10(shared, prepared):
    """Facts about the published data set; without the copy, the same facts about the generated one."""
    if shared is not None:
        name, split, size, per_class, folder = "cifar10", "test", 32, 1000, shared / "data" / "tfds"
    else:
        name, split, size, per_class, folder = "dogo_test_set/squares", "train", 10, 200, prepared
    result = data.load(name, split, data_dir=folder)
    assert result.images.shape[1:] == (size, size, 3)
    assert np.bincount(result.labels).tolist() == [per_class] * len(result.class_names)
    mean, std = data.pixel_statistics(result.images)
    np.testing.assert_allclose(mean, (125, 123, 114) if shared else 127.5, atol=2)
    np.testing.assert_allclose(std, (63, 62, 67) if shared else 73.9, atol=2)


def test_a_slice_that_ends_before_it_begins_is_refused(data_dir=None):
    with pytest.raises(InputError, match=r"the split 'train\[5:3\]' of 'patterns' has no images"):
        data.load("patterns", "train[5:3]")
