"""How much of a student's gradient comes from its peer, and is the peer worth listening to? Epoch by epoch.

  python benchmarks/gradient_share.py --flagfile=FLAGS --out=results/gradient_share.json

After every epoch of a pair's training, on fixed images and views: the norms of the gradients of each peer's own objective and
of its distillation loss with respect to the peer's encoder, the cosine between the two, how often both name the same nearest
neighbour, and the kNN accuracy of both encoders on held-out training images.
"""

import sys
from pathlib import Path

import numpy as np
from absl import flags

from dogo_tf import data, pretraining
from dogo_tf.data.stream import training_stream
from dogo_tf.evaluate import embed, knn_accuracy
from dogo_tf.experiments import app, pretrain
from dogo_tf.keras_compat import keras, tf
from dogo_tf.provenance import record

FLAGS = flags.FlagValues()
flags.DEFINE_string("out", "results/gradient_share.json", "JSON file to write.", flag_values=FLAGS)
flags.DEFINE_string("held_out", "train[40000:]", "Split for the nearest-neighbour accuracy.", flag_values=FLAGS)
for name in pretrain.FLAGS:
    if name not in ("run_dir", "resume", "overwrite"):
        FLAGS[name] = pretrain.FLAGS[name]


def norm(gradients) -> float:
    return float(tf.linalg.global_norm([g for g in gradients if g is not None]))


def cosine(left, right) -> float:
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if a is not None and b is not None]
    return float(tf.add_n([tf.reduce_sum(a * b) for a, b in pairs])) / (norm(left) * norm(right))


def shares(model, images) -> dict:
    """Per peer: the norms of both gradients, their cosine and the agreement, on the views of the first examples."""
    views = model._views(tf.constant(images), tf.constant(0, tf.int64))
    with tf.GradientTape(persistent=True) as tape:
        embeddings = [peer.embed(v, training=True) for peer, v in zip(model.peers, views, strict=True)]
        own, distilled = model.ssl_losses(embeddings), model.distill_losses(embeddings)
    found = {}
    for peer, ssl, distill in zip(model.peers, own, distilled, strict=True):
        ssl_gradient, distill_gradient = (
            tape.gradient(loss, peer.encoder.trainable_variables) for loss in (ssl, distill)
        )
        found[peer.name] = {
            "ssl": float(ssl),
            "weighted_distill": float(distill),
            "ssl_gradient_norm": norm(ssl_gradient),
            "distill_gradient_norm": norm(distill_gradient),
            "distill_share": norm(distill_gradient) / (norm(ssl_gradient) + norm(distill_gradient)),
            "cosine": cosine(ssl_gradient, distill_gradient),
        }
    return found


def main() -> None:
    settings = pretrain.settings_from_flags(FLAGS)
    train = data.load(settings.dataset, settings.split, settings.image_size, settings.data_dir)
    held_out = data.load(settings.dataset, FLAGS.held_out, settings.image_size, settings.data_dir)
    steps = len(train.images) // settings.batch_size
    with pretraining._precision(settings.precision):
        statistics = data.pixel_statistics(train.images)
        model = pretraining.build_model(settings, train.images.shape[1], *statistics, steps)
        stream = training_stream(train.images, settings.batch_size, settings.seed)
        lines = []

        def look(epoch, logs):
            line = {"epoch": epoch, "peers": shares(model, train.images[: settings.batch_size])}
            for peer in model.peers:
                features = [embed(peer.encoder, images.images) for images in (train, held_out)]
                found = knn_accuracy(features[0], train.labels, features[1], held_out.labels)
                line["peers"][peer.name]["knn"] = found.accuracy
                line["peers"][peer.name]["agreement"] = float(logs.get(f"{peer.name}/agreement", np.nan))
            lines.append(line)
            print(line, flush=True)
            record(Path(FLAGS.out), {"settings": settings.as_dict(), "epochs": lines})

        after_epoch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: look(epoch + 1, logs))
        model.fit(stream, steps_per_epoch=steps, epochs=settings.epochs, callbacks=[after_epoch], verbose=2)


if __name__ == "__main__":
    sys.exit(app.run(main, FLAGS, __doc__))
