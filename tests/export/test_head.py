"""The head of an export: which one, and its temperature."""

import numpy as np
import pytest
from scipy import special

from dogo_tf.assessment import expected_calibration_error, fit_temperature
from dogo_tf.evaluate.classifier import LinearClassifier
from dogo_tf.export import head


def test_the_temperature_is_folded_into_weights_and_bias():
    generator = np.random.default_rng(0)
    trained = LinearClassifier(
        generator.normal(size=(6, 4)).astype(np.float32) * 3, generator.normal(size=4).astype(np.float32), 0.1, True
    )
    features = generator.normal(size=(400, 6)).astype(np.float32)
    shares = special.softmax(trained.logits(features) / 3, axis=1)
    labels = np.array([generator.choice(4, p=row / row.sum()) for row in shares])  # so it is three times too sure
    found, temperature = head.calibrated(trained, features, labels)
    assert temperature == pytest.approx(3, rel=0.3)
    np.testing.assert_allclose(found.logits(features), trained.logits(features) / temperature, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found.predict(features), trained.predict(features))
    assert fit_temperature(found.logits(features), labels) == pytest.approx(1, abs=1e-3)
    before, after = (expected_calibration_error(one.logits(features), labels) for one in (trained, found))
    assert after < before / 2
    assert (found.strength, found.converged) == (0.1, True)


def test_an_encoder_has_no_head_of_its_own():
    assert head.of_classifier(None, True, None, None) is None
