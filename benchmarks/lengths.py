"""How accuracy grows with the length of a training: collects what --probe_every wrote in the folders of runs.

  dogo-pretrain ... --probe_every=20 --probe_test_split='train[45000:]' --run_dir=runs/alone
  python benchmarks/lengths.py alone=runs/alone peer=runs/peer --out=results/lengths.json

A run need not be finished. Operations are those of all peers that learn; not what a teacher or a peer had learnt before.
"""

import argparse
from pathlib import Path

from run_settings import settings_of

from dogo_tf.comparison.costs import training_gflop
from dogo_tf.reporting.provenance import record
from dogo_tf.runs.folder import RunFolder


def collected(run: RunFolder) -> dict:
    """Accuracies 0..1 on held-out images, by peer: epochs, operations in 1e9, kNN and linear."""
    config = run.config()
    images, image_size = config["data"]["images"], config["data"]["image_size"]
    epoch = images * training_gflop(settings_of(run), image_size)
    found = {}
    for probe in run.probe_lines():
        numbers = {name: probe[name] for name in ("epoch", "knn", "linear")}
        found.setdefault(probe["peer"], []).append({**numbers, "gflop": probe["epoch"] * epoch})
    return {
        "settings": config["settings"],
        "data": config["data"],
        "commit": config["provenance"]["commit"],
        "peers": found,
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("runs", nargs="+", help="name=folder each")
    arguments.add_argument("--out", type=Path, required=True)
    args = arguments.parse_args()
    named = dict(run.split("=", 1) for run in args.runs)
    record(args.out, {"runs": {name: collected(RunFolder(Path(folder))) for name, folder in named.items()}})


if __name__ == "__main__":
    main()
