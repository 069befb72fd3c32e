"""Has training made an encoder worse than it was? Its probes against the one before the first step."""

import math

from dogo_tf.reporting.table import percent

ONE_SIDED_95 = 1.645  # standard errors: of encoders that are no worse, one in twenty falls further by chance


def worse_than_untrained(line: dict, lines: list[dict]) -> str | None:
    """What to warn of, or None where the probe's linear accuracy is not clearly below that before the first step.

    Clearly: by more than two accuracies near 50 % on as many test images differ by chance, taken as independent. An untrained
    encoder is probed as it stands, with the first statistics of batch normalisation.

    Args:
        line: of probes.jsonl. lines: all of this file. Where none is of epoch 0 and the same numbers of images (the run
            began before there was one, or goes on with other probes) there is nothing to compare with.
    """

    def probed(line):
        return line["peer"], line.get("n_train"), line.get("n_test")

    before = next((one for one in lines if one["epoch"] == 0 and probed(one) == probed(line)), None)
    if before is None or line["linear"] >= before["linear"] - ONE_SIDED_95 * math.sqrt(2 * 0.25 / line["n_test"]):
        return None
    return (
        f"the encoder got worse than untrained: linear accuracy {percent(line['linear'])} % after epoch {line['epoch']}, "
        f"{percent(before['linear'])} % before the first step"
    )
