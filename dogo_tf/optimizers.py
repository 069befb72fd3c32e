"""Optimisers and schedules by name, and one optimiser for each peer."""

from dogo_tf import addons
from dogo_tf.errors import InputError, unknown_name
from dogo_tf.keras_compat import keras, tf


class _L2InGradient:
    """g + l2 * w for every weight before the optimiser sees it, as PyTorch's `weight_decay` does (what the authors ran).

    Keras' own `weight_decay` bypasses the gradient (as AdamW does).
    """

    def __init__(self, learning_rate, l2=0.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.l2 = l2

    def update_step(self, gradient, variable):
        super().update_step(gradient + self.l2 * variable, variable)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}


class AdamL2(_L2InGradient, keras.optimizers.Adam):
    """Adam with L2 in the gradient."""


class SGDL2(_L2InGradient, keras.optimizers.SGD):
    """Stochastic gradient descent with L2 in the gradient."""


class LARS(keras.optimizers.Optimizer):
    """Layer-wise adaptive rate scaling (You et al., 2017), in the form that SimCLR trains with.

        g = gradient + weight_decay * w,  v = momentum * v + rate * trust * |w| / |g| * g,  w = w - v

    Biases and batch-norm weights (variables of one axis) get neither decay nor adaptation (Goyal et al., 2017).
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
        if variable.shape.rank > 1:
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


OPTIMIZERS = {
    # PyTorch's epsilon, as the authors ran it; Keras' own default is 1e-7.
    "adam": lambda rate, weight_decay: AdamL2(rate, l2=weight_decay, epsilon=1e-8),
    "adamw": _adamw,
    "sgd": lambda rate, weight_decay: SGDL2(rate, l2=weight_decay, momentum=0.9),
    "lars": lambda rate, weight_decay: LARS(rate, l2=weight_decay),
}
SCHEDULES = ("constant", "cosine")


def build(name: str, learning_rate, weight_decay: float):
    """An optimiser by name: adam (L2 in the gradient), adamw, sgd (momentum 0.9, L2 in the gradient), lars, or one of
    tensorflow-addons where it is installed: lamb, tfa:<Name>; see addons.build.

    Args:
        learning_rate: > 0, or a keras LearningRateSchedule.
        weight_decay: >= 0; adamw and lars leave biases and batch-norm weights out.
    """
    if weight_decay < 0:
        raise InputError(f"weight_decay: expected a number >= 0, got {weight_decay}")
    if addons.is_name(name):
        return addons.build(name, learning_rate, weight_decay)
    if name not in OPTIMIZERS:
        raise unknown_name("optimizer", name, [*OPTIMIZERS, "lamb", f"{addons.PREFIX}<Name>"])
    return OPTIMIZERS[name](learning_rate, weight_decay)


def schedule(name: str, learning_rate: float, total_steps: int, warmup_steps: int = 0):
    """The learning rate over the run: linear warm-up from 0 over `warmup_steps`, then constant or half a cosine to 0."""
    if name not in SCHEDULES:
        raise unknown_name("schedule", name, SCHEDULES)
    if not learning_rate > 0:
        raise InputError(f"learning_rate: expected a number above 0, got {learning_rate}")
    if not 0 <= warmup_steps <= total_steps:
        raise InputError(f"warm-up: expected 0 to {total_steps} steps (the whole run), got {warmup_steps}")
    if name == "cosine":
        decay_steps = max(1, total_steps - warmup_steps)
        if warmup_steps == 0:
            return keras.optimizers.schedules.CosineDecay(learning_rate, decay_steps)
        return keras.optimizers.schedules.CosineDecay(
            0.0, decay_steps, warmup_target=learning_rate, warmup_steps=warmup_steps
        )
    if warmup_steps == 0:
        return learning_rate
    return keras.optimizers.schedules.PolynomialDecay(0.0, warmup_steps, end_learning_rate=learning_rate)


def one_per_peer(optimizer, peers) -> list:
    """An optimiser of its own for each peer: clones of one, or the given list.

    Peers that compute in float16 get theirs wrapped in a LossScaleOptimizer, so that each finds its own loss scale.
    """
    if isinstance(optimizer, list | tuple):
        if len(optimizer) != len(peers) or len({id(o) for o in optimizer}) != len(peers):
            raise InputError(
                f"optimizer: expected one optimizer or a list of {len(peers)} different ones, one for each peer; "
                f"got {len(optimizer)}" + (", some of them the same object" if len(optimizer) == len(peers) else "")
            )
        optimizers = [keras.optimizers.get(o) for o in optimizer]
    else:
        optimizers = [_clone(keras.optimizers.get(optimizer)) for _ in peers]
        _share_learning_rate(optimizers)
    scaled = keras.mixed_precision.LossScaleOptimizer
    return [
        scaled(o) if _computes_in_float16(peer) and not isinstance(o, scaled) else o
        for o, peer in zip(optimizers, peers, strict=True)
    ]


def _clone(optimizer):
    clone = type(optimizer).from_config(optimizer.get_config())
    for exclusions in ("_exclude_from_weight_decay", "_exclude_from_weight_decay_names"):  # not part of Keras' config
        if hasattr(optimizer, exclusions):
            setattr(clone, exclusions, getattr(optimizer, exclusions))
    return clone


def _share_learning_rate(optimizers) -> None:
    """Keras' learning-rate callbacks set the variable of `model.optimizer`, the first peer's: one variable serves all."""
    first, *others = _inner(optimizers)
    rate = _rate(first)
    if isinstance(rate, tf.Variable):
        for optimizer in others:
            if _is_legacy(optimizer):
                optimizer.learning_rate = rate  # the variable itself, as long as the optimizer has none of its own
            else:
                optimizer._learning_rate = rate


def _inner(optimizers) -> list:
    return [optimizer.inner_optimizer if _scales(optimizer) else optimizer for optimizer in optimizers]


def _rate(optimizer):
    """A variable, or a legacy optimiser's schedule; None if it has no learning rate."""
    return getattr(optimizer, "learning_rate", None)


