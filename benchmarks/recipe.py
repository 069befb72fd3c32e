"""The recipe of a small encoder alone: learning rate by optimiser and batch.

  python benchmarks/recipe.py --dataset=cifar10 --work=runs/recipe --out=results/recipe_rate.json

Trials are scored on training images that were held out, never on the test set: kNN, linear probe with all and with 1 % of the
labels. What is found finished in --work is not run again, so the command may be stopped and repeated, and --out holds
everything that is there, also of calls for other seeds, batches and optimisers.
"""

import argparse
import dataclasses
import json
from pathlib import Path

from tune import trial

from dogo_tf import data
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.reporting.provenance import record

# By optimizer: weight decay, learning rates; all with a warm-up of a tenth of the epochs.
RATES = {
    "adam": (1e-6, (1e-3, 2e-3, 5e-3, 1e-2)),
    "adamw": (1e-2, (2e-3, 5e-3, 1e-2)),
    "sgd": (1e-4, (0.03, 0.1, 0.3)),
    "lars": (1e-6, (0.3, 1.0, 3.0)),
}


def trials(base: PretrainSettings, batches, optimizers):
    """Every candidate, in the order asked for."""
    for batch in batches:
        for optimizer in optimizers:
            decay, rates = RATES[optimizer]
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
    arguments.add_argument("--batch_sizes", default="128,256,64")
    arguments.add_argument("--optimizers", default=",".join(RATES))
    arguments.add_argument("--seeds", default="0", help="a list, e.g. 0,1,2")
    arguments.add_argument("--work", type=Path, default=Path("runs/recipe"))
    arguments.add_argument("--out", type=Path, default=Path("results/recipe_rate.json"))
    args = arguments.parse_args()
    count = len(data.load(args.dataset, "train", data_dir=args.data_dir).images)
    splits = f"train[:{args.images}]", f"train[{count - args.held_out}:]"
    train, held_out = (data.load(args.dataset, split, args.image_size, args.data_dir) for split in splits)
    args.work.mkdir(parents=True, exist_ok=True)
    batches, seeds = ([int(word) for word in words.split(",")] for words in (args.batch_sizes, args.seeds))
    for seed in seeds:
        base = PretrainSettings(
            dataset=args.dataset, data_dir=args.data_dir, split=splits[0], run_dir="", image_size=args.image_size,
            store_size=args.image_size,
            peers=(args.encoder,), epochs=args.epochs, warmup_epochs=args.epochs / 10, precision=args.precision, seed=seed,
        )  # fmt: skip
        for candidate in trials(base, batches, args.optimizers.split(",")):
            trial(candidate, args.work, train, held_out)
            finished = [json.loads(path.read_text()) for path in sorted(args.work.glob(f"{args.encoder}-*.json"))]
            record(args.out, {"encoder": args.encoder, "trials": [_short(one) for one in finished]})


def _short(result: dict) -> dict:
    """What a table needs of a trial."""
    names = ("batch_size", "optimizer", "learning_rate", "weight_decay", "schedule", "warmup_epochs", "epochs", "seed",
             "image_size", "precision", "split", "min_crop_area", "jitter_strength")  # fmt: skip
    (scores,) = result["peers"].values()
    settings = {name: result["settings"][name] for name in names}
    return {"settings": settings, "scores": scores, "seconds": result["seconds"], "commit": result["commit"]}


if __name__ == "__main__":
    main()
