"""The int8 file as operations on tensors, and written back."""

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export.int8.graph_file import SAME_GRID, Grid, Int8File


@pytest.mark.parametrize("low, high", [(-1.0, 3.0), (0.0, 6.0), (0.5, 2.0), (-4.0, -1.0), (0.0, 0.0), (-1e-7, 0.3)])
def test_a_grid_holds_its_range_and_zero_to_a_step(low, high):
    grid = Grid.over(low, high)
    assert grid.low <= min(low, 0) + grid.scale and grid.high >= max(high, 0) - grid.scale
    assert -128 <= grid.zero_point <= 127 and isinstance(grid.zero_point, int)
    assert grid.high - grid.low == pytest.approx(max(max(high, 0) - min(low, 0), 255e-12))


def test_written_with_nothing_changed_it_computes_the_same(gated, images):
    file = Int8File(gated["int8"], gated["float32"])
    again = file.written({}, {})
    # Every channel of weights and biases has a zero-point of 8 bytes, all of them 0: written once for each number of channels.
    channels = [len(file.constants[bias]) for bias in file.biases for _ in ("weights", "bias")]
    spared = 8 * (sum(channels) - sum(set(channels)))
    assert 0.8 * len(gated["int8"]) < len(again) < len(gated["int8"]) - spared
    old, new = TFLiteEncoder(gated["int8"]), TFLiteEncoder(again)
    step = old.stated_outputs["features"]["scale"]
    difference = np.abs(old(images) - new(images))
    assert (
        new.stated_outputs == old.stated_outputs
        and difference.max() < 1.5 * step
        and (difference < step / 2).mean() > 0.99
    )


def test_other_weights_and_ranges_arrive_in_the_file(gated, images):
    file = Int8File(gated["int8"], gated["float32"])
    features = file.outputs["features"]
    (weights, bias), *_ = [(w, b) for b, (_, w) in file.biases.items() if file.operations[-2].inputs[1] == w]
    zero = {weights: np.zeros_like(file.constants[weights]), bias: np.full_like(file.constants[bias], 0.5)}
    found = TFLiteEncoder(
        file.written(zero, dict.fromkeys((features, file.operations[-2].outputs[0]), Grid.over(0, 1)))
    )
    assert found.stated_outputs["features"]["scale"] == pytest.approx(1 / 255)
    np.testing.assert_allclose(found(images), 0.5, atol=1 / 255)


def test_what_moves_or_averages_values_keeps_their_grid(gated):
    file = Int8File(gated["int8"], gated["float32"])
    group = {number: members for members in file.groups for number in members}
    moving = [
        operation for operation in file.operations if operation.kind in SAME_GRID and operation.outputs[0] in group
    ]
    assert {"CONCATENATION", "SPLIT", "RESHAPE", "TRANSPOSE", "MAX_POOL_2D", "PAD", "AVERAGE_POOL_2D"} <= {
        o.kind for o in moving
    }
    for operation in moving:
        members = group[operation.outputs[0]]
        assert {number for number in (*operation.inputs, *operation.outputs) if number in file.grids} <= set(members)
        assert len({file.grids[number] for number in members}) == 1  # the converter thinks so, too


def test_prescribed_grids_and_the_pixels_are_not_to_be_chosen(gated):
    file = Int8File(gated["int8"], gated["float32"])
    free = set().union(*file.groups)
    (sigmoid,) = [operation for operation in file.operations if operation.kind == "LOGISTIC"]
    assert file.grids[sigmoid.outputs[0]] == Grid(1 / 256, -128)
    assert not free & {sigmoid.outputs[0], file.image, file.operations[0].outputs[0]}
    assert not free & file.constants.keys()


def test_files_of_two_networks_are_refused(gated, unknown):
    with pytest.raises(InputError, match="int8 and float32: expected the two files of one network"):
        Int8File(gated["int8"], unknown["float32"])
