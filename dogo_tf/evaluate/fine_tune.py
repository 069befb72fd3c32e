"""Fine-tuning: what an encoder is worth as a start, when all of its weights may go on learning from the labels."""

import numpy as np

from dogo_tf import optimizers
from dogo_tf.encoders._precision import as_float32
from dogo_tf.errors import InputError
from dogo_tf.evaluate.best_epoch import BestEpoch, TrainedProbe, check_epochs
from dogo_tf.evaluate.features import as_images, check_classes, check_images, check_labels, embed
from dogo_tf.evaluate.hold_out import hold_out
from dogo_tf.evaluate.linear import standardisation
from dogo_tf.evaluate.sources import check_functional
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.reporting.progress import Progress
from dogo_tf.sources.selection import selected

EPOCHS = 20
BATCH_SIZE = 64
# The head starts from nothing, the encoder does not: it gets a tenth of the rate, so that it is not shaken before the head
# knows what to ask for.
LEARNING_RATE, ENCODER_SHARE = 1e-3, 0.1
WEIGHT_DECAY = 1e-6
# Largest shift by augmentation, as a share of the side: 4 pixels of 32, the usual one.
SHIFT = 1 / 8


def fine_tune(
    encoder,
    train_images,
    train_labels,
    test_images,
    test_labels,
    seed=0,
    epochs=EPOCHS,
    batch_size=BATCH_SIZE,
    learning_rate=LEARNING_RATE,
) -> TrainedProbe:
    """Trains a copy of the encoder and a linear head on the labels, by cross-entropy.

    The head starts at zero, on features standardised with the mean and deviation that train's have before training. Adam with
    cosine decay over all epochs and L2 of 1e-6 in the gradient; the encoder at a tenth of the head's rate. Images are flipped
    left-right and shifted by up to 1/8 of their side (mirrored at the border) at random. 15 % of train are held out, stratified
    by class; the weights of the best validation epoch (see BestEpoch) classify every test image once.

    Batch normalisation keeps the statistics of pre-training (its scales and offsets are trained): with few labels, those of
    a batch say more about the batch than about the data, and what is trained is then what is tested. An encoder with random
    weights has no such statistics, and trains as if it had no normalisation.

    Args:
        encoder: a functional or sequential keras.Model; it is left as it is.
        train_images, test_images: uint8 [N, H, W, 3], arrays or ImageSources. train_labels, test_labels: whole numbers [N].
        seed: of the held-out images, the order and the augmentation.
        epochs, batch_size: at least 1. learning_rate: of the head at the start, above 0.
    Raises:
        InputError: an encoder that cannot be trained, such as a SavedModel or a .tflite file; images of another size; labels
            that do not fit, a test class that train lacks, or a single class.
    """
    train_images, test_images = as_images(train_images), as_images(test_images)
    train_labels, test_labels = np.asarray(train_labels), np.asarray(test_labels)
    check_trainable(encoder)
    for images in (train_images, test_images):
        check_images(images, encoder.input_shape)
    check_labels(len(train_images), train_labels, len(test_images), test_labels)
    check_classes(train_labels)
    check_epochs(epochs)
    if batch_size < 1 or not learning_rate > 0:
        raise InputError(
            "batch_size and learning_rate: expected at least 1 and a number above 0, "
            f"got {batch_size} and {learning_rate}"
        )
    classes, numbers = np.unique(train_labels, return_inverse=True)
    validation = hold_out(train_labels, seed)
    images, held_out = (selected(train_images, np.flatnonzero(part)) for part in (~validation, validation))
    labels = numbers[~validation]
    network, encoder_copy, head = _with_head(encoder, images, len(classes))
    steps = epochs * -(-len(images) // batch_size)
    train_step = _step_function(network, [(head, learning_rate), (encoder_copy, ENCODER_SHARE * learning_rate)], steps)

    generator = np.random.default_rng([seed, 1])
    best, losses = BestEpoch(numbers[validation]), []
    with Progress("fine-tuning", steps) as progress:
        for epoch in range(1, epochs + 1):
            total = 0.0
            for start, batch in _batches(len(images), batch_size, generator):
                total += float(train_step(_augment(images[batch], generator), labels[batch]))
                progress.update((epoch - 1) * steps // epochs + start // batch_size + 1, f"epoch {epoch}/{epochs}")
            losses.append(total / len(images))
            logits = embed(network, held_out) if len(held_out) else None
            best.offer(epoch, logits, network.get_weights())
    network.set_weights(best.weights)
    predictions = classes[embed(network, test_images).argmax(axis=1)]
    accuracy = float(np.mean(predictions == test_labels))
    return TrainedProbe(accuracy, best.accuracy, best.epoch, tuple(losses), len(train_labels), predictions)


def check_trainable(encoder) -> None:
    """InputError for an encoder without weights to train."""
    if not isinstance(encoder, keras.Model):
        raise InputError(
            f"encoder: fine-tuning expects a keras.Model, from a .keras file or a run folder; a {type(encoder).__name__} "
            "cannot be trained, only probed (knn, linear, linear_adam)"
        )
    check_functional(encoder)


def _with_head(encoder, images, class_count):
    """(images -> logits, the copied encoder in it, the head in it)."""
    features = embed(encoder, images)
    mean, scale = standardisation(features)
    encoder = as_float32(encoder)
    copy = keras.models.clone_model(encoder)
    copy.set_weights(encoder.get_weights())
    copy.trainable = True
    head = keras.layers.Dense(class_count, kernel_initializer="zeros", name="head")
    standardise = keras.layers.Rescaling(scale.tolist(), (-mean * scale).tolist(), name="standardise")
    return keras.Model(copy.input, head(standardise(copy.output))), copy, head


def _step_function(network, parts, steps):
    """A compiled step, (float32 images, class numbers) -> summed loss. parts: (layer or model, its learning rate) each."""
    variables = [part.trainable_variables for part, _ in parts]
    built = []
    for (_, rate), own in zip(parts, variables, strict=True):
        built.append(optimizers.build("adam", optimizers.schedule("cosine", rate, steps), WEIGHT_DECAY))
        built[-1].build(own)
    images = tf.TensorSpec(network.input_shape, tf.float32)

    @tf.function(input_signature=[images, tf.TensorSpec([None], tf.int32)])
    def train_step(images, labels):
        with tf.GradientTape() as tape:
            logits = network(images, training=False)  # batch normalisation keeps its statistics
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        for optimizer, own, gradients in zip(built, variables, tape.gradient(loss, variables), strict=True):
            optimizer.apply_gradients(zip(gradients, own, strict=True))
        return tf.reduce_sum(losses)

    return lambda images, labels: train_step(images.astype(np.float32), labels.astype(np.int32))


def _batches(count, batch_size, generator):
    """(start, row numbers) of every batch of an epoch; the last may be smaller."""
    order = generator.permutation(count)
    return [(start, order[start : start + batch_size]) for start in range(0, count, batch_size)]


def _augment(images, generator):
    """Each image flipped left-right or not, and shifted by up to SHIFT of its sides, mirrored at the border."""
    batch, height, width, _ = images.shape
    reach_y, reach_x = int(SHIFT * height), int(SHIFT * width)
    padded = np.pad(images, ((0, 0), (reach_y, reach_y), (reach_x, reach_x), (0, 0)), "reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    top, left = (generator.integers(2 * reach + 1, size=batch) for reach in (reach_y, reach_x))
    shifted = windows[np.arange(batch), top, left].transpose(0, 2, 3, 1)
    flip = generator.random(batch) < 0.5
    return np.where(flip[:, None, None, None], shifted[:, :, ::-1], shifted)
