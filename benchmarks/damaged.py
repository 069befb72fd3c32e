"""Accuracy of finished trials on unfamiliar images: damaged ones, more than the 500 of trials.py, and other data.

  python benchmarks/damaged.py alone=runs/trials/alone-seed{seed} peer=runs/trials/peer-seed{seed} --peer=wrn_10_1_ema \\
      --seeds=0,1,2 --count=5000 --transfer=images/tiny_imagenet_20:train:val --out=results/damaged.json
"""

import argparse
from pathlib import Path

import numpy as np

from dogo_tf import data
from dogo_tf.evaluate.studies import StudyPlan, run_studies
from dogo_tf.reporting.provenance import record
from dogo_tf.runs.folder import RunFolder


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("trials", nargs="+", help="name=folder each; {seed} is the seed")
    arguments.add_argument("--peer", required=True)
    arguments.add_argument("--seeds", default="0")
    arguments.add_argument("--dataset", default="cifar10")
    arguments.add_argument("--data_dir")
    arguments.add_argument("--image_size", type=int, default=16)
    arguments.add_argument(
        "--images", type=int, default=10_000, help="the first training images, to learn a probe from"
    )
    arguments.add_argument(
        "--count",
        type=int,
        default=5_000,
        help="test images to damage, of each class its share; before commit 5eb98fa the first ones",
    )
    arguments.add_argument("--transfer", help="other labelled images, dataset:train split:test split")
    arguments.add_argument("--out", type=Path, required=True)
    args = arguments.parse_args()
    train, test = (
        data.load(args.dataset, split, args.image_size, args.data_dir) for split in (f"train[:{args.images}]", "test")
    )
    name, *others = args.transfer.rsplit(":", 2) if args.transfer else [""]
    others = [data.load(name, split, args.image_size) for split in others]
    plan = StudyPlan(fractions=(1.0,), noise=(), imbalance=(), corruption_images=args.count)
    found = {"images": args.count, "accuracies": {}} | ({"transferred": {}} if others else {})
    for seed in map(int, args.seeds.split(",")):
        for name, folder in (trial.split("=", 1) for trial in args.trials):
            encoder = RunFolder(Path(folder.format(seed=seed))).load_encoder(args.peer)
            rights = run_studies(encoder, train, test, plan, seed, [others] if others else [])
            for kind, study in (
                ("accuracies", "corruption all"),
                *(("transferred", f"transfer {s.name}") for s in others[1:]),
            ):
                found[kind].setdefault(name, {})[seed] = float(np.mean(rights[study]))
            print(name, seed, *(f"{study} {np.mean(right):.4f}" for study, right in rights.items()), flush=True)
            record(args.out, found)


if __name__ == "__main__":
    main()
