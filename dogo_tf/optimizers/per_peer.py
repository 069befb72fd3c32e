"""One optimiser for each peer: clones, loss scales, and one learning rate that callbacks can set."""

from dogo_tf.distribution import collectives
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras, tf


def one_per_peer(optimizer, peers) -> list:
    """An optimiser of its own for each peer: clones of one, or the given list.

    Peers that compute in float16 get theirs wrapped in a LossScaleOptimizer, so that each finds its own loss scale.

    Raises:
        InputError: too few or too many optimizers, or one that averages weights by itself.
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
    if any(getattr(inner, "use_ema", False) for inner in _inner(optimizers)):
        raise InputError(
            "optimizer: expected one without use_ema=True; at the end of fit Keras puts the averages in the place of the "
            "weights, of all peers by the optimizer of the first, and a resumed run would go on from them"
        )
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
    # `learning_rate` of one with a schedule is the schedule's number at the last step: each keeps a schedule of its own.
    rate = _rate(first) if _is_legacy(first) else getattr(first, "_learning_rate", None)
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


def apply_scaled_gradients(optimizer, scaled_gradients, variables) -> list:
    """Changes the variables by the gradients of scale_loss's loss, summed over replicas; returns those of the loss itself."""
    gradients = optimizer.get_unscaled_gradients(scaled_gradients) if _scales(optimizer) else scaled_gradients
    gradients = collectives.summed(gradients)
    # By this name Keras' older optimisers know it as well.
    optimizer.apply_gradients(zip(gradients, variables, strict=True), experimental_aggregate_gradients=False)
    return gradients


def _scales(optimizer) -> bool:
    return isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer)


def _computes_in_float16(peer) -> bool:
    return any(layer.compute_dtype == "float16" for layer in peer.submodules if isinstance(layer, keras.layers.Layer))
