"""Why a peer helps, or does not: its lead, how much of the small peer's gradient it gives, and how often both agree.

  python benchmarks/why.py --ahead=runs/teacher#wrn_16_2 --out=results/why.json

Two trainings of the same small encoder: next to a peer that begins with it, and taught by one that starts from a longer
training of its own and goes on learning. Once an epoch both are asked: the norm of the gradient of the similarity KL over the
sum of that norm and the norm of the small peer's own objective; the share of anchors for which both name the same most similar
image; kNN accuracy of both on training images that were held out.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from dogo_tf import data
from dogo_tf.data.stream import training_stream
from dogo_tf.distill.similarity_kl import agreement_at_1
from dogo_tf.evaluate import embed, knn_accuracy
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.pretraining import initial_weights
from dogo_tf.pretraining.build_model import build_model
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.reporting.provenance import record
from dogo_tf.step.monitor import gradient_norm

KNOWN, ASKED = 5_000, 2_000
BATCHES = 4  # of which the gradients are taken


def gradients_shares(model, images, batch: int) -> dict:
    """Of the small peer, which is the first one. Its batch normalisation is left as it was."""
    small = model.peers[0]
    moving = [v for peer in model.peers for v in peer.encoder.non_trainable_variables]
    before = [v.numpy() for v in moving]
    shares, agreements = [], []
    for k in range(BATCHES):
        chosen = tf.constant(images[k * batch : (k + 1) * batch])
        inputs = model._inputs_of_each(chosen, tf.constant(0, tf.int64))
        with tf.GradientTape(persistent=True) as tape:
            embeddings = model.embed(inputs, training=True)
            own, taught = model.ssl_losses(embeddings)[0], model.distill_losses(embeddings)[0]
        norms = [
            float(gradient_norm([g for g in tape.gradient(loss, small.trainable_variables) if g is not None]))
            for loss in (own, taught)
        ]
        shares.append(norms[1] / sum(norms))
        (term,) = (term for term in model.distillation_terms if term.student == 0)
        agreements.append(float(agreement_at_1(*term.compared(embeddings[term.student], embeddings[term.teacher]))))
    for variable, value in zip(moving, before, strict=True):
        variable.assign(value)
    return {"share": float(np.mean(shares)), "agreement": float(np.mean(agreements))}


def follow(settings: PretrainSettings, train, held_out) -> list[dict]:
    mean, std = data.pixel_statistics(train.images)
    steps = len(train.images) // settings.batch_size
    model = build_model(settings, settings.image_size, mean, std, steps)
    initial_weights.start_from(model.peers, settings.init, False)
    found = []

    def ask(epoch):
        knn = {}
        for role, peer in zip(("small", "big"), model.peers, strict=True):
            known, asked = embed(peer.encoder, train.images[:KNOWN]), embed(peer.encoder, held_out.images[:ASKED])
            knn[role] = knn_accuracy(known, train.labels[:KNOWN], asked, held_out.labels[:ASKED]).accuracy
        found.append({"epoch": epoch, **gradients_shares(model, train.images, settings.batch_size), "knn": knn})
        print(settings.peers, found[-1], flush=True)

    ask(0)
    for epoch in range(settings.epochs):
        stream = training_stream(train.images, settings.batch_size, settings.seed, int(model.examples_seen.numpy()))
        model.fit(stream, initial_epoch=epoch, epochs=epoch + 1, steps_per_epoch=steps, verbose=0)
        if (epoch + 1) % max(1, settings.epochs // 20) == 0:
            ask(epoch + 1)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--data_dir")
    parser.add_argument("--image_size", type=int, default=24)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--small", default="wrn_10_1")
    parser.add_argument("--equal", default="wrn_16_1", help="the peer that begins with the small one")
    parser.add_argument("--ahead", required=True, help="run#peer: a longer training, from which the other peer starts")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    count = len(data.load(args.dataset, "train", data_dir=args.data_dir).images)
    splits = f"train[:{args.images}]", f"train[{count - ASKED}:]"
    train, held_out = (data.load(args.dataset, split, args.image_size, args.data_dir) for split in splits)
    base = PretrainSettings(
        dataset=args.dataset, run_dir="", image_size=args.image_size, peers=(args.small, args.equal), epochs=args.epochs,
        learning_rate=(5e-3,), warmup_epochs=2, precision="mixed_bfloat16",
    )  # fmt: skip
    ahead = args.ahead.split("#")[1].removesuffix("_ema")
    settings = {
        "equal": base,
        # What gained most in results/lengths.json: it teaches only, with ten times the weight, and learns at a lower rate.
        "ahead": dataclasses.replace(
            base,
            peers=(args.small, ahead),
            init=(f"{ahead}={args.ahead}",),
            teach=f"{ahead}>{args.small}",
            distill_weight=(4.0,),
            learning_rate=(5e-3, 1e-3),
        ),
    }
    found = {}
    for name, one in settings.items():
        found[name] = {"settings": one.as_dict(), "epochs": follow(one, train, held_out)}
        record(args.out, {"images": args.images, "image_size": args.image_size, "settings": found})


if __name__ == "__main__":
    main()
