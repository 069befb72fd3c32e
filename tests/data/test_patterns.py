"""The embedded data set: what its bytes are, what the classes are told apart by, and its road through TFDS."""

import numpy as np
import pytest

from dogo_tf.data import patterns
from dogo_tf.errors import InputError

# Labels of the first images, some pixels of image 0, and the sum of all values, of generate(100, seed=0, variant).
GOLDEN = {
    "default": ([2, 6, 0, 5, 3, 6, 4, 2], [[131, 114, 137], [165, 125, 152], [16, 73, 49], [255, 189, 233]], 38569301),
    "ood": ([5, 5, 9, 0, 8, 6, 0, 9], [[208, 133, 76], [189, 113, 57], [159, 150, 108], [97, 100, 102]], 38912308),
}


@pytest.fixture(scope="module")
def thousand():
    return patterns.generate(1000, seed=3)


@pytest.mark.parametrize("variant", patterns.VARIANTS)
def test_images_and_labels_have_the_promised_form(variant):
    images, labels = patterns.generate(73, seed=3, variant=variant)
    assert images.shape == (73, 32, 32, 3) and images.dtype == np.uint8
    assert labels.shape == (73,) and labels.dtype == np.int64
    assert images.min() < 30 and images.max() > 225


def test_ten_classes_appear_equally_often_in_mixed_order(thousand):
    _, labels = thousand
    assert len(patterns.CLASS_NAMES) == len(set(patterns.CLASS_NAMES)) == 10
    np.testing.assert_array_equal(np.bincount(labels), 100)
    assert len(set(labels[:50])) > 5


def test_the_same_arguments_give_the_same_bytes_and_other_ones_others(thousand):
    images, labels = thousand
    again, same_labels = patterns.generate(1000, seed=3)
    np.testing.assert_array_equal(again, images)
    np.testing.assert_array_equal(same_labels, labels)
    for others, _ in (patterns.generate(1000, seed=4), patterns.generate(1000, seed=3, variant="ood")):
        assert not (others == images).all(axis=(1, 2, 3)).any()


@pytest.mark.parametrize("variant", patterns.VARIANTS)
def test_chunks_are_the_whole_in_order(variant):
    images, labels = patterns.generate(1200, seed=5, variant=variant)
    chunks = list(patterns.generate_chunks(1200, seed=5, variant=variant))
    assert len(chunks) > 1
    np.testing.assert_array_equal(np.concatenate([c[0] for c in chunks]), images)
    np.testing.assert_array_equal(np.concatenate([c[1] for c in chunks]), labels)


@pytest.mark.parametrize("variant", patterns.VARIANTS)
def test_the_bytes_are_those_of_the_published_version(variant):
    # If this fails after a change on purpose: raise VERSION in patterns_builder.py, or prepared copies will differ.
    images, labels = patterns.generate(100, seed=0, variant=variant)
    assert (labels[:8].tolist(), images[0, 16, ::8].tolist(), int(images.sum())) == GOLDEN[variant]


def test_stripes_are_as_wide_as_their_gaps():
    rng = np.random.default_rng(1)
    distance = patterns._texture_distance(np.zeros(20, np.int64), rng, period=(8.0, 8.0))
    assert 1.8 < distance.max() <= 2.0 + 1e-9 and -2.0 - 1e-9 <= distance.min() < -1.8  # the middle of a 4 px stripe
    assert abs((distance > 0).mean() - 0.5) < 0.03


@pytest.mark.parametrize("shape", range(2))
def test_distances_to_the_silhouette_change_by_one_a_pixel(shape):
    distance = patterns._shape_distance(np.full(50, shape), np.random.default_rng(2))[..., 0]
    down, across = np.gradient(distance, axis=(1, 2))
    slope = np.sqrt(down**2 + across**2)[np.abs(distance) < 1]
    assert abs(np.median(slope) - 1) < 0.02
    assert 200 < (distance > 0).sum(axis=(1, 2)).mean() < 600  # of 1024 pixels


def test_neither_colour_nor_brightness_nor_contrast_speaks_for_a_class(thousand):
    images, labels = thousand
    values = images.reshape(len(images), -1, 3).astype(np.float64)
    for statistic in (values.mean(1), values.max(1), values.min(1)):
        of_classes = np.stack([statistic[labels == c].mean(0) for c in range(10)])
        assert (of_classes.std(0) < 0.5 * statistic.std(0)).all()


