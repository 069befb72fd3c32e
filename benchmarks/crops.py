"""What sharper views are worth: a small encoder, trained on views out of pictures that were kept at several sizes, and probed.

    python benchmarks/crops.py ../shared/data/tiny_imagenet_20 --out=results/crops.json

The pictures (folders train and val, a folder a class) are larger than the training size: Tiny-ImageNet's have 64 pixels, at 32.
Kept at 32 is what a training did before; 40 is the default of memory and cache; "originals" is the stream's. Everything else is
the same: first weights, order, numbers of the views, and the squares of the training size that the probes see. About half an
hour a seed on 2 CPU cores.
"""

import argparse
import json
import tempfile
from pathlib import Path

from dogo_tf import data
from dogo_tf.evaluate.intervals import accuracy_interval
from dogo_tf.evaluate.probe import probe
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.reporting.provenance import record


def trial(dataset: Path, kept_at: str, seed: int, arguments, train, test) -> dict:
    """kept_at: a number of pixels, or "originals"."""
    source = {"source": "stream"} if kept_at == "originals" else {"source": "memory", "store_size": int(kept_at)}
    with tempfile.TemporaryDirectory() as work:
        settings = PretrainSettings(
            dataset=str(dataset), run_dir=f"{work}/run", image_size=arguments.image_size, peers=(arguments.encoder,),
            epochs=arguments.epochs, learning_rate=(arguments.learning_rate,), seed=seed, **source,
        )  # fmt: skip
        run = pretrain(settings)
        (name,) = run.peer_names()
        found = probe(run.load_encoder(name), train, test, fractions=(1.0, 0.1))
        speeds = [line["images_per_second"] for line in run.metrics_lines()]
        crops = run.config()["data"]["crops"]
    right = {"knn": found.knn, **{f"linear {100 * share:g}%": result for share, result in found.linear.items()}}
    scores = {name: accuracy_interval(one.predictions == test.labels)._asdict() for name, one in right.items()}
    return {"kept_at": kept_at, "crops": crops, "seed": seed, "images_per_second": max(speeds), "scores": scores}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--image_size", type=int, default=32)
    parser.add_argument("--kept_at", default="32,40,64,originals")
    parser.add_argument("--encoder", default="wrn_10_2")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--learning_rate", type=float, default=5e-3)
    parser.add_argument("--seeds", default="0", help="a list, e.g. 0,1,2")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    train, test = (data.load(arguments.dataset, split, arguments.image_size) for split in ("train", "val"))
    trials = []
    for seed in map(int, arguments.seeds.split(",")):
        for kept_at in arguments.kept_at.split(","):
            trials.append(trial(arguments.dataset, kept_at, seed, arguments, train, test))
            print(json.dumps(trials[-1]), flush=True)
            if arguments.out:
                names = ("image_size", "encoder", "epochs", "learning_rate")
                record(arguments.out, {**{name: getattr(arguments, name) for name in names}, "trials": trials})


if __name__ == "__main__":
    main()
