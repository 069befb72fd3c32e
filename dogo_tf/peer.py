"""A peer: an encoder with the heads and the objective that it trains by."""

import zlib

from dogo_tf import encoders, objectives
from dogo_tf.errors import InputError
from dogo_tf.objectives._embedding_queue import EmbeddingQueue
from dogo_tf.objectives._target import Target
from dogo_tf.platform import ranges
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.step.local_views import LocalViews, unseen_by_averages
from dogo_tf.step.micro_batches import encode
from dogo_tf.step.weight_average import WeightAverage
from dogo_tf.types import Embeddings, ViewEmbeddings


def average_name(peer: str) -> str:
    """How files call the average of a peer's encoder."""
    return f"{peer}_ema"


class Peer(keras.Model):
    """images or views [B, H, W, 3] in 0..255 -> Embeddings(h, z, p).

    Attributes:
        encoder: plain keras.Model (Keras 2, tf-keras) [B, H, W, 3] -> h [B, d_h]; what is probed and deployed.
        projector: keras.Model h -> z. predictor: keras.Model z -> p, or None (then p is z).
        objective: see dogo_tf.objectives.
        target: the copy of encoder and projector that follows them (Target), or None.
        queue: the target's embeddings of earlier steps (EmbeddingQueue), or None.
        average: the running average of the encoder's weights (WeightAverage), or None.
        local: how many local views it looks at, and how (LocalViews).
    """

    def __init__(
        self,
        encoder,
        objective="simclr",
        image_size: int = 32,
        pixel_mean=encoders.NATURAL_MEAN,
        pixel_std=encoders.NATURAL_STD,
        name: str | None = None,
        ema: float | None = None,
        local_views: int = 0,
        local_size: int | None = None,
    ):
        """
        Args:
            encoder: a name ("wrn_10_2", "resnet_18", "keras.DenseNet121", "keras_cv.mit_b0", ...) or any keras.Model
                [B, H, W, 3] (0..255) -> [B, d_h]. A subclassed one is called on keras.Input((H, W, 3)) first, so that its
                shapes are known. For several replicas see dogo_tf.encoders.synchronised.
            objective: a name, with settings of its own if need be ("simclr", "byol:momentum=0.996"), or an instance of an
                `Objective` of dogo_tf.objectives.
            image_size, pixel_mean, pixel_std: for an encoder by name; see dogo_tf.encoders.build.
            name: how metrics and files call this peer; the encoder's name unless given.
            ema: keep a running average of the encoder's weights with this decay, above 0 and below 1, e.g. 0.999;
                `average.encoder` then is a second encoder to deploy.
            local_views: small crops of every image that it compares with both views besides (multi-crop); what they show is
                said by the ViewRecipe.
            local_size: their side in pixels; half of the encoder's image size unless given.
        Raises:
            InputError: an unknown name, a model whose output is not [B, d_h], a number out of range, or a local size that the
                encoder cannot take.
        """
        ranges.check("ema", ema)
        if isinstance(encoder, str):
            encoder = encoders.build(encoder, image_size, pixel_mean, pixel_std)
        image_size, d_h = _image_size_and_width(encoder)
        super().__init__(name=name or encoder.name, autocast=False)  # encoders normalise pixels before they round them
        self.encoder = encoder
        self.image_size = image_size
        self.objective = objectives.build(objective) if isinstance(objective, str) else objective
        self.projector = self.objective.projector(d_h)
        d_z = self.projector.output_shape[-1]
        self.predictor = self.objective.predictor(d_z)
        self.target = Target(self.encoder, self.projector) if self.objective.has_target else None
        self.queue = EmbeddingQueue(self.objective.queue_size, d_z) if self.objective.queue_size else None
        self.average = None if ema is None else WeightAverage(self.encoder, ema)
        self.local = LocalViews(self.name, self.encoder, local_views, local_size)
        self.built = True

    @property
    def encoders(self) -> dict[str, keras.Model]:
        """What can be deployed, by the name of its file: the encoder, and `<name>_ema`, its average, if there is one."""
        averages = {} if self.average is None else {average_name(self.name): self.average.encoder}
        return {self.name: self.encoder, **averages}

    def start_from(self, weights) -> None:
        """First weights of the encoder, arrays as of its get_weights(), and of what is copied from it."""
        self.encoder.set_weights(weights)
        if self.target is not None:
            self.target.copies[0].set_weights(weights)
        if self.average is not None:
            self.average.encoder.set_weights(weights)

    @property
    def has_predictor(self) -> bool:
        """Whether p differs from z."""
        return self.predictor is not None

    @property
    def width_h(self) -> int:
        return self.encoder.output_shape[-1]

    @property
    def width_z(self) -> int:
        return self.projector.output_shape[-1]

    @property
    def stream(self) -> int:
        """A number made of the name alone: a peer draws the same views and first weights next to others as by itself."""
        return zlib.crc32(self.name.encode())

    def call(self, images, training=False) -> Embeddings:
        return self._embeddings(self.encoder(images, training=training), training)

    def _embeddings(self, h, training: bool) -> Embeddings:
        z = self.projector(h, training=training)
        p = z if self.predictor is None else self.predictor(z, training=training)
        return Embeddings(h, z, p)

    def embed(self, views, training: bool, micro_batches: int = 1) -> ViewEmbeddings:
        """The Embeddings of both views, by one forward pass over the 2B images (and one of the target), and of local views.

        micro_batches: parts in which the encoder is run in training; see dogo_tf.step.micro_batches.
        """
        # First, as layers keep what they ask for (penalties) of the last pass: that is to be the one of the whole views.
        local = self._embed_local(views.local[: self.local.count], training, micro_batches)
        images = tf.concat([views.a, views.b], axis=0)
        if training and micro_batches > 1:
            both = self._embeddings(encode(self.encoder, views[:2], micro_batches), training)
        else:
            both = self(images, training=training)
        if self.target is not None:
            both = both._replace(target=self.target(images, training=training))
        halves = [(None, None) if x is None else tf.split(x, 2) for x in both]
        a, b = (Embeddings(*(half[k] for half in halves)) for k in (0, 1))
        queue = None if self.queue is None else self.queue.rows
        return ViewEmbeddings(a, b, queue, local)

    def _embed_local(self, views, training: bool, micro_batches: int) -> tuple[Embeddings, ...]:
        """By one forward pass over all of them; what both views become does not depend on it."""
        if not views:
            return ()
        heads = [self.projector] if self.predictor is None else [self.projector, self.predictor]
        with unseen_by_averages([self.encoder, *heads], training):
            if training and micro_batches > 1:
                h = encode(self.local.encoder, views, micro_batches)
            else:
                h = self.local.encoder(tf.concat(views, axis=0), training=training)
            parts = [tf.split(x, len(views)) for x in self._embeddings(h, training)[:3]]
        return tuple(Embeddings(*of_view) for of_view in zip(*parts, strict=True))

    @property
    def penalties(self) -> list:
        """What layers that learn ask for besides the objective, e.g. a user's kernel_regularizer; not those of the copies."""
        own = [self.encoder, self.projector, *([] if self.predictor is None else [self.predictor])]
        return [penalty for network in own for penalty in network.losses]

    def after_step(self, embeddings: ViewEmbeddings, progress) -> None:
        """What is due after a step: target and average follow the new weights, the queue takes the targets of this step.

        Args:
            progress: the share of the training that is done, 0..1.
        """
        if self.target is not None:
            self.target.follow(self.objective.target_momentum(progress))
        if self.average is not None:
            self.average.follow()
        if self.queue is not None:
            self.queue.push_both(embeddings.a.target, embeddings.b.target)


