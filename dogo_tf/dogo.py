"""DoGo: peers that train side by side, each by its own objective and by what its peers find similar (Bhat et al., 2021).

loss_k = mean_i ssl_k[i] + sum over teachers m of k: weight_km * mean_i KL(stop_gradient(P_m[i]) || P_k[i])
"""

import inspect

from dogo_tf import collectives, optimizers, replicas, step_data
from dogo_tf.distill import graph
from dogo_tf.distill.similarity_kl import agreement_at_1, similarity_kl
from dogo_tf.errors import InputError
from dogo_tf.keras_compat import keras, tf
from dogo_tf.micro_batches import check as check_micro_batches
from dogo_tf.monitor import PeerMetrics, effective_rank, gradient_norm, spread


class DoGo(keras.Model):
    """Trains its peers together; one peer is the solo baseline, by the same code.

    `fit` takes uint8 images [B, H, W, 3] as a NumPy array or a tf.data.Dataset, also with labels, which are ignored; or
    ready-made views (dogo_tf.Views, or a dictionary {peer name: Views}). Views are drawn inside the step, from (seed, global
    example number, peer, view) alone.

    Attributes:
        peers: list of Peer, as given; `peers[i].encoder` is the encoder to deploy.
        examples_seen: the global number of the next training example; with the seed it fixes the next views.
    """

    def __init__(
        self,
        peers,
        views: str = "independent",
        view_recipe=None,
        distill_weight=100 / 256,
        distill_temperature: float = 0.1,
        distill_warmup: int = 0,
        sync_batch_norm: bool = True,
        micro_batches: int = 1,
        seed: int = 0,
        name: str = "dogo",
    ):
        """
        Args:
            peers: one or more dogo_tf.Peer with different names, for images of one size.
            views: "independent" (each peer draws its own two views of an image) or "shared" (all see the same two).
            view_recipe: a dogo_tf.views.ViewRecipe for all peers, or one per peer; by default each objective's own.
                Shared views follow the first peer's.
            distill_weight: weight of the distillation loss per anchor (nats): one number, or one per peer. The authors'
                100 on an element mean is 100 / B = 0.39 at their B = 256.
            distill_temperature: tau of the similarity distributions, > 0.
            distill_warmup: training examples over which distill_weight rises linearly from 0; peers that know nothing yet
                otherwise teach each other that all images are alike.
            sync_batch_norm: whether batch normalisation under several replicas takes its statistics over all of them, as a
                single device would. False saves the communication and trains another network.
            micro_batches: parts of a replica's batch for which the encoders' activations are kept at a time, to save memory;
                more than 1 computes them twice. Losses and heads see the whole batch; batch normalisation in the encoders
                takes its statistics over each part.
            seed: of the views; weights follow keras.utils.set_random_seed.
        """
        super().__init__(name=name)
        self.peers = list(peers)
        _check(self.peers, views, distill_temperature, distill_warmup)
        check_micro_batches(self.peers, micro_batches)
        replicas.settle_batch_norm(self.peers, sync_batch_norm, micro_batches)
        self.views = views
        self.view_recipes = _recipe_of_each(view_recipe, self.peers)
        self.edges = graph.mutual(len(self.peers), distill_weight)
        self.distill_temperature = distill_temperature
        self.distill_warmup = distill_warmup
        self.micro_batches = micro_batches
        self.seed = seed
        self.examples_seen = step_data.counter("examples_seen")
        self.examples_evaluated = step_data.counter("examples_evaluated")
        self.loss_metric = keras.metrics.Mean("loss")
        self.peer_metrics = [PeerMetrics(peer.name, with_teachers=len(self.peers) > 1) for peer in self.peers]
        self.built = True

    def call(self, images, training=False):
        """images [B, H, W, 3] in 0..255 -> one h [B, d_h] per peer."""
        return tuple(peer.encoder(images, training=training) for peer in self.peers)

    def compile(self, optimizer="adam", **kwargs):
        """
        Args:
            optimizer: a Keras optimizer (cloned for each peer), a name, or a list with one optimizer per peer. Under
                mixed_float16 each is wrapped in its own LossScaleOptimizer.
            **kwargs: steps_per_execution, jit_compile, run_eagerly: as in keras.Model.compile.
        Raises:
            InputError: what would fail or go wrong silently later: see optimizers.one_per_peer and dogo_tf.replicas.
        """
        with self.distribute_strategy.scope():
            self.peer_optimizers = optimizers.one_per_peer(optimizer, self.peers)
            replicas.check_compile(self.distribute_strategy, self.peer_optimizers, kwargs.get("jit_compile"))
            super().compile(optimizer=self.peer_optimizers[0], **kwargs)
            optimizers.build_all(self.peer_optimizers, self.peers)

    @tf.autograph.experimental.do_not_convert
    def train_step(self, data):
        views = self._views(data, self.examples_seen)
        with tf.GradientTape() as tape:
            embeddings = [peer.embed(v, True, self.micro_batches) for peer, v in zip(self.peers, views, strict=True)]
            _check_batches(self.peers, embeddings)
            ssl, distill = self.ssl_losses(embeddings), self.distill_losses(embeddings)
            losses = [s + d + _regularisation(peer) for peer, s, d in zip(self.peers, ssl, distill, strict=True)]
            # No gradient crosses from one peer to another, so the gradient of the sum is each peer's own. Replicas' gradients
            # are summed when they are applied; divided by their number here, they add up to those of a single device.
            scaled = [optimizers.scale_loss(o, loss) for o, loss in zip(self.peer_optimizers, losses, strict=True)]
            total = tf.add_n(scaled) / collectives.replica_count()
        gradients = tape.gradient(total, [peer.trainable_variables for peer in self.peers])
        norms = []
        for optimizer, peer, scaled_gradients in zip(self.peer_optimizers, self.peers, gradients, strict=True):
            own = optimizers.unscale_gradients(optimizer, scaled_gradients)
            optimizer.apply_gradients(zip(own, peer.trainable_variables, strict=True))
            norms.append(gradient_norm(own) * collectives.replica_count())
        self.examples_seen.assign_add(step_data.batch_size(views[0]))
        return self._report(embeddings, losses, ssl, distill, gradient_norm=norms)

    @tf.autograph.experimental.do_not_convert
    def test_step(self, data):
        views = self._views(data, self.examples_evaluated)
        embeddings = [peer.embed(v, training=False) for peer, v in zip(self.peers, views, strict=True)]
        ssl, distill = self.ssl_losses(embeddings), self.distill_losses(embeddings)
        self.examples_evaluated.assign_add(step_data.batch_size(views[0]))
        return self._report(embeddings, [s + d for s, d in zip(ssl, distill, strict=True)], ssl, distill)

    def ssl_losses(self, embeddings) -> list:
        """Each peer's own objective: the mean over this replica's anchors."""
        return [tf.reduce_mean(p.objective.loss(e.a, e.b)) for p, e in zip(self.peers, embeddings, strict=True)]

    def distill_losses(self, embeddings) -> list:
        """Each student's weighted divergence from its teachers: the mean over this replica's anchors; 0 without teachers."""
        losses, warmth = [0.0] * len(self.peers), self._distill_warmth()
        for edge in self.edges:
            divergence = similarity_kl(*self._compared(edge, embeddings), temperature=self.distill_temperature)
            losses[edge.student] += tf.cast(warmth * edge.weight, divergence.dtype) * tf.reduce_mean(divergence)
        return losses

    def fit(self, x=None, *args, **kwargs):
        """As keras.Model.fit; see the class for what `x` may be. Raises InputError for data of another kind."""
        _check_before_start(x, self.peers)
        batch_size = kwargs.get("batch_size", args[1] if len(args) > 1 else None)
        replicas.check_batches(self.distribute_strategy, x, batch_size, self.micro_batches)
        optimizers.check_callbacks(self.peer_optimizers, kwargs.get("callbacks"))
        return super().fit(x, *args, **kwargs)

    def evaluate(self, x=None, *args, **kwargs):
        """Losses and metrics on images that are not trained on, with the same views at every call; returned as by Keras."""
        _check_before_start(x, self.peers)
        replicas.check_batches(
            self.distribute_strategy, x, kwargs.get("batch_size", args[1] if len(args) > 1 else None)
        )
        self.examples_evaluated.assign(0)
        return super().evaluate(x, *args, **kwargs)

    @property
    def metrics(self):
        return [self.loss_metric, *(mean for peer in self.peer_metrics for mean in peer.means.values())]

    def _views(self, data, first_example):
        return step_data.views_of_each_peer(data, self.peers, self.view_recipes, self.views, self.seed, first_example)

    def _distill_warmth(self):
        """The factor on distill_weight at this point of the training, 0..1."""
        if self.distill_warmup == 0:
            return 1.0
        return tf.minimum(tf.cast(self.examples_seen, tf.float32) / self.distill_warmup, 1.0)

    def _compared(self, edge, embeddings):
        return graph.compared(embeddings[edge.student], embeddings[edge.teacher], self._both_predict(edge))

    def _both_predict(self, edge) -> bool:
        return all(self.peers[k].objective.has_predictor for k in (edge.student, edge.teacher))

    def _report(self, embeddings, losses, ssl, distill, **more) -> dict:
        self.loss_metric.update_state(tf.add_n(losses))
        report = {"loss": self.loss_metric.result()}
        for k, metrics in enumerate(self.peer_metrics):
            z = tf.concat([embeddings[k].a.z, embeddings[k].b.z], axis=0)
            values = {"ssl": ssl[k], "std": spread(z), "effective_rank": effective_rank(z)}
            values |= {name: of_peers[k] for name, of_peers in more.items()}
            teachers = [edge for edge in self.edges if edge.student == k]
            if teachers:
                agreements = [agreement_at_1(*self._compared(edge, embeddings)) for edge in teachers]
                values |= {"distill": distill[k], "agreement": tf.add_n(agreements) / len(teachers)}
            report |= metrics.update(values)
        return report


