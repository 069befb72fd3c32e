"""Features are computed once for each encoder and set of images, and a damaged file is not believed."""

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate import embed, feature_cache
from dogo_tf.evaluate.feature_cache import FeatureCache
from dogo_tf.platform.keras_compat import keras


class Means:
    """An encoder that counts its calls."""

    input_shape = (None, 8, 8, 3)

    def __init__(self, fingerprint="means"):
        self.fingerprint = fingerprint
        self.calls = 0

    def __call__(self, batch):
        self.calls += 1
        return batch.mean(axis=(1, 2))


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3), np.uint8)


def test_the_second_time_the_encoder_is_not_called(images, tmp_path):
    encoder = Means()
    first = FeatureCache(tmp_path / "new" / "features").embed(encoder, images, batch_size=4)
    assert encoder.calls == 2
    second = FeatureCache(tmp_path / "new" / "features").embed(encoder, images, batch_size=3)
    assert encoder.calls == 2 and second.dtype == np.float32
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, embed(Means(), images))


def test_other_images_or_another_encoder_miss(images, tmp_path):
    cache, encoder = FeatureCache(tmp_path), Means()
    cache.embed(encoder, images)
    changed = images.copy()
    changed[6, 7, 7, 2] ^= 1
    for others in (changed, images[:6], images[::-1]):
        np.testing.assert_array_equal(cache.embed(encoder, others), embed(Means(), others))
    assert encoder.calls == 4
    other = Means("other means")
    cache.embed(other, images)
    assert other.calls == 1 and len(list(tmp_path.iterdir())) == 5


def test_another_weight_misses(images, tmp_path):
    inputs = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs))
    encoder, cache = keras.Model(inputs, pooled), FeatureCache(tmp_path)
    before = cache.embed(encoder, images)
    encoder.set_weights([weight + 1 for weight in encoder.get_weights()])
    after = cache.embed(encoder, images)
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, embed(encoder, images))


def test_the_shape_counts_as_well_as_the_bytes(images):
    assert feature_cache._key(Means(), images) != feature_cache._key(Means(), images.reshape(7, 4, 16, 3))


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-5], lambda content: b"", lambda content: bytes(len(content))]
)
def test_a_damaged_file_is_told_and_replaced(damage, images, tmp_path, capsys):
    cache, encoder = FeatureCache(tmp_path), Means()
    expected = np.array(cache.embed(encoder, images))  # a copy: the file that it is mapped from will be cut short
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    np.testing.assert_array_equal(cache.embed(encoder, images), expected)
    assert encoder.calls == 2
    assert f"{file} is damaged and will be replaced" in capsys.readouterr().err
    cache.embed(encoder, images)
    assert encoder.calls == 2 and capsys.readouterr().err == ""


def test_features_of_another_number_of_images_are_not_believed(images, tmp_path, capsys):
    cache, encoder = FeatureCache(tmp_path), Means()
    expected = np.array(cache.embed(encoder, images))  # a copy: the file that it is mapped from will be cut short
    (file,) = tmp_path.iterdir()
    np.save(file, expected[:5])
    np.testing.assert_array_equal(cache.embed(encoder, images), expected)
    assert "expected float32 [7, d], it holds float32 [5, 3]" in capsys.readouterr().err


def test_features_lie_on_disk_and_are_written_batch_by_batch(images, tmp_path, monkeypatch):
    written = []
    original = feature_cache.embedded_batches

    def recorded(*arguments):
        for batch in original(*arguments):
            written.append([file.stat().st_size for file in tmp_path.iterdir()])
            yield batch

    monkeypatch.setattr(feature_cache, "embedded_batches", recorded)
    features = FeatureCache(tmp_path).embed(Means(), images, batch_size=2)
    assert isinstance(features, np.memmap) and not features.flags.writeable
    assert len(written) == 4 and [path.suffix for path in tmp_path.iterdir()] == [".npy"]
    np.testing.assert_array_equal(features, embed(Means(), images))


def test_nothing_is_kept_of_a_pass_that_failed(images, tmp_path):
    encoder = Means()
    encoder.__class__ = type("Broken", (Means,), {"__call__": lambda self, batch: np.full((len(batch), 3), np.nan)})
    with pytest.raises(InputError, match="NaN or infinite for 7 of 7 images"):
        FeatureCache(tmp_path).embed(encoder, images)
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_everything_is_computed(images):
    encoder = Means()
    for _ in range(2):
        FeatureCache().embed(encoder, images)
    assert encoder.calls == 2
    FeatureCache().embed(lambda batch: batch.mean(axis=(1, 2)), images)  # needs no fingerprint


def test_what_cannot_be_cached_is_refused(images, tmp_path):
    with pytest.raises(InputError, match="got function, whose code cannot be fingerprinted"):
        FeatureCache(tmp_path).embed(lambda batch: batch, images)
    with pytest.raises(InputError, match="the encoder takes 8 x 8 x 3, got 8 x 7 x 3"):
        FeatureCache(tmp_path).embed(Means(), images[:, :, :7])
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cache: cannot write to .*file: "):
        FeatureCache(tmp_path / "file").embed(Means(), images)
