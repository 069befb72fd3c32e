"""The recipe of a small encoder alone: learning rate by optimiser and batch, then how long training pays.

  python benchmarks/recipe.py --dataset=cifar10 --work=runs/recipe --out=results/recipe_rate.json

Trials are scored on training images that were held out, never on the test set: kNN, linear probe with all and with 1 % of the
labels. What is found finished in --work is not run again, so the command may be stopped and repeated.
"""

import argparse
import dataclasses
from pathlib import Path

from tune import trial

from dogo_tf import data
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.reporting.provenance import record

# (optimizer, weight decay, learning rates), for each batch size; all with a warm-up of a tenth of the epochs.
RATES = (
    ("adam", 1e-6, (1e-3, 2e-3, 5e-3, 1e-2)),
    ("adamw", 1e-2, (2e-3, 5e-3, 1e-2)),
    ("sgd", 1e-4, (0.03, 0.1, 0.3)),
    ("lars", 1e-6, (0.3, 1.0, 3.0)),
)


def trials(base: PretrainSettings):
    """Every candidate, what decides most first."""
    for batch in (128, 256, 64):
        for optimizer, decay, rates in RATES:
            for rate in rates:
                yield dataclasses.replace(
                    base, batch_size=batch, optimizer=(optimizer,), learning_rate=(rate,), weight_decay=(decay,)
                )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--dataset", default="cifar10")
    arguments.add_argument("--data_dir")
    arguments.add_argument("--encoder", default="wrn_10_1")
    arguments.add_argument("--image_size", type=int, default=24)
    arguments.add_argument("--images", type=int, default=10_000, help="training images, with their labels for probing")
    arguments.add_argument("--held_out", type=int, default=5_000, help="the last training images, to score on")
    arguments.add_argument("--epochs", type=int, default=20)
    arguments.add_argument("--precision", default="mixed_bfloat16")
    arguments.add_argument("--seeds", type=int, default=1)
    arguments.add_argument("--work", type=Path, default=Path("runs/recipe"))
    arguments.add_argument("--out", type=Path, default=Path("results/recipe_rate.json"))
    args = arguments.parse_args()
    count = len(data.load(args.dataset, "train", data_dir=args.data_dir).images)
    splits = f"train[:{args.images}]", f"train[{count - args.held_out}:]"
    train, held_out = (data.load(args.dataset, split, args.image_size, args.data_dir) for split in splits)
    args.work.mkdir(parents=True, exist_ok=True)
    found = []
    for seed in range(args.seeds):
        base = PretrainSettings(
            dataset=args.dataset, data_dir=args.data_dir, split=splits[0], run_dir="", image_size=args.image_size,
            peers=(args.encoder,), epochs=args.epochs, warmup_epochs=args.epochs / 10, precision=args.precision, seed=seed,
        )  # fmt: skip
        for candidate in trials(base):
            found.append(trial(candidate, args.work, train, held_out))
            record(args.out, {"encoder": args.encoder, "trials": [_short(one) for one in found]})


def _short(result: dict) -> dict:
    """What a table needs of a trial."""
    names = ("batch_size", "optimizer", "learning_rate", "weight_decay", "schedule", "warmup_epochs", "epochs", "seed",
             "image_size", "precision", "split", "min_crop_area", "jitter_strength")  # fmt: skip
    (scores,) = result["peers"].values()
    settings = {name: result["settings"][name] for name in names}
    return {"settings": settings, "scores": scores, "seconds": result["seconds"], "commit": result["commit"]}


if __name__ == "__main__":
    main()
