"""Accuracy of features that are in files, by their neighbours and by a linear probe: what a teacher at hand knows.

python benchmarks/feature_scores.py features_10000.npz features_test.npz --out=results/at_hand_teacher.json
"""

import argparse
from pathlib import Path

import numpy as np

from dogo_tf import data
from dogo_tf.evaluate.knn import knn_accuracy
from dogo_tf.evaluate.linear import linear_probe
from dogo_tf.reporting.provenance import record


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("train", type=Path)
    arguments.add_argument("test", type=Path)
    arguments.add_argument("--dataset", default="cifar10")
    arguments.add_argument("--data_dir")
    arguments.add_argument("--out", type=Path, required=True)
    args = arguments.parse_args()
    features, asked = (np.load(path)["features"] for path in (args.train, args.test))
    splits = f"train[:{len(features)}]", "test"
    labels, right = (data.load(args.dataset, split, 16, args.data_dir).labels for split in splits)
    neighbours = knn_accuracy(features, labels, asked, right)
    probe = linear_probe(features, labels, asked, right)
    record(args.out, {"knn": float(neighbours.accuracy), "linear": float(probe.accuracy)})


if __name__ == "__main__":
    main()
