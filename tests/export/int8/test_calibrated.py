"""Ranges chosen by their error."""

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import parity
from dogo_tf.export.int8.calibrated import CONVERTER, best
from dogo_tf.export.int8.ranges import RULES


def test_the_best_of_all_rules_on_other_images_is_taken(gated, calibration_images, images):
    reference = TFLiteEncoder(gated["float32"])(images)
    outlier = calibration_images.copy()
    outlier[0] = np.indices((16, 12)).sum(0)[..., None] % 2 * 255  # a chessboard, which no other image resembles
    found = best(gated["int8"], gated["float32"], outlier, images, reference)
    assert set(found.tried) == {CONVERTER, *RULES} and found.reason == ""
    assert found.tried[found.rule] == min(found.tried.values())
    error = parity.compare(reference, TFLiteEncoder(found.content)(images)).error_ratio
    assert error == pytest.approx(found.tried[found.rule])


def test_extremes_of_our_own_are_as_good_as_the_converters(gated, calibration_images, images):
    reference = TFLiteEncoder(gated["float32"])(images)
    tried = best(gated["int8"], gated["float32"], calibration_images, images, reference).tried
    assert tried["min-max"] == pytest.approx(tried[CONVERTER], rel=0.5)


@pytest.mark.slow
def test_an_unknown_operation_leaves_the_converters_ranges_and_is_named(unknown, calibration_images, images):
    reference = TFLiteEncoder(unknown["float32"])(images)
    found = best(unknown["int8"], unknown["float32"], calibration_images, images, reference)
    assert found.content == unknown["int8"] and found.as_dict()["rule"] == CONVERTER
    assert found.as_dict()["others_not_tried"].endswith("rounding is not known: TANH") and set(found.tried) == {
        CONVERTER
    }


@pytest.mark.slow
def test_a_file_that_litert_does_not_load_is_told_and_another_taken(silent, calibration_images, images):
    """The converter gives a ReLU that passes nothing so fine a grid that LiteRT's XNNPACK refuses the file."""
    reference = TFLiteEncoder(silent["float32"])(images)
    found = best(silent["int8"], silent["float32"], calibration_images, images, reference)
    assert set(found.tried) == set(RULES) and found.reason.startswith("converter: TFLite model: expected a TFLite file")
    assert parity.compare(reference, TFLiteEncoder(found.content)(images)).error_ratio < 0.02


def test_files_that_litert_does_not_load_at_all_are_an_error(silent, calibration_images, images, monkeypatch):
    monkeypatch.setattr("dogo_tf.export.int8.graph_file.LARGEST_MULTIPLIER", 1e30)
    reference = TFLiteEncoder(silent["float32"])(images)
    with pytest.raises(InputError, match="int8: .*: expected a TFLite file, but LiteRT cannot load it"):
        best(silent["int8"], silent["float32"], calibration_images, images, reference)
