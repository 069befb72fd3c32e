"""Optimisers by name."""

from dogo_tf.errors import InputError
from dogo_tf.optimizers import addons
from dogo_tf.optimizers.names import check_optimizer, is_of_addons
from dogo_tf.platform.keras_compat import keras, tf


def _is_bias_or_norm(variable) -> bool:
    return variable.shape.rank <= 1


class _L2InGradient:
    """g + l2 * w before the optimiser sees it, as PyTorch's `weight_decay` does; biases and batch-norm weights get none.

    The authors' code decays those, too. But a bias before batch normalisation has a true gradient of 0: l2 * w would then feed
    rounding back to Adam, which divides by its size, until weights differ by the order in which replicas are added up.
    `decay_biases` does as they do, for a linear layer on fixed features. Keras' own `weight_decay` bypasses the gradient (as
    AdamW does).
    """

    def __init__(self, learning_rate, l2=0.0, decay_biases=False, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.l2 = l2
        self.decay_biases = decay_biases

    def update_step(self, gradient, variable):
        if self.decay_biases or not _is_bias_or_norm(variable):
            gradient += self.l2 * variable
        super().update_step(gradient, variable)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2, "decay_biases": self.decay_biases}


class AdamL2(_L2InGradient, keras.optimizers.Adam):
    """Adam with L2 in the gradient."""


class SGDL2(_L2InGradient, keras.optimizers.SGD):
    """Stochastic gradient descent with L2 in the gradient."""


class LARS(keras.optimizers.Optimizer):
    """Layer-wise adaptive rate scaling (You et al., 2017), in the form that SimCLR trains with.

        g = gradient + weight_decay * w,  v = momentum * v + rate * trust * |w| / |g| * g,  w = w - v

    Biases and batch-norm weights get neither decay nor adaptation (Goyal et al., 2017).
    """

    def __init__(self, learning_rate=0.3, momentum=0.9, l2=1e-6, trust=1e-3, name="LARS", **kwargs):
        super().__init__(name=name, **kwargs)
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.momentum = momentum
        self.l2 = l2
        self.trust = trust

    def build(self, var_list):
        super().build(var_list)
        if not getattr(self, "_built", False):
            self.velocities = [self.add_variable_from_reference(v, "velocity") for v in var_list]
            self._built = True

    def update_step(self, gradient, variable):
        rate = tf.cast(self.learning_rate, variable.dtype)
        velocity = self.velocities[self._index_dict[self._var_key(variable)]]
        if not _is_bias_or_norm(variable):
            gradient += self.l2 * variable
            ratio = tf.math.divide_no_nan(self.trust * tf.norm(variable), tf.norm(gradient))
            rate = rate * tf.where(ratio > 0, ratio, 1.0)
        velocity.assign(self.momentum * velocity + rate * gradient)
        variable.assign_sub(velocity)

    def get_config(self):
        rate = self._serialize_hyperparameter(self._learning_rate)
        own = {"learning_rate": rate, "momentum": self.momentum, "l2": self.l2, "trust": self.trust}
        return {**super().get_config(), **own}


def _adamw(learning_rate, weight_decay):
    optimizer = keras.optimizers.AdamW(learning_rate, weight_decay=weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    return optimizer


_OWN = {
    # PyTorch's epsilon, as the authors ran it; Keras' own default is 1e-7.
    "adam": lambda rate, weight_decay: AdamL2(rate, l2=weight_decay, epsilon=1e-8),
    "adamw": _adamw,
    "sgd": lambda rate, weight_decay: SGDL2(rate, l2=weight_decay, momentum=0.9),
    "lars": lambda rate, weight_decay: LARS(rate, l2=weight_decay),
}


def check_installed(name: str) -> None:
    """InputError for an optimiser of tensorflow-addons where that is not installed."""
    if is_of_addons(name):
        addons.import_quietly(name)


def build(name: str, learning_rate, weight_decay: float):
    """An optimiser by name: adam (L2 in the gradient), adamw, sgd (momentum 0.9, L2 in the gradient), lars, or one of
    tensorflow-addons where it is installed: lamb, tfa:<Name>; see addons.build.

    Args:
        learning_rate: > 0, or a keras LearningRateSchedule.
        weight_decay: >= 0; biases and batch-norm weights are left out.
    """
    if weight_decay < 0:
        raise InputError(f"weight_decay: expected a number >= 0, got {weight_decay}")
    check_optimizer(name)
    if is_of_addons(name):
        return addons.build(name, learning_rate, weight_decay)
    return _OWN[name](learning_rate, weight_decay)
