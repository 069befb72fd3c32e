"""What a probe of one encoder reports, with which labels, and which data it refuses."""

import json

import numpy as np
import pytest

from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.evaluate.feature_cache import FeatureCache
from dogo_tf.evaluate.probe import probe
from dogo_tf.platform.keras_compat import keras


def stripes(count, seed, classes=("across", "down"), size=8, name="stripes"):
    """Noisy pictures of horizontal or vertical stripes."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    dark = np.arange(size) % 2 == 0
    pattern = np.stack([np.tile(dark[:, None], (1, size)), np.tile(dark, (size, 1))])[labels]
    noise = generator.normal(0, 40, (count, size, size, 3))
    images = np.clip(np.where(pattern, 70, 180)[..., None] + noise, 0, 255).astype(np.uint8)
    return ImageSet(name, images, labels, tuple(classes))


def contrasts(images):
    """A hand-made encoder: the differences between neighbouring rows and columns."""
    images = images.astype(np.float32)
    return np.stack([np.abs(np.diff(images.mean(axis=(3 - axis, 3)))).mean(axis=1) for axis in (1, 2)], axis=1)


def test_a_probe_gives_its_numbers_for_json_and_keeps_the_predictions():
    train, test = stripes(60, 1), stripes(40, 2)
    result = probe(contrasts, train, test, fractions=(1.0, 0.1))
    assert result.knn.accuracy == result.linear[1.0].accuracy == 1
    np.testing.assert_array_equal(result.linear[0.1].predictions, test.labels)
    written = json.loads(json.dumps(result.as_dict()))
    assert written["knn"] == {"accuracy": 1.0, "k": 60}
    assert set(written["linear"]) == {"1", "0.1"}
    assert written["linear"]["0.1"] == {
        "accuracy": 1.0,
        "strength": result.linear[0.1].strength,
        "validation_accuracy": 1.0,
        "selection": "5-fold cross-validation",
        "n_train": 6,
        "converged": True,
    }


def test_only_what_is_asked_for_is_done_and_fractions_hold_for_every_protocol(tmp_path):
    inputs = keras.Input((8, 8, 3))
    convolved = keras.layers.Conv2D(4, 3, activation="relu")(keras.layers.Rescaling(1 / 64, -2.0)(inputs))
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(convolved))
    result = probe(
        encoder,
        stripes(60, 1),
        stripes(20, 2),
        fractions=(1.0, 0.5),
        protocols=("linear_adam", "fine_tune"),
        fine_tune_epochs=1,
        cache=FeatureCache(tmp_path),
    )
    assert result.knn is None and result.linear == {} and len(list(tmp_path.iterdir())) == 2
    written = json.loads(json.dumps(result.as_dict()))
    assert set(written) == {"linear_adam", "fine_tune"}
    for protocol, epochs in (("linear_adam", 100), ("fine_tune", 1)):
        assert [written[protocol][share]["n_train"] for share in ("1", "0.5")] == [60, 30]
        assert len(written[protocol]["0.5"]["losses"]) == epochs
        assert "predictions" not in written[protocol]["1"]
        assert len(getattr(result, protocol)[0.5].predictions) == 20


def test_the_vote_takes_its_settings():
    train, test = stripes(60, 1), stripes(20, 2)
    assert probe(contrasts, train, test, protocols=("knn",), k=7).knn.k == 7
    with pytest.raises(InputError, match="k and temperature: expected k >= 1 and temperature > 0, got 0 and 0.1"):
        probe(contrasts, train, test, k=0)


def test_what_cannot_be_probed_is_refused_before_anything_is_computed():
    def never(batch):
        raise AssertionError("called")

    train, test = stripes(60, 1), stripes(20, 2)
    other = stripes(20, 2, classes=("across", "along"), name="others test")
    with pytest.raises(
        InputError,
        match="^stripes and others test: expected the same classes in the same order; only one of them has along, down$",
    ):
        probe(never, train, other)
    turned = stripes(20, 2, classes=("down", "across"), name="turned test")
    with pytest.raises(InputError, match="^stripes and turned test: expected .* order; they come in another order$"):
        probe(never, train, turned)
    with pytest.raises(InputError, match="stripes: expected labelled images to probe with"):
        probe(never, train, ImageSet("stripes", test.images))
    with pytest.raises(InputError, match="unknown protocol 'svm'; known: fine_tune, knn, linear, linear_adam"):
        probe(never, train, test, protocols=("knn", "svm"))
    with pytest.raises(InputError, match="protocols: expected at least one of knn, linear, linear_adam, fine_tune"):
        probe(never, train, test, protocols=())
    with pytest.raises(InputError, match="fine-tuning expects a keras.Model, .* a function cannot be trained"):
        probe(never, train, test, protocols=("knn", "fine_tune"))


def test_an_encoder_for_another_image_size_says_which():
    inputs = keras.Input((16, 16, 3))
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    with pytest.raises(InputError, match="^images: the encoder takes 16 x 16 x 3, got 8 x 8 x 3$"):
        probe(encoder, stripes(60, 1), stripes(20, 2))
