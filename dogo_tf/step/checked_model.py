"""A Keras model whose `fit` and `evaluate` refuse what Keras would let pass until it fails or goes wrong."""

from dogo_tf import optimizers
from dogo_tf.distribution import replicas
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras
from dogo_tf.step import checks, fit_arguments
from dogo_tf.step.progress_line import with_short_line


class CheckedModel(keras.Model):
    """What DoGo is to Keras; the step is DoGo's own."""

    def make_train_function(self, force=False):
        make = super().make_train_function
        if not self.rota.sometimes:
            return make(force)
        anew = force or self.train_function is None

        def compiled():
            """One of several; Keras puts each in the place of the function that chooses among them."""
            choosing = self.train_function
            function = make(force=True)
            self.train_function = choosing
            return function

        return self.rota.train_function(compiled, self.peer_optimizers, anew)

    def fit(self, x=None, y=None, batch_size=None, *args, **kwargs):
        """As keras.Model.fit; see the class for what `x` may be. Raises InputError for data of another kind."""
        checks.check_before_start(x, y, self._networks())
        replicas.check_batches(self.distribute_strategy, x, batch_size, self.micro_batches)
        optimizers.check_callbacks(self.peer_optimizers, kwargs.get("callbacks"))
        if kwargs.get("validation_data") is not None:
            self._check_validation(kwargs["validation_data"], kwargs.get("validation_batch_size") or batch_size)
        return with_short_line(self, super().fit, x, y, batch_size, *args, **kwargs)

    def _check_validation(self, given, batch_size) -> None:
        """Before hours of training, not after its first epoch."""
        x, y = (*given, None)[:2] if isinstance(given, tuple) else (given, None)
        try:
            checks.check_before_start(x, y, self._networks())
            replicas.check_batches(self.distribute_strategy, x, batch_size)
        except InputError as error:
            raise InputError(f"validation_data: {error}") from error

    def evaluate(self, x=None, y=None, batch_size=None, *args, **kwargs):
        """Losses and metrics on images that are not trained on, with the same views at every call; returned as by Keras."""
        checks.check_before_start(x, y, self._networks())
        replicas.check_batches(self.distribute_strategy, x, batch_size)
        self.examples_evaluated.assign(0)
        return with_short_line(self, super().evaluate, x, y, batch_size, *args, **kwargs)

    save = get_config = fit_arguments.refuse_to_save  # get_config: for keras.models.save_model