def _is_legacy(optimizer) -> bool:
    """Of Keras' older kind, as those of tensorflow-addons are."""
    return isinstance(optimizer, keras.optimizers.legacy.Optimizer)


def build_all(optimizers, variables) -> None:
    """Makes the optimisers' variables now, in the caller's strategy scope, so that a checkpoint finds all of them.

    variables: a list of what it trains for each optimiser.
    """
    for optimizer, inner, own in zip(optimizers, _inner(optimizers), variables, strict=True):
        if _is_legacy(inner):
            optimizer._create_all_weights(own)  # else they come with the first step
        else:
            optimizer.build(own)


def learning_rate(optimizer) -> float | None:
    """The rate of the last step; None for an optimiser that has none (tensorflow-addons' COCOB)."""
    (inner,) = _inner([optimizer])
    rate = _rate(inner)
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        rate = rate(tf.maximum(inner.iterations - 1, 0))
    return None if rate is None else float(keras.backend.get_value(rate))


def check_callbacks(optimizers, callbacks) -> None:
    """InputError for a callback that would silently change the first peer's learning rate only."""
    setters = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)
    found = [c for c in getattr(callbacks, "callbacks", None) or tf.nest.flatten(callbacks) if isinstance(c, setters)]
    if found and len({id(_rate(o)) for o in _inner(optimizers)}) > 1:
        raise InputError(
            f"callbacks: {type(found[0]).__name__} would set the learning rate of the first peer only, because each has an "
            "optimizer with its own; compile with one optimizer for all peers, or give each a LearningRateSchedule"
        )


def scale_loss(optimizer, loss):
    """The loss to differentiate: multiplied by the optimiser's loss scale, if it has one."""
    return optimizer.get_scaled_loss(loss) if _scales(optimizer) else loss


def unscale_gradients(optimizer, gradients):
    """The gradients of the loss itself."""
    return optimizer.get_unscaled_gradients(gradients) if _scales(optimizer) else gradients


def _scales(optimizer) -> bool:
    return isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer)


def _computes_in_float16(peer) -> bool:
    return any(layer.compute_dtype == "float16" for layer in peer.submodules if isinstance(layer, keras.layers.Layer))
