"""How far the weights of a run on several replicas are from those on one device with the same global batch.

Replicas are logical devices of this machine's CPU, or with --workers the processes of a job. Every combination of objectives
starts from the same weights, on the same images, whose views are drawn inside the step. A deviation is the largest |w - w'|
over all variables, divided by the largest |w|.
"""

import argparse
import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np

from dogo_tf.platform.keras_compat import keras, tf

SIZE, BATCH, LARGEST = 8, 16, 4
STRONG_DECAY = 1e-2


def set_up(floatx: str, devices: int = LARGEST) -> None:
    """Before any other work of TensorFlow."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
    keras.backend.set_floatx(floatx)


def small(objective: str, smooth: bool = False):
    """The objective with narrow heads, where it is known how (and without ReLU, if `smooth`); else as its authors have it."""
    from dogo_tf import objectives

    narrow = {
        "barlow_twins": {"widths": (12, 8)},
        "byol": {"widths": (12, 8), "predictor_width": 16},
        "moco": {"widths": (12, 8), "queue_size": 40},
        "simclr": {"widths": (8,) if smooth else (12, 8)},
        "vicreg": {"widths": (12, 8)},
        "simsiam": {"projector_widths": (12, 8), "predictor_width": 16},
    }
    return getattr(objectives, objective).Objective(**narrow.get(objective, {}))


def encoder(name: str, width: int, activation: str, bias: bool = False):
    from dogo_tf.encoders._layers import batch_norm, image_input

    images, x = image_input(SIZE, (127.5,) * 3, (127.5,) * 3)
    x = batch_norm(keras.layers.Conv2D(width, 3, 2, use_bias=bias)(x))
    x = keras.layers.Activation(activation)(x)
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(x), name=name)


def on_logical_devices(replicas: int) -> tf.distribute.Strategy:
    # TensorFlow's default reduction on CPUs allows one number of replicas per process.
    reduction = tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy([f"CPU:{k}" for k in range(replicas)], cross_device_ops=reduction)


def train(
    strategy,
    objectives: list[str],
    steps: list[int],
    schemes=("similarity_kl",),
    activation="relu",
    micro_batches=1,
    cached_teacher=False,
    adam_decay=None,
    local_views=0,
) -> dict:
    """{number of steps: all weights, momenta, queues and (in float64) moving statistics after so many}.

    schemes: of the edges from every peer to every other, in turn. micro_batches: of the global batch. cached_teacher: with one.
    adam_decay: Adam's L2, at a learning rate of 1e-2 and with biases before batch normalisation, whose true gradient is 0;
    momentum without decay if not given. local_views: of every peer.
    """
    import dogo_tf
    from dogo_tf import optimizers
    from dogo_tf.data.stream import distributed_stream

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (max(steps) * BATCH, SIZE, SIZE, 3), dtype=np.uint8)
    teachers = [dogo_tf.CachedTeacher(rng.normal(size=(len(images), 5)), "cached")] if cached_teacher else []
    with strategy.scope():
        keras.utils.set_random_seed(0)
        peers = [
            dogo_tf.Peer(
                encoder(f"peer_{k}", 6 + k, activation, bias=adam_decay is not None),
                small(name, activation != "relu"),
                ema=0.9,
                local_views=local_views,
            )
            for k, name in enumerate(objectives)
        ]
        edges = dogo_tf.distill.graph.mutual(*([network.name for network in some] for some in (peers, teachers)))
        edges = [dataclasses.replace(e, scheme=s) for e, s in zip(edges, itertools.cycle(schemes))]
        of_replica = micro_batches // strategy.num_replicas_in_sync or 1
        model = dogo_tf.DoGo(peers, teach=edges, teachers=teachers, distill_weight=1.0, micro_batches=of_replica)
        if adam_decay is None:
            model.compile(keras.optimizers.SGD(0.1, momentum=0.9))
        else:
            model.compile(optimizers.build("adam", 1e-2, adam_decay))
    after, done = {}, 0
    for step in steps:
        features = {teacher.name: teacher.features for teacher in teachers}
        stream = distributed_stream(
            strategy, images, BATCH, seed=0, start_example=done * BATCH, extra_features=features
        )
        model.fit(stream, steps_per_epoch=step - done, verbose=0)
        # In float32 Keras' fused kernel, on one device only, takes n / (n - 1) times the variance for its moving statistics.
        exact = keras.backend.floatx() == "float64"
        parts = [*model.peers, *model.distillation_terms]
        variables = [v for part in parts for v in (part.variables if exact else part.trainable_variables)]
        variables += [v for optimizer in model.peer_optimizers for v in optimizer.variables]
        after[step], done = [variable.numpy() for variable in variables], step
    assert int(model.examples_seen.numpy()) == done * BATCH
    return after


def deviation(ours: list, theirs: list) -> float:
    largest = max(np.abs(variable).max() for variable in theirs)
    return float(max(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True)) / largest)


def deviations(objectives, strategies: dict, steps, **options) -> dict:
    """{name of the strategy: {number of steps: deviation from one device}}."""
    one = train(on_logical_devices(1), objectives, steps, **options)
    found = {}
    for name, strategy in strategies.items():
        several = train(strategy, objectives, steps, **options)
        found[name] = {str(step): deviation(several[step], one[step]) for step in steps}
    return found


def combinations(known: list[str]) -> list[list[str]]:
    """Two and three peers of each objective, and one peer of each, where every objective meets every other."""
    return [*([name] * 2 for name in known), *([name] * 3 for name in known), known]


def mutate(kind: str | None) -> None:
    """Plants a bug that leaves the first loss exactly right."""
    from dogo_tf import optimizers
    from dogo_tf.distribution import collectives

    if kind == "gather":  # without the gradient from the other replicas
        gather = collectives.gather

        def own_rows_only(rows):
            if collectives.replica_count() == 1:
                return rows
            everywhere, first = tf.stop_gradient(gather(rows)), collectives.row_offset(rows)
            places = (first + tf.range(tf.shape(rows)[0]))[:, tf.newaxis]
            return everywhere + tf.scatter_nd(places, rows - tf.stop_gradient(rows), tf.shape(everywhere))

        collectives.gather = own_rows_only
    elif kind == "scale":  # without 1 / R
        scale_loss = optimizers.scale_loss
        optimizers.scale_loss = lambda o, loss: scale_loss(o, loss) * collectives.replica_count()
    elif kind:
        raise ValueError(f"unknown mutation {kind!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--replicas", default="2,4")
    parser.add_argument("--workers", action="store_true", help="instead of replicas: the workers in TF_CONFIG")
    parser.add_argument("--steps", default="1,5")
    parser.add_argument("--objectives", help="e.g. simclr,simsiam/simclr,simclr; every combination if not given")
    parser.add_argument("--schemes", default="similarity_kl", help="of the edges, in turn; e.g. seed,simreg")
    parser.add_argument("--floatx", default="float64")
    parser.add_argument(
        "--activation", default="relu", help="relu turns rounding into differences in float32; swish not"
    )
    parser.add_argument(
        "--micro_batches",
        type=int,
        default=1,
        help="of the global batch, so that replicas have fewer each (at least 2)",
    )
    parser.add_argument("--local_views", type=int, default=0, help="of every peer, at half the side")
    parser.add_argument(
        "--cached_teacher", action="store_true", help="teaches all peers by features that come with the images"
    )
    parser.add_argument(
        "--adam_decay", type=float, help="Adam with this L2, and biases before batch normalisation; else momentum"
    )
    parser.add_argument("--most_similarities", type=int, help="losses of a larger batch are computed in blocks of rows")
    parser.add_argument("--mutate", help="gather or scale: plant a bug that this must find")
    parser.add_argument("--json", action="store_true", help="print nothing but the result, as JSON")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    set_up(arguments.floatx)
    if arguments.workers:
        strategies = {"workers": tf.distribute.MultiWorkerMirroredStrategy()}
    else:
        strategies = {count: on_logical_devices(int(count)) for count in arguments.replicas.split(",")}
    mutate(arguments.mutate)
    from dogo_tf import distill, objectives
    from dogo_tf.numerics import similarity
    from dogo_tf.platform import plugins
    from dogo_tf.reporting.provenance import record

    similarity.MOST_SIMILARITIES = arguments.most_similarities or similarity.MOST_SIMILARITIES
    options = {
        name: getattr(arguments, name) for name in ("activation", "micro_batches", "cached_teacher", "local_views")
    }
    schemes, decay = arguments.schemes.split(","), arguments.adam_decay
    if arguments.objectives:
        chosen = [(group.split(","), schemes, decay) for group in arguments.objectives.split("/")]
    else:
        chosen = [(names, schemes, decay) for names in combinations(plugins.names(objectives.__name__))]
        others = [scheme for scheme in distill.schemes() if scheme not in schemes]
        chosen += [(["byol", "moco", "simclr"], [scheme], decay) for scheme in others]
        chosen += [(["simclr", "simclr"], schemes, STRONG_DECAY)]
    steps, table = [int(word) for word in arguments.steps.split(",")], {}
    for names, taught, decay in chosen:
        trained = "" if decay is None else f" (Adam with L2 {decay:g})"
        row = f"{' + '.join(names)}{trained}, {' + '.join(taught)}"
        table[row] = deviations(names, strategies, steps, schemes=taught, adam_decay=decay, **options)
        if not arguments.json:
            print(f"{row}: {table[row]}", flush=True)
    if arguments.json:
        print(json.dumps(table))
    if arguments.out:
        numbers = {"floatx": arguments.floatx, **options, "batch": BATCH}
        record(arguments.out, {**numbers, "deviations": table})


if __name__ == "__main__":
    main()