def _image_size_and_width(encoder) -> tuple[int, int]:
    problem = None
    if not isinstance(encoder, keras.Model):
        problem = f"got {type(encoder).__module__}.{type(encoder).__name__}"
    # A subclassed model has no input_shape until it was called on a keras.Input.
    elif not encoder.built or not isinstance(getattr(encoder, "input_shape", None), tuple):
        problem = f"the model {encoder.name!r} is not built for one image input; call it on keras.Input((side, side, 3)) first"
    elif len(encoder.input_shape) != 4 or encoder.input_shape[-1] != 3 or None in encoder.input_shape[1:]:
        problem = f"the model {encoder.name!r} takes input of shape {encoder.input_shape}"
    elif encoder.input_shape[1] != encoder.input_shape[2]:
        problem = f"the model {encoder.name!r} takes images that are not square: {encoder.input_shape}"
    elif len(encoder.output_shape) != 2:
        problem = f"the model {encoder.name!r} gives output of shape {encoder.output_shape}; add global average pooling"
    if problem:
        raise InputError(
            "encoder: expected a name or a keras.Model (Keras 2 API) that maps images [B, H, W, 3] of fixed size to "
            f"features [B, d_h]; {problem}"
        )
    return encoder.input_shape[1], encoder.output_shape[-1]
