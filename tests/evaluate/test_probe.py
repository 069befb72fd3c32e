"""What a probe of one encoder reports, with which labels, and which data it refuses."""

import json

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.evaluate.probe import probe


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
