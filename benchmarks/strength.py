"""How to choose the linear probe's regularisation with few labels: by accuracy or by cross-entropy on held-out images?

  python benchmarks/strength.py runs/quickstart runs/other --out=results/strength.json

Of each run's last peer. For 8 draws of the labels: the accuracy on test images of the strength that either would choose, and of
the best one, which nobody knows. Runs on a slice of CIFAR-10 train are tested on its last 5,000 training images.
"""

import argparse
from pathlib import Path

import numpy as np

from dogo_tf import data
from dogo_tf.data.labels import stratified_fraction
from dogo_tf.evaluate import linear
from dogo_tf.evaluate.features import embed
from dogo_tf.reporting.provenance import record
from dogo_tf.runs.folder import RunFolder

DRAWS = 8
SHARES = (0.01, 0.1)


def choices(train, labels, test, test_labels, seed: int) -> dict[str, float]:
    """Accuracies 0..1 on test, by who chooses the strength."""
    correct, cross_entropy = (np.zeros(len(linear.STRENGTHS)) for _ in range(2))
    for held_out in linear._splits(labels, seed)[0]:
        fits = path(train[~held_out], labels[~held_out], train[held_out], linear.SELECTION_ITERATIONS)
        truth = np.searchsorted(np.unique(labels[~held_out]), labels[held_out])
        for number, probabilities in enumerate(fits):
            correct[number] += np.sum(probabilities.argmax(1) == truth)
            cross_entropy[number] -= np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-300)).sum()
    classes = np.unique(labels)
    tested = [
        np.mean(classes[probabilities.argmax(1)] == test_labels)
        for probabilities in path(train, labels, test, linear.FINAL_ITERATIONS)
    ]
    by_accuracy, by_cross_entropy = np.lexsort((cross_entropy, -correct))[0], cross_entropy.argmin()
    return {
        "accuracy": float(tested[by_accuracy]),
        "cross_entropy": float(tested[by_cross_entropy]),
        "best": float(max(tested)),
    }


def path(train, labels, asked, iterations: int):
    """Probabilities of `asked`, a strength at a time from strong to weak, each fit from the one before."""
    standardise, model = linear._standardiser(train), linear._model(iterations)
    for strength in linear.STRENGTHS:
        linear._fit(model, standardise(train), labels, strength)
        yield model.predict_proba(standardise(asked))


def of_run(run: RunFolder, data_dir: str | None) -> dict:
    config = run.config()
    settings, size = config["settings"], config["data"]["image_size"]
    held_out = "train[45000:]" if settings["dataset"] == "cifar10" else "test"
    train, test = (
        data.load(settings["dataset"], s, size, data_dir or settings["data_dir"]) for s in (settings["split"], held_out)
    )
    peer = run.peer_names()[-1]
    features, tested = (embed(run.load_encoder(peer), part.images) for part in (train, test))
    found = []
    for share in SHARES:
        for seed in range(DRAWS):
            rows = stratified_fraction(train.labels, share, seed)
            accuracies = choices(features[rows], train.labels[rows], tested, test.labels, seed)
            found.append({"share": share, "labels": len(rows), "seed": seed, **accuracies})
            print(run.path.name, found[-1], flush=True)
    return {"peer": peer, "train": train.name, "test": test.name, "image_size": size, "draws": found}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("runs", nargs="+", type=Path)
    arguments.add_argument("--data_dir", help="of all runs; each one's own if not given")
    arguments.add_argument("--out", type=Path, required=True)
    args = arguments.parse_args()
    record(args.out, {"runs": {run.name: of_run(RunFolder(run), args.data_dir) for run in args.runs}})


if __name__ == "__main__":
    main()
