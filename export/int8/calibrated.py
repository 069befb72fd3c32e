"""The int8 file whose ranges cost the least among several rules, by the error on images that no rule has seen."""

from dataclasses import dataclass

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import parity
from dogo_tf.export.int8.graph_file import Grid, Int8File
from dogo_tf.export.int8.ranges import RULES, histograms

CONVERTER = "converter"


@dataclass(frozen=True)
class Calibrated:
    """content: the file. rule: of its ranges, one of ranges.RULES, or CONVERTER. tried: rule -> E (see parity.Parity).

    reason: why others could not be tried, or LiteRT does not load them; "" if all were tried.
    """

    content: bytes
    rule: str
    tried: dict[str, float]
    reason: str = ""

    def as_dict(self) -> dict:
        return {"rule": self.rule, "tried": self.tried, "others_not_tried": self.reason}


def best(int8: bytes, float32: bytes, images: np.ndarray, judging: np.ndarray, reference: np.ndarray) -> Calibrated:
    """The best of the converter's file and those with other ranges.

    Args:
        int8, float32: files of tflite.convert of one SavedModel; its ranges are the extremes on `images`.
        images: uint8 [N, H, W, 3], to take ranges from.
        judging: uint8 [M, H, W, 3], others, to choose by. reference: the original's features of them [M, d].
    Raises:
        InputError: LiteRT loads none of them.
    """
    files, reason = {CONVERTER: int8}, ""
    try:
        # It loads TensorFlow, which a mistyped flag of dogo-export need not wait for.
        from dogo_tf.export.int8.network import Network

        network = Network(Int8File(int8, float32))
    except InputError as error:  # the network holds something else than is followed; its int8 file is as good as ever
        reason = str(error)
    else:
        found = histograms(network, images)
        for name, rule in RULES.items():
            grids = {number: Grid.over(*rule(histogram)) for group, histogram in found.items() for number in group}
            files[name] = network.file.written({}, grids)
    tried = {}
    for name, content in files.items():
        try:
            encoder = TFLiteEncoder(content)
        except InputError as error:
            reason = f"{name}: {error}"
        else:
            tried[name] = parity.compare(reference, embed(encoder, judging)).error_ratio
    if not tried:
        raise InputError(f"int8: {reason}")
    rule = min(tried, key=tried.get)
    return Calibrated(files[rule], rule, tried, reason)
