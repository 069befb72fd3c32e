"""How far our losses and gradients are from those that the authors' code returned: relative deviations, per quantity."""

import argparse
from pathlib import Path

import numpy as np

from dogo_tf.distill.similarity_kl import similarity_kl
from dogo_tf.objectives.simclr import nt_xent
from dogo_tf.objectives.simsiam import negative_cosine
from dogo_tf.platform.keras_compat import tf
from dogo_tf.reporting.provenance import record

AUTHORS_WEIGHT = 100.0  # on a KL averaged over all B*B elements: 100 / B per anchor


def quantities(case: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every loss value and gradient of one case of authors_losses.npz, computed by this package, under the same names."""
    inputs = {name: tf.constant(case[name]) for name in ("zx1", "zy1", "zx2", "zy2", "px1", "py1")}
    batch = case["zx1"].shape[0]
    out = {}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        peers = {1: (inputs["zx1"], inputs["zy1"]), 2: (inputs["zx2"], inputs["zy2"])}
        for k, m in ((1, 2), (2, 1)):
            out[f"ntxent{k}"] = tf.reduce_mean(nt_xent(*peers[k], temperature=0.5))
            out[f"kl{k}"] = tf.reduce_mean(similarity_kl(*peers[k], *peers[m])) / batch
            out[f"total{k}"] = out[f"ntxent{k}"] + AUTHORS_WEIGHT * out[f"kl{k}"]
        forward = negative_cosine(inputs["px1"], inputs["zy1"])
        backward = negative_cosine(inputs["py1"], inputs["zx1"])
        out["simsiam"] = tf.reduce_mean(forward + backward) / 2
    for k in (1, 2):
        for view in "xy":
            out[f"dtotal{k}_dz{view}{k}"] = tape.gradient(out[f"total{k}"], inputs[f"z{view}{k}"])
    for view in "xy":
        out[f"dsimsiam_dp{view}1"] = tape.gradient(out["simsiam"], inputs[f"p{view}1"])
    return {name: value.numpy() for name, value in out.items()}


def deviations(fixture: Path) -> dict[str, dict[str, float]]:
    """{case: {quantity: max |ours - theirs| / max |theirs|}} over all cases of the fixture file."""
    arrays = np.load(fixture)
    cases: dict[str, dict[str, np.ndarray]] = {}
    for key in arrays.files:
        case, name = key.split("/")
        cases.setdefault(case, {})[name] = arrays[key]
    result = {}
    for case, theirs in cases.items():
        ours = quantities(theirs)
        result[case] = {
            name: float(np.max(np.abs(ours[name] - theirs[name])) / np.max(np.abs(theirs[name]))) for name in ours
        }
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fixture", type=Path, help="authors_losses.npz")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    result = deviations(arguments.fixture)
    worst = max(value for case in result.values() for value in case.values())
    print(f"largest relative deviation over {sum(map(len, result.values()))} quantities: {worst:.2e}")
    if arguments.out:
        record(arguments.out, {"largest_relative_deviation": worst, "relative_deviations": result})


if __name__ == "__main__":
    main()
