"""Tunes a small encoder alone, then next to a bigger peer, with as many trials each: the settings that a comparison uses.

  python benchmarks/tune.py --dataset=cifar10 --work=runs/tune --out=results/tune_cifar10.json

A coordinate search: in each round one thing is varied, and the best trial goes on. Trials are scored on training images that
were held out, never on the test set: the mean of kNN and of the linear probe with all and with 1 % of the labels. What is
found finished in --work is not run again.
"""

import argparse
import dataclasses
import json
import time
from pathlib import Path

import numpy as np

from dogo_tf import data
from dogo_tf.data.labels import stratified_fraction
from dogo_tf.evaluate import embed, knn_accuracy, linear_probe
from dogo_tf.platform.files import write_atomically
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.reporting.provenance import provenance, record
from dogo_tf.runs.folder import RunFolder

SMALL, BIG = "wrn_10_2", "wrn_16_2"
LABEL_DRAWS = 5  # of the 1 %, whose choice matters more than most settings

SOLO_ROUNDS = [
    [{}, {"batch_size": 128}, {"batch_size": 128, "learning_rate": (2e-3,)}, {"learning_rate": (3e-3,)}],
    [{"min_crop_area": 0.08}, {"jitter_strength": 0.5}],
    [{"schedule": "constant"}, {"learning_rate": (3e-4,), "schedule": "constant"}],
]
PAIR_ROUNDS = [
    [{"distill_weight": (weight,)} for weight in (0.04, 100 / 256, 2.0, 10.0)],
    [{"distill_temperature": 0.05}, {"distill_temperature": 0.5}],
    [{"views": "shared"}],
    [{"distill_warmup_epochs": 1.0}],
]
OTHER_PEERS = ("wrn_10_4",)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--dataset", default="cifar10")
    arguments.add_argument("--data_dir")
    arguments.add_argument("--images", type=int, default=10_000, help="training images, with their labels for probing")
    arguments.add_argument("--held_out", type=int, default=10_000, help="the last training images, to score on")
    arguments.add_argument("--epochs", type=int, default=5)
    arguments.add_argument("--precision", default="float32")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--work", default="runs/tune")
    arguments.add_argument("--out", type=Path, default=Path("results/tune.json"))
    args = arguments.parse_args()
    count = len(data.load(args.dataset, "train", data_dir=args.data_dir).images)
    splits = f"train[:{args.images}]", f"train[{count - args.held_out}:]"
    train, held_out = (data.load(args.dataset, split, data_dir=args.data_dir) for split in splits)
    base = PretrainSettings(
        dataset=args.dataset, data_dir=args.data_dir, split=splits[0], run_dir="", peers=(SMALL,), min_crop_area=0.2,
        epochs=args.epochs, batch_size=256, learning_rate=(1e-3,), schedule="cosine", warmup_epochs=0.5,
        precision=args.precision, seed=args.seed,
    )  # fmt: skip
    trials = {"solo": [], "pair": []}

    def search(stage, settings, rounds):
        best, best_score = settings, -np.inf
        for candidates in rounds:
            start = best
            for change in candidates:
                candidate = dataclasses.replace(start, **change)
                result = trial(candidate, Path(args.work), train, held_out)
                trials[stage].append({"changed": change, **result})
                record(args.out, {"trials": trials, "chosen": {stage: best.as_dict()}})
                if result["peers"][SMALL]["score"] > best_score:
                    best, best_score = candidate, result["peers"][SMALL]["score"]
        return best

    solo = search("solo", base, SOLO_ROUNDS)
    pair = search("pair", dataclasses.replace(solo, peers=(SMALL, BIG)), PAIR_ROUNDS)
    for peer in OTHER_PEERS:
        candidate = dataclasses.replace(pair, peers=(SMALL, peer))
        trials["pair"].append(
            {"changed": {"peers": [SMALL, peer]}, **trial(candidate, Path(args.work), train, held_out)}
        )
    record(args.out, {"trials": trials, "chosen": {"solo": solo.as_dict(), "pair": pair.as_dict()}})


def trial(settings: PretrainSettings, work: Path, train, held_out) -> dict:
    """Trains and scores every peer of one candidate, or reads what an earlier call found."""
    name = "-".join(f"{value}" for value in _shape(settings).values())
    folder, kept = work / name, work / f"{name}.json"
    if kept.exists():
        return json.loads(kept.read_text())
    started = time.perf_counter()
    run = pretrain(dataclasses.replace(settings, run_dir=str(folder)), overwrite=True)
    seconds = time.perf_counter() - started
    result = {
        "settings": settings.as_dict(),
        "commit": provenance()["commit"],
        "seconds": seconds,
        "peers": {peer: score(run.load_encoder(peer), train, held_out) for peer in run.peer_names()},
        "training": _last_metrics(run),
    }
    write_atomically(kept, (json.dumps(result, indent=1) + "\n").encode())
    print(name, {peer: round(found["score"], 4) for peer, found in result["peers"].items()}, flush=True)
    return result


def _shape(settings) -> dict:
    """What tells one trial from another."""
    names = ("peers", "image_size", "batch_size", "optimizer", "learning_rate", "weight_decay", "schedule", "warmup_epochs",
             "min_crop_area", "jitter_strength", "distill_weight", "distill_temperature", "views", "distill_warmup_epochs",
             "epochs", "precision", "seed", "split")  # fmt: skip
    values = {name: getattr(settings, name) for name in names}
    return {name: "+".join(map(str, v)) if isinstance(v, tuple) else v for name, v in values.items()}


def score(encoder, train, held_out) -> dict:
    """kNN, linear probe with all labels and with 1 % (mean over draws), all in 0..1, and their mean."""
    known, asked = embed(encoder, train.images), embed(encoder, held_out.images)
    subsets = [stratified_fraction(train.labels, 0.01, draw) for draw in range(LABEL_DRAWS)]
    found = {
        "knn": knn_accuracy(known, train.labels, asked, held_out.labels).accuracy,
        "linear_100": linear_probe(known, train.labels, asked, held_out.labels).accuracy,
        "linear_1": float(
            np.mean([linear_probe(known[s], train.labels[s], asked, held_out.labels).accuracy for s in subsets])
        ),
    }
    return {**found, "score": float(np.mean(list(found.values())))}


def _last_metrics(run: RunFolder) -> list[dict]:
    """A tenth of the logged steps, to see how agreement and the share of the distillation develop."""
    lines = run.metrics_lines()
    return lines[:: max(1, len(lines) // 10)] + lines[-1:]


if __name__ == "__main__":
    main()