def test_a_linear_classifier_on_pixels_fails():
    from sklearn.linear_model import RidgeClassifier

    images, labels = patterns.generate(2500, seed=6)
    pixels = images.reshape(len(images), -1) / 255.0
    accuracy = RidgeClassifier(alpha=1000.0).fit(pixels[:2000], labels[:2000]).score(pixels[2000:], labels[2000:])
    assert accuracy < 0.35


def test_mirrored_and_turned_images_are_as_likely():
    # Edge strength along the four directions must not differ: no orientation is preferred, and no handedness.
    images, _ = patterns.generate(3000, seed=8)
    grey = images.mean(-1)
    across, down = np.abs(np.diff(grey, axis=2)).mean(), np.abs(np.diff(grey, axis=1)).mean()
    falling = np.abs(grey[:, 1:, 1:] - grey[:, :-1, :-1]).mean()
    rising = np.abs(grey[:, 1:, :-1] - grey[:, :-1, 1:]).mean()
    assert abs(across / down - 1) < 0.03
    assert abs(falling / rising - 1) < 0.03


def test_mistakes_are_named():
    with pytest.raises(InputError, match="unknown variant of patterns 'odd'; known: default, ood"):
        patterns.generate(1, seed=0, variant="odd")
    with pytest.raises(InputError, match="count: expected at least 1 image, got 0"):
        patterns.generate(0, seed=0)


@pytest.fixture
def builder_of_sixty(monkeypatch):
    """The builder's module, its splits cut to 40 and 20 images."""
    from dogo_tf.data import patterns_builder

    monkeypatch.setattr(patterns_builder, "SPLITS", {"train": (40, 0), "test": (20, 1)})
    return patterns_builder


def test_the_published_splits():
    from dogo_tf.data import patterns_builder

    assert {split: count for split, (count, _) in patterns_builder.SPLITS.items()} == {"train": 10_000, "test": 2_000}
    assert len({seed for _, seed in patterns_builder.SPLITS.values()}) == 2


@pytest.mark.parametrize("variant", patterns.VARIANTS)
def test_tfds_gives_back_what_was_generated_in_order(builder_of_sixty, variant, tmp_path):
    builder = builder_of_sixty.prepare(variant, tmp_path)
    assert builder.info.features["label"].names == list(patterns.CLASS_NAMES)
    for split, (count, seed) in builder_of_sixty.SPLITS.items():
        images, labels = patterns.generate(count, seed, variant)
        examples = list(builder.as_dataset(split=split).as_numpy_iterator())
        np.testing.assert_array_equal(np.stack([e["image"] for e in examples]), images)
        np.testing.assert_array_equal([e["label"] for e in examples], labels)


def test_it_is_made_once(builder_of_sixty, tmp_path, capsys):
    builder_of_sixty.prepare("default", tmp_path)
    capsys.readouterr()
    builder_of_sixty.prepare("default", tmp_path)
    assert capsys.readouterr() == ("", "")


def test_whoever_comes_second_keeps_the_first_ones_data(builder_of_sixty, monkeypatch, tmp_path):
    generate_chunks, calls = patterns.generate_chunks, []

    def overtaken(*arguments):
        calls.append(arguments)
        if len(calls) == 1:  # another process begins later and finishes first
            builder_of_sixty.prepare("default", tmp_path)
        yield from generate_chunks(*arguments)

    monkeypatch.setattr(patterns, "generate_chunks", overtaken)
    builder = builder_of_sixty.prepare("default", tmp_path)
    assert len(calls) == 4  # two splits, written twice
    assert {split: info.num_examples for split, info in builder.info.splits.items()} == {"train": 40, "test": 20}
    assert [path.name for path in (tmp_path / "patterns" / "default").iterdir()] == ["1.0.0"]


def test_a_full_disk_is_not_mistaken_for_a_faster_process(builder_of_sixty, monkeypatch, tmp_path):
    def fail(self, **arguments):
        raise OSError("No space left on device")

    monkeypatch.setattr(builder_of_sixty.Patterns, "download_and_prepare", fail)
    with pytest.raises(OSError, match="No space left"):
        builder_of_sixty.prepare("default", tmp_path)


def test_an_unknown_configuration_lists_the_known_ones(builder_of_sixty, tmp_path):
    with pytest.raises(InputError, match="unknown configuration of patterns 'odd'; known: default, ood"):
        builder_of_sixty.prepare("odd", tmp_path)
