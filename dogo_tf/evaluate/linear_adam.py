"""The linear probe of the DoGo authors: a linear classifier on frozen features, trained by Adam for 100 epochs."""

import math

import numpy as np

from dogo_tf.evaluate.best_epoch import BestEpoch, TrainedProbe, check_epochs
from dogo_tf.evaluate.features import check_classes, check_labelled
from dogo_tf.evaluate.hold_out import hold_out
from dogo_tf.platform.keras_compat import tf
from dogo_tf.reporting.progress import Progress

EPOCHS = 100
BATCH_SIZE = 64
LEARNING_RATE, WEIGHT_DECAY = 3e-4, 1e-6


def linear_probe_adam(train_features, train_labels, test_features, test_labels, seed=0, epochs=EPOCHS) -> TrainedProbe:
    """Linear evaluation as in Bhat et al., "Distill on the Go" (2021), and the authors' code.

    Adam at a constant rate of 3e-4, weight decay 1e-6 (L2 in the gradient), batches of 64, 100 epochs; 15 % of train held out,
    stratified by class; the weights of the best validation epoch (see BestEpoch), without a fit on all of train, then classify
    every test image once. The incomplete last batch of an epoch is trained on too.

    As theirs, it takes the features as they are, without standardisation: with small features, or few labels and so few steps
    an epoch, 100 epochs end before the classifier has converged, and two encoders may differ by that alone. `linear_probe`
    has no such dependence.

    Args:
        train_features, test_features: float [N, d].
        train_labels, test_labels: whole numbers [N].
        seed: of the held-out images, the first weights and the order; the result is a function of the arguments alone.
        epochs: at least 1.
    Raises:
        InputError: shapes that do not fit, NaN features, a test class that train lacks, or a single class.
    """
    train_features, test_features = np.asarray(train_features, np.float32), np.asarray(test_features, np.float32)
    train_labels, test_labels = np.asarray(train_labels), np.asarray(test_labels)
    check_labelled(train_features, train_labels, test_features, test_labels)
    check_classes(train_labels)
    check_epochs(epochs)
    classes, numbers = np.unique(train_labels, return_inverse=True)
    validation = hold_out(train_labels, seed)
    best, losses = _train(train_features, numbers, validation, len(classes), seed, epochs)
    kernel, bias = best.weights
    predictions = classes[(test_features @ kernel + bias).argmax(axis=1)]
    accuracy = float(np.mean(predictions == test_labels))
    return TrainedProbe(accuracy, best.accuracy, best.epoch, tuple(losses), len(train_labels), predictions)


def _train(features, labels, validation, class_count, seed, epochs):
    """The best epoch, and every epoch's mean loss. labels: class numbers [N]; validation: bool [N]."""
    generator = np.random.default_rng([seed, 1])
    # PyTorch's first weights of a linear layer.
    limit = 1 / math.sqrt(features.shape[1])
    shapes = [features.shape[1], class_count], [class_count]
    kernel, bias = (tf.Variable(generator.uniform(-limit, limit, shape).astype(np.float32)) for shape in shapes)
    train = tf.constant(features[~validation]), tf.constant(labels[~validation], tf.int32)
    train_epoch = _epoch_function(kernel, bias, *train)
    best, losses = BestEpoch(labels[validation]), []
    with Progress("training the linear probe", epochs) as progress:
        for epoch in range(1, epochs + 1):
            losses.append(float(train_epoch(generator.permutation(len(train[0])).astype(np.int32))))
            weights = kernel.numpy(), bias.numpy()
            best.offer(epoch, features[validation] @ weights[0] + weights[1], weights)
            progress.update(epoch)
    return best, losses


def _epoch_function(kernel, bias, features, labels):
    """A compiled pass over the images in a given order, int32 [N] -> their mean loss; thousands of steps without Python."""
    count = features.shape[0]
    from dogo_tf.optimizers.by_name import AdamL2  # loads TensorFlow

    optimizer = AdamL2(LEARNING_RATE, l2=WEIGHT_DECAY, decay_biases=True, epsilon=1e-8)
    optimizer.build([kernel, bias])

    @tf.function(input_signature=[tf.TensorSpec([count], tf.int32)])
    def train_epoch(order):
        total = tf.constant(0.0)
        for start in tf.range(0, count, BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            x, y = tf.gather(features, batch), tf.gather(labels, batch)
            with tf.GradientTape() as tape:
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, tf.matmul(x, kernel) + bias)
                loss = tf.reduce_mean(losses)
            optimizer.apply_gradients(zip(tape.gradient(loss, [kernel, bias]), [kernel, bias], strict=True))
            total += tf.reduce_sum(losses)
        return total / count

    return train_epoch
