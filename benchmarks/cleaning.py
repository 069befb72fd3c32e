"""Suspicious labels before and after a training with them: how many wrong ones are found, and what dropping them brings.

  python benchmarks/cleaning.py --encoder='runs/alone-seed{seed}#wrn_10_2' --conditions=symmetric:0.4 \\
      --out=results/cleaning.json

Before: suspects by the features of the encoder. Then it is fine-tuned on all labels by the robust loss, and the features of
that classifier are asked again: after. From each list the encoder is fine-tuned once more, by cross-entropy, without what is
listed. Scores are on the whole test set. What is finished in --work is not done again.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from finetune import CLASSIFIER, fine_tuned, labelled_part, words

from dogo_tf import class_head, data
from dogo_tf.data.image_set import ImageSet
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.intervals import accuracy_interval, difference_interval
from dogo_tf.evaluate.sources import load_encoder
from dogo_tf.evaluate.suspects import precision_recall
from dogo_tf.finetuning.cleaning import trusted
from dogo_tf.finetuning.settings import FinetuneSettings
from dogo_tf.platform.files import write_atomically
from dogo_tf.reporting.provenance import record


def trial(args, condition: str, seed: int, train: ImageSet, test: ImageSet) -> dict:
    """{"all": ..., "before": ..., "after": ...}: which test images are answered right; precision and recall of the lists."""
    labelled, place = labelled_part(train, condition, seed), args.encoder.format(seed=seed)
    wrong = labelled.labels != train.labels

    def learnt(rows, loss):
        settings = FinetuneSettings(
            encoder=(f"{CLASSIFIER}={place}",),
            dataset=args.dataset,
            run_dir="",
            loss=loss,
            steps=args.steps,
            learning_rate=args.learning_rate,
            precision="mixed_bfloat16",
            seed=seed,
        )
        part = ImageSet(labelled.name, labelled.images[rows], labelled.labels[rows], labelled.class_names)
        classifier = fine_tuned(settings, part, None)
        return classifier, (embed(classifier, test.images).argmax(axis=1) == test.labels).astype(int).tolist()

    everything = np.arange(len(labelled))
    classifier, right = learnt(everything, "generalised_cross_entropy")
    found = {"all": {"right": right}}
    folder, _, peer = place.partition("#")
    asked = {"before": load_encoder(folder, peer or None), "after": class_head.parts(classifier).encoder}
    features = {when: embed(encoder, labelled.images) for when, encoder in asked.items()}
    for when, of_encoder in features.items():
        kept = trusted(of_encoder, labelled.labels)
        listed = np.isin(everything, kept, invert=True)
        _, right = learnt(kept, "cross_entropy")
        found[when] = {"listed": int(listed.sum()), **precision_recall(listed, wrong)._asdict(), "right": right}
    return found


def summary(work: Path) -> dict:
    """Of all finished trials, by condition."""
    found, numbers = {}, {}
    for path in sorted(work.glob("*-seed*.json")):
        condition, _, _ = path.stem.rpartition("-seed")
        found.setdefault(condition, []).append(json.loads(path.read_text()))
    for condition, trials in found.items():
        scores = {name: np.array([one[name]["right"] for one in trials], float) for name in trials[0]}
        entries = {name: {"accuracy": accuracy_interval(of_seeds)._asdict()} for name, of_seeds in scores.items()}
        for name in ("before", "after"):
            entries[name]["over_all"] = difference_interval(scores[name], scores["all"])._asdict()
            for number in ("listed", "precision", "recall"):
                entries[name][number] = [one[name][number] for one in trials]
        numbers[condition] = {"seeds": len(trials), **entries}
    return numbers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", required=True, help="run_folder#peer or a .keras file; {seed} stands for the seed")
    parser.add_argument("--conditions", type=words, default=["symmetric:0.4", "pairwise:0.4"])
    parser.add_argument("--seeds", type=lambda text: list(map(int, text.split(","))), default=[0, 1, 2])
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--data_dir")
    parser.add_argument("--split", default="train[:10000]")
    parser.add_argument("--image_size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--learning_rate", type=float, default=1e-3)
    parser.add_argument("--work", type=Path, default=Path("runs/cleaning"))
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    train, test = (data.load(args.dataset, split, args.image_size, args.data_dir) for split in (args.split, "test"))
    args.work.mkdir(parents=True, exist_ok=True)
    for seed in args.seeds:
        for condition in args.conditions:
            kept = args.work / f"{condition}-seed{seed}.json"
            if not kept.exists():
                write_atomically(kept, json.dumps(trial(args, condition, seed, train, test)).encode())
            settings = {"encoder": args.encoder, "steps": args.steps, "image_size": args.image_size}
            record(
                args.out,
                {"train": train.name, "test": test.name, "settings": settings, "conditions": summary(args.work)},
            )


if __name__ == "__main__":
    main()
