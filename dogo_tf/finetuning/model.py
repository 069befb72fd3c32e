"""FineTune: encoders become classifiers, by labels and by what other classifiers answer.

loss_k = label_weight * mean_i loss(logits_k[i], label[i]) + sum over teachers m of k: weight_km * mean_j KL(p_m[j] || p_k[j])

i are images with labels; j all images of the step, or, where some come without labels, these.
"""

import dataclasses
from collections.abc import Sequence

from dogo_tf import optimizers
from dogo_tf.distill import graph
from dogo_tf.distribution import collectives, replicas
from dogo_tf.finetuning import batches
from dogo_tf.finetuning.learner import Learner, check_class_names
from dogo_tf.finetuning.rare_classes import log_shares
from dogo_tf.finetuning.recipe import recipe
from dogo_tf.finetuning.specs import check_settings, check_teacher
from dogo_tf.finetuning.teaching import class_kl
from dogo_tf.platform import plugins
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.step.inputs import counter, once_read
from dogo_tf.step.monitor import gradient_norm
from dogo_tf.step.progress_line import with_short_line


class FineTune(keras.Model):
    """Trains encoders on the labels of some images; several teach each other.

    `fit` takes uint8 images [B, H, W, 3] and whole-number labels [B] of 0..C-1, as arrays or as a tf.data.Dataset of such
    pairs. Where there are images without labels, too, x is {"labelled": images, "unlabelled": images}.

    Attributes:
        learners: tuple of Learner; `learners[0].encoders` holds the classifiers to deploy.
        teachers: tuple of FrozenTeacher whose features are logits. edges: tuple of Edge.
        examples_seen: the global number of the next labelled example; with the seed it fixes the next views.
    """

    def __init__(
        self,
        encoder,
        classes,
        loss: str = "cross_entropy",
        ema: float | None = None,
        teachers=(),
        teach="all",
        teach_weight: float = 1.0,
        teach_temperature: float = 1.0,
        label_weight: float = 1.0,
        class_shares=None,
        view_recipe=None,
        batch_statistics: bool = True,
        sync_batch_norm: bool = True,
        seed: int = 0,
        name: str = "fine_tune",
    ):
        """
        Args:
            encoder: a keras.Model, images 0..255 [B, H, W, 3] -> features [B, d], which is trained itself; or several of one
                image size and with different names, or Learners.
            classes: their names in the order of the labels, or how many there are.
            loss: how they learn from labels; a name in dogo_tf.finetuning.losses.
            ema: of every learner, also keep the running average of its weights with this decay.
            teachers: FrozenTeachers made of classifiers, images -> logits of the same classes.
            teach: "all" (every learner learns from every other and from every teacher), or a list of Edge.
            teach_weight: of what a learner learns from all its teachers. teach_temperature: > 0, of the probabilities.
            label_weight: of what it learns from labels; 0 leaves it to its teachers.
            class_shares: share of each class among the labels, [C], each above 0: learn as if all were equally frequent (logit
                adjustment, dogo_tf.finetuning.rare_classes). None: classes count as often as they come.
            view_recipe: the dogo_tf.views.ViewRecipe of the one view that all learners and teachers see of an image; milder
                than those of pre-training if not given (dogo_tf.finetuning.recipe).
            batch_statistics: whether batch normalisation goes on with the statistics of the batches; else it keeps those of
                pre-training, and dropout is off.
            sync_batch_norm: as of DoGo, where batch_statistics.
            seed: of the views.
        Raises:
            InputError: what would fail or go wrong silently later.
        """
        super().__init__(name=name)
        names = check_class_names(map(str, range(classes)) if isinstance(classes, int) else classes)
        given = list(encoder) if isinstance(encoder, Sequence) else [encoder]
        self.learners = tuple(one if isinstance(one, Learner) else Learner(one, names, ema=ema) for one in given)
        self.teachers = tuple(teachers)
        batches.check_networks(self.learners, self.teachers, names)
        self.edges = tuple(_edges(teach, self.learners, self.teachers, teach_weight, teach_temperature))
        if batch_statistics:
            replicas.configure_batch_norm(self.learners, (), sync_batch_norm)
        self.loss_of_labels = plugins.load("dogo_tf.finetuning.losses", loss, "loss").loss
        self.label_weight = label_weight
        self.log_shares = None if class_shares is None else log_shares(class_shares, len(names))
        self.view_recipe = recipe() if view_recipe is None else view_recipe
        self.batch_statistics = batch_statistics
        self.seed = seed
        self.examples_seen, self.unlabelled_seen = counter("examples_seen"), counter("unlabelled_seen")
        self.means = {"loss": keras.metrics.Mean("loss")}
        for learner in self.learners:
            taught = ("taught",) if any(edge.student == learner.name for edge in self.edges) else ()
            for kind in ("supervised", "accuracy", "gradient_norm", *taught):
                key = f"{learner.name}/{kind}"
                self.means[key] = keras.metrics.Mean(key)
        self.built = True

    @property
    def peers(self):
        """The learners, as what watches a run calls those that train."""
        return self.learners

    @property
    def metrics(self):
        return list(self.means.values())

    def call(self, images, training=False):
        """images [B, H, W, 3] in 0..255 -> the logits [B, C] of every learner."""
        return tuple(learner(images, training=training) for learner in self.learners)

    def compile(self, optimizer="adam", verbose_metrics: bool = False, **kwargs):
        """As DoGo.compile: one optimizer, which is cloned for each learner, or a list."""
        batches.check_compile(kwargs)
        self.verbose_metrics = verbose_metrics
        with self.distribute_strategy.scope():
            self.peer_optimizers = optimizers.one_per_peer(optimizer, self.learners)
            replicas.check_compile(self.distribute_strategy, self.peer_optimizers, kwargs.get("jit_compile"))
            super().compile(optimizer=self.peer_optimizers[0], **kwargs)
            optimizers.build_all(self.peer_optimizers, [learner.trainable_variables for learner in self.learners])

    def fit(self, x=None, y=None, batch_size=None, *args, **kwargs):
        """As keras.Model.fit; see the class for what `x` and `y` may be. Raises InputError for data of another kind."""
        batches.check_before_start(x, y, self.learners[0], unlabelled=True)
        replicas.check_batches(self.distribute_strategy, x, batch_size)
        optimizers.check_callbacks(self.peer_optimizers, kwargs.get("callbacks"))
        return with_short_line(self, super().fit, x, y, batch_size, *args, **kwargs)

    def evaluate(self, x=None, y=None, batch_size=None, *args, **kwargs):
        """Loss and accuracy of every learner on labelled images as they are; returned as by Keras."""
        batches.check_before_start(x, y, self.learners[0], unlabelled=False)
        return with_short_line(self, super().evaluate, x, y, batch_size, *args, **kwargs)

    @once_read
    def train_step(self, data):
        batch = batches.batch_of(data, self.learners[0])
        views = batches.views_of(batch, self.view_recipe, self.seed, self.examples_seen, self.unlabelled_seen)
        labelled = tf.shape(batch.labels)[0]
        answers = {teacher.name: teacher.features(views) for teacher in self.teachers}
        with tf.GradientTape() as tape:
            for learner in self.learners:
                answers[learner.name] = learner(views, training=self.batch_statistics)
            supervised = [
                self._supervised(self._adjusted(answers[one.name][:labelled]), batch.labels) for one in self.learners
            ]
            taught = [
                self._taught(learner, answers, labelled if batch.unlabelled is not None else 0)
                for learner in self.learners
            ]
            losses = [
                self.label_weight * own + t + (tf.add_n(learner.losses) if learner.losses else 0.0)
                for learner, own, t in zip(self.learners, supervised, taught, strict=True)
            ]
            # As in DoGo: no gradient crosses between learners, and replicas' gradients add up to those of a single device.
            scaled = [optimizers.scale_loss(o, loss) for o, loss in zip(self.peer_optimizers, losses, strict=True)]
            total = tf.add_n(scaled) / collectives.replica_count()
        variables = [learner.trainable_variables for learner in self.learners]
        norms = []
        for optimizer, own, found in zip(self.peer_optimizers, variables, tape.gradient(total, variables), strict=True):
            norms.append(gradient_norm(optimizers.apply_scaled_gradients(optimizer, found, own)))
        for learner in self.learners:
            learner.after_step()
        self.examples_seen.assign_add(batches.over_replicas(batch.images))
        if batch.unlabelled is not None:
            self.unlabelled_seen.assign_add(batches.over_replicas(batch.unlabelled))
        right = [_accuracy(answers[learner.name][:labelled], batch.labels) for learner in self.learners]
        return self._report(labelled, losses, supervised=supervised, taught=taught, accuracy=right, gradient_norm=norms)

    @once_read
    def test_step(self, data):
        batch = batches.batch_of(data, self.learners[0])
        answers = self(tf.cast(batch.images, keras.backend.floatx()))
        supervised = [self._supervised(logits, batch.labels) for logits in answers]
        right = [_accuracy(logits, batch.labels) for logits in answers]
        return self._report(tf.shape(batch.labels)[0], supervised, supervised=supervised, accuracy=right)

    def _supervised(self, logits, labels):
        return tf.reduce_mean(self.loss_of_labels(logits, labels))

    def _adjusted(self, logits):
        return logits if self.log_shares is None else logits + tf.constant(self.log_shares, logits.dtype)

    def _taught(self, learner, answers: dict, first: int):
        """Over the images from number `first` on."""
        return sum(
            edge.weight
            * tf.reduce_mean(class_kl(answers[learner.name][first:], answers[edge.teacher][first:], edge.temperature))
            for edge in self.edges
            if edge.student == learner.name
        )

    def _report(self, rows, losses, **of_learners) -> dict:
        """rows: how many images these means are of; the last batch of an evaluation may be smaller."""
        self.means["loss"].update_state(tf.add_n(losses), rows)
        updated = ["loss"]
        for kind, values in of_learners.items():
            for learner, value in zip(self.learners, values, strict=True):
                if (key := f"{learner.name}/{kind}") in self.means:
                    self.means[key].update_state(value, rows)
                    updated.append(key)
        return {key: self.means[key].result() for key in updated}

    save = get_config = batches.refuse_to_save


def _accuracy(logits, labels):
    return tf.reduce_mean(tf.cast(tf.argmax(logits, axis=1, output_type=labels.dtype) == labels, tf.float32))


def _edges(teach, learners, teachers, weight: float, temperature: float):
    names, frozen = [learner.name for learner in learners], [teacher.name for teacher in teachers]
    edges = graph.asked(teach, names, frozen)
    for edge in edges:
        check_teacher(edge, names)
        check_settings(edge)
    edges = [dataclasses.replace(edge, temperature=edge.temperature or temperature) for edge in edges]
    return graph.resolved(edges, names, frozen, [weight] * len(names), 0, "")