def _check_batches(peers, embeddings) -> None:
    """Peers compare the same images, so their z must have the same number of rows."""
    message = "peers: expected z of as many images for every peer; got "
    rows = {peer.name: both.a.z.shape[0] for peer, both in zip(peers, embeddings, strict=True)}
    if None not in rows.values() and len(set(rows.values())) > 1:
        raise InputError(f"{message}{rows}")
    counts = [tf.shape(both.a.z)[0] for both in embeddings]
    for count in counts[1:]:
        tf.debugging.assert_equal(count, counts[0], message + "different numbers")


def _recipe_of_each(recipe, peers) -> list:
    if recipe is None:
        return [peer.objective.view_recipe for peer in peers]
    recipes = list(recipe) if isinstance(recipe, list | tuple) else [recipe] * len(peers)
    if len(recipes) != len(peers):
        raise InputError(
            f"view_recipe: expected one ViewRecipe, or one for each of {len(peers)} peers; got {len(recipes)}"
        )
    return recipes


def _regularisation(peer):
    """What the peer's own layers ask for (e.g. a user's kernel_regularizer)."""
    return tf.add_n(peer.losses) if peer.losses else 0.0


def _check_before_start(x, peers) -> None:
    """Checks what can be seen before the first step; what yields its batches only then is checked when the step is traced."""
    if isinstance(x, tf.data.Dataset):
        step_data.check(x.element_spec, peers)
    elif not (inspect.isgenerator(x) or isinstance(x, keras.utils.Sequence | tf.distribute.DistributedDataset)):
        step_data.check(x, peers)


def _check(peers, views: str, temperature: float, warmup: int) -> None:
    if not peers:
        raise InputError("peers: expected at least one dogo_tf.Peer, got an empty list")
    names = [peer.name for peer in peers]
    if len(set(names)) < len(names):
        raise InputError(f"peers: expected different names; got {names}. Give Peer(..., name=...)")
    sizes = {peer.name: peer.image_size for peer in peers}
    if len(set(sizes.values())) > 1:
        raise InputError(f"peers: expected one image size for all peers; got {sizes}")
    if views not in ("independent", "shared"):
        raise InputError(f"views: expected 'independent' or 'shared', got {views!r}")
    if not temperature > 0:
        raise InputError(f"distill_temperature: expected a number above 0, got {temperature}")
    if warmup < 0:
        raise InputError(f"distill_warmup: expected a number of examples >= 0, got {warmup}")
