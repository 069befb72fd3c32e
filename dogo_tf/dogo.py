"""DoGo: peers that train side by side, each by its own objective and by what its peers find similar (Bhat et al., 2021).

loss_k = mean_i ssl_k[i] + sum over teachers m of k: weight_km * mean_i KL(stop_gradient(P_m[i]) || P_k[i])

Mutual distillation, where every peer teaches every other, is the default. Teachers may also be chosen one by one, be frozen, or
teach by another scheme than this KL divergence of similarities.
"""

from collections.abc import Sequence

from dogo_tf import distill, optimizers
from dogo_tf.distill import graph
from dogo_tf.distribution import collectives, replicas
from dogo_tf.peer import Peer
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.step import checks, fit_arguments, inputs
from dogo_tf.step.average_teacher import averages_that_teach
from dogo_tf.step.checked_model import CheckedModel
from dogo_tf.step.micro_batches import check as check_micro_batches
from dogo_tf.step.monitor import PeerMetrics, all_means, gradient_norm, of_embeddings
from dogo_tf.step.rota import Rota
from dogo_tf.teacher import CachedTeacher, FrozenTeacher


class DoGo(CheckedModel):
    """Trains its peers together; one peer is the solo baseline, by the same code.

    `fit` takes uint8 images [B, H, W, 3] as a NumPy array or a tf.data.Dataset, also with labels, which are ignored; or
    ready-made views (dogo_tf.Views, or a dictionary {peer name: Views}). Views are drawn inside the step, from (seed, global
    example number, peer, view) alone.

    Attributes:
        peers: list of Peer, as given; `peers[i].encoder` is the encoder to deploy.
        teachers: tuple of FrozenTeacher and CachedTeacher, as given.
        averages: tuple of AverageTeacher: the averages of peers that an edge names as a teacher.
        edges: tuple of Edge: who teaches whom, and how.
        examples_seen: the global number of the next training example; with the seed it fixes the next views.
    """

    def __init__(
        self,
        peers: Sequence[Peer],
        views: str = "independent",
        view_recipe=None,
        teach="all",
        teachers=(),
        scheme: str = "similarity_kl",
        distill_weight=100 / 256,
        distill_temperature: float | None = None,
        distill_warmup: int = 0,
        ssl_weight=1.0,
        planned_examples: int | None = None,
        sync_batch_norm: bool = True,
        micro_batches: int = 1,
        train_every=1,
        stop_after=None,
        seed: int = 0,
        name: str = "dogo",
    ):
        """
        Args:
            peers: one or more dogo_tf.Peer with different names, for images of one size.
            views: "independent" (each peer draws its own two views of an image) or "shared" (all see the same two).
            view_recipe: a dogo_tf.views.ViewRecipe for all peers, or one per peer; by default each objective's own.
                Shared views, and those of frozen teachers, follow the first peer's.
            teach: "all" (every peer learns from every other and from every frozen teacher), or a list of Edge.
            teachers: FrozenTeachers or CachedTeachers, with names of their own.
            scheme: how edges teach that name none; see dogo_tf.distill.
            distill_weight: weight of the distillation loss per anchor (nats): one number, or one per peer. The authors'
                100 on an element mean is 100 / B = 0.39 at their B = 256.
            distill_temperature: tau of the similarity distributions, > 0; the scheme's own (0.1) if not given.
            distill_warmup: training examples over which distill_weight rises linearly from 0; peers that know nothing yet
                otherwise teach each other that all images are alike.
            ssl_weight: weight of each peer's own objective: one number, or one per peer; 0 leaves a student to its teachers.
            planned_examples: training examples over which objectives with a schedule of their own (BYOL's momentum) spread it;
                without, they stay as they start.
            sync_batch_norm: whether batch normalisation under several replicas takes its statistics over all of them, as a
                single device would. False saves the communication and trains another network.
            micro_batches: parts of a replica's batch for which the encoders' activations are kept at a time, to save memory;
                more than 1 computes them twice. Losses and heads see the whole batch; batch normalisation in the encoders
                takes its statistics over each part.
            train_every: one number, or one per peer: with 4 a peer takes part in every 4th step, and is not computed in others.
            stop_after: training steps after which a peer takes part no more: None (never), a number, or one of these per peer.
            seed: of the views; weights follow keras.utils.set_random_seed.
        """
        super().__init__(name=name)
        self.peers: list[Peer] = list(peers)
        self.teachers: tuple[FrozenTeacher | CachedTeacher, ...] = tuple(teachers)
        checks.check(self.peers, self.teachers, views, distill_temperature, distill_warmup)
        check_micro_batches(self.peers, micro_batches)
        self.views = views
        self.view_recipes = checks.recipe_of_each(view_recipe, self.peers)
        names, frozen = [peer.name for peer in self.peers], [teacher.name for teacher in self.teachers]
        edges = graph.asked(teach, names, frozen)
        weights = checks.weight_of_each("distill_weight", distill_weight, self.peers)
        averages = [name for peer in self.peers for name in peer.encoders if name != peer.name]
        self.edges: tuple[distill.Edge, ...] = tuple(
            graph.resolved(edges, names, frozen, weights, distill_warmup, scheme, averages)
        )
        self.averages = averages_that_teach(self.peers, self.edges)
        self.distillation_terms = [
            distill.build(edge, self._networks(), default_temperature=distill_temperature) for edge in self.edges
        ]
        replicas.configure_batch_norm(self.peers, self.distillation_terms, sync_batch_norm, micro_batches)
        self.ssl_weights = checks.weight_of_each("ssl_weight", ssl_weight, self.peers)
        self.rota = Rota(self, *(checks.of_each(value, self.peers) for value in (train_every, stop_after)))
        self.planned_examples = planned_examples
        self.micro_batches = micro_batches
        self.seed = seed
        self.examples_seen = inputs.counter("examples_seen")
        self.examples_evaluated = inputs.counter("examples_evaluated")
        self.loss_metric = keras.metrics.Mean("loss")
        self.peer_metrics = [PeerMetrics(name, with_teachers=bool(self._terms_of(k))) for k, name in enumerate(names)]
        self.built = True

    def call(self, images, training=False):
        """images [B, H, W, 3] in 0..255 -> one h [B, d_h] per peer."""
        return tuple(peer.encoder(images, training=training) for peer in self.peers)

    def compile(self, optimizer="adam", verbose_metrics: bool = False, **kwargs):
        """
        Args:
            optimizer: a Keras optimizer (cloned for each peer), a name, or a list with one optimizer per peer. Under
                mixed_float16 each is wrapped in its own LossScaleOptimizer.
            verbose_metrics: show all metrics in the progress line, not six; callbacks get all of them anyway.
            **kwargs: steps_per_execution, jit_compile, run_eagerly: as in keras.Model.compile.
        Raises:
            InputError: what would fail or go wrong silently later: see optimizers.one_per_peer and distribution.replicas.
        """
        fit_arguments.check_compile(kwargs)
        self.verbose_metrics = verbose_metrics
        with self.distribute_strategy.scope():
            self.peer_optimizers = optimizers.one_per_peer(optimizer, self.peers)
            replicas.check_compile(self.distribute_strategy, self.peer_optimizers, kwargs.get("jit_compile"))
            fit_arguments.check_rests(kwargs, self.rota.sometimes)
            super().compile(optimizer=self.peer_optimizers[0], **kwargs)
            optimizers.build_all(self.peer_optimizers, self.variables_of_each())

    @inputs.once_read
    def train_step(self, data):
        inputs_of_each = self._inputs_of_each(data, self.examples_seen)
        with tf.GradientTape() as tape:
            embeddings = self.embed(inputs_of_each, training=True)
            ssl, distill_losses = self.ssl_losses(embeddings), self.distill_losses(embeddings, training=True)
            losses = self._total_losses(ssl, distill_losses)
            awake = [k for k, loss in enumerate(losses) if loss is not None]
            # No gradient crosses from one peer to another, so the gradient of the sum is each peer's own. Replicas' gradients
            # are summed when they are applied; divided by their number here, they add up to those of a single device.
            scaled = [optimizers.scale_loss(self.peer_optimizers[k], losses[k]) for k in awake]
            total = tf.add_n(scaled) / collectives.replica_count()
        variables, norms = self.variables_of_each([term for term, *_ in self._terms_with(embeddings)]), {}
        variables = [variables[k] for k in awake]
        for k, own, scaled_gradients in zip(awake, variables, tape.gradient(total, variables), strict=True):
            gradients = optimizers.apply_scaled_gradients(self.peer_optimizers[k], scaled_gradients, own)
            norms[k] = gradient_norm(gradients)
        self._after_step(embeddings)
        self.examples_seen.assign_add(inputs.batch_size(inputs_of_each[0]))
        return self._report(embeddings, losses, ssl, distill_losses, gradient_norm=norms)

    @inputs.once_read
    def test_step(self, data):
        inputs_of_each = self._inputs_of_each(data, self.examples_evaluated)
        embeddings = self.embed(inputs_of_each, training=False)
        ssl, distill_losses = self.ssl_losses(embeddings), self.distill_losses(embeddings, training=False)
        self.examples_evaluated.assign_add(inputs.batch_size(inputs_of_each[0]))
        return self._report(embeddings, self._total_losses(ssl, distill_losses), ssl, distill_losses)

    def embed(self, inputs_of_each, training: bool) -> list:
        """The ViewEmbeddings of every peer, then of every teacher, each of what it sees; None for those that rest."""
        networks, embeddings = self._networks(), []
        for network, seen in zip(networks, inputs_of_each, strict=True):
            how = (training, self.micro_batches) if network in self.peers else ()
            embeddings.append(None if network.name in self.rota.resting else network.embed(seen, *how))
        checks.check_batches(networks, embeddings)
        return embeddings

    def ssl_losses(self, embeddings) -> list:
        """Each peer's own objective: the mean over this replica's anchors; None for those that rest."""
        pairs = zip(self.peers, embeddings, strict=False)
        return [None if e is None else peer.objective.mean_loss(e) for peer, e in pairs]

    def distill_losses(self, embeddings, training: bool = False) -> list:
        """What each student has yet to learn from its teachers, weighted: the mean over this replica's anchors; 0 without."""
        losses = [0.0] * len(self.peers)
        for term, student, teacher in self._terms_with(embeddings):
            divergence = tf.reduce_mean(term.loss(student, teacher, training=training))
            losses[term.student] += tf.cast(term.weight_at(self.examples_seen), divergence.dtype) * divergence
        return losses

    def variables_of_each(self, terms=None) -> list:
        """What each peer's optimiser trains: the peer, and the heads of the schemes (`terms`: of these) by which it learns."""
        terms = self.distillation_terms if terms is None else terms
        return [
            peer.trainable_variables + [v for term in terms if term.student == k for v in term.trainable_variables]
            for k, peer in enumerate(self.peers)
        ]

    @property
    def metrics(self):
        return [self.loss_metric, *all_means(self.peer_metrics)]

    def _inputs_of_each(self, data, first_example):
        recipes = checks.recipes_with_teachers(self.view_recipes, self.peers, self.teachers, self.averages)
        return inputs.inputs_of_each(data, self._networks(), recipes, self.views, self.seed, first_example)

    def _networks(self) -> list:
        return [*self.peers, *self.teachers, *self.averages]

    def _terms_of(self, student: int) -> list:
        return [term for term in self.distillation_terms if term.student == student]

    def _terms_with(self, embeddings) -> list:
        """(term, student's embeddings, teacher's), where neither rests."""
        found = [(term, embeddings[term.student], embeddings[term.teacher]) for term in self.distillation_terms]
        return [each for each in found if None not in each]

    def _total_losses(self, ssl, distill_losses) -> list:
        """What each peer minimises."""
        return [
            None if own is None else ssl_weight * own + t + sum(peer.penalties)
            for ssl_weight, peer, own, t in zip(self.ssl_weights, self.peers, ssl, distill_losses, strict=True)
        ]

    def _after_step(self, embeddings) -> None:
        """What objectives and schemes keep between steps."""
        for peer, own in zip(self.peers, embeddings, strict=False):
            if own is not None:
                peer.after_step(own, self._progress())
        for term, student, teacher in self._terms_with(embeddings):
            term.after_step(student, teacher)

    def _progress(self):
        """The share of the planned training that is done, 0..1."""
        if self.planned_examples is None:
            return tf.constant(0.0)
        return tf.minimum(tf.cast(self.examples_seen, tf.float32) / self.planned_examples, 1.0)

    def _report(self, embeddings, losses, ssl, distill_losses, **more) -> dict:
        self.loss_metric.update_state(tf.add_n([loss for loss in losses if loss is not None]))
        report = {"loss": self.loss_metric.result()}
        for k, metrics in enumerate(self.peer_metrics):
            if embeddings[k] is None:
                report |= metrics.results()
                continue
            terms = [term for term, *_ in self._terms_with(embeddings) if term.student == k]
            values = {"ssl": ssl[k], **({"distill": distill_losses[k]} if terms else {})}
            values |= {name: of_peers[k] for name, of_peers in more.items()}
            updated = metrics.update(values | of_embeddings(embeddings[k], terms, embeddings))
            report |= metrics.results() if self.rota.resting else updated  # by who rests now it was taught before
        return report
