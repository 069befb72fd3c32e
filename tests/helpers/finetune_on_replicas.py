"""Prints how far the weights of a fine-tuning on 2 replicas are from those on one device, as JSON: {steps: deviation}.

Two learners with averages and batch normalisation, a teacher, images without labels. With the argument "scale" the gradients
are not divided by the number of replicas, a bug that leaves the first loss exactly right.
"""

import json
import sys

import numpy as np
from equality import BATCH, SIZE, deviation, encoder, mutate, on_logical_devices, set_up

STEPS = (1, 3)


def train(strategy) -> dict:
    import dogo_tf
    from dogo_tf import class_head
    from dogo_tf.finetuning.learner import Learner
    from dogo_tf.finetuning.stream import finetuning_stream
    from dogo_tf.platform.keras_compat import keras

    rng = np.random.default_rng(0)
    images, others = (rng.integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8) for count in (40, 70))
    labels, weights = rng.integers(0, 3, 40), rng.normal(size=(5, 3))
    with strategy.scope():
        keras.utils.set_random_seed(0)
        big = class_head.with_head(encoder("big", 5, "relu"), weights, np.zeros(3), ("a", "b", "c"))
        learners = [Learner(encoder(f"learner_{k}", 6 + k, "relu"), ("a", "b", "c"), ema=0.9) for k in range(2)]
        teachers = [dogo_tf.FrozenTeacher(big, "big")]
        model = dogo_tf.FineTune(learners, ("a", "b", "c"), "generalised_cross_entropy", teachers=teachers)
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    after, done = {}, 0
    for step in STEPS:
        stream = finetuning_stream(strategy, images, labels, BATCH, 0, done * BATCH, others, 24)
        model.fit(stream, steps_per_epoch=step - done, verbose=0)
        variables = [v for learner in model.learners for v in learner.variables]
        variables += [v for optimizer in model.peer_optimizers for v in optimizer.variables]
        after[step], done = [variable.numpy() for variable in variables], step
    assert (int(model.examples_seen.numpy()), int(model.unlabelled_seen.numpy())) == (done * BATCH, done * 24)
    return after


set_up("float64", devices=2)
mutate(*sys.argv[1:] or [None])
one, two = (train(on_logical_devices(replicas)) for replicas in (1, 2))
print(json.dumps({step: deviation(two[step], one[step]) for step in STEPS}))
