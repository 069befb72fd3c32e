"""Peers that start from weights that are there already: of an earlier run, a .keras file or an exported SavedModel."""

from dogo_tf import encoders
from dogo_tf.encoders._layers import SMALL_IMAGE
from dogo_tf.errors import InputError
from dogo_tf.evaluate.saved_model_encoder import SavedModelEncoder
from dogo_tf.evaluate.sources import load_encoder
from dogo_tf.platform.keras_compat import keras
from dogo_tf.pretraining.settings import place_specs


def start_from(peers, init, trust: bool = False) -> None:
    """Gives peers their first weights; targets start as copies of them.

    Args:
        init: "name=path" or "name=run#peer" each, as PretrainSettings has them.
        trust: as in load_encoder.
    Raises:
        InputError: no such file, one without weights to train, or weights of another network.
    """
    of_peer = {peer.name: peer for peer in peers}
    for name, path, peer_of_run in place_specs("init", init):
        peer = of_peer[name]
        try:
            values = _weights(path, peer_of_run, trust, peer.encoder)
        except InputError as error:
            raise InputError(f"init: {name}: {error}") from error
        peer.start_from(values)


def _weights(path: str, peer: str | None, trust: bool, ours: keras.Model):
    """The arrays that the file holds for `ours`, in the order of its get_weights()."""
    encoder, shapes = load_encoder(path, peer, trust), [weight.shape for weight in ours.get_weights()]
    if isinstance(encoder, keras.Model):
        values = encoder.get_weights()
    elif isinstance(encoder, SavedModelEncoder) and encoder.weights is not None:
        values = [variable.numpy() for variable in encoder.weights]
        if len(values) == len(shapes) + 2:
            values = values[:-2]  # of an exported head
    else:
        raise InputError(
            f"{path} holds no weights that can be trained on; expected a .keras file, a SavedModel of dogo-export, or a run"
        )
    came = [value.shape for value in values]
    if came != shapes:
        wrong = next((k for k, (a, b) in enumerate(zip(came, shapes, strict=False)) if a != b), None)
        if wrong is None:
            difference = f"{len(came)} arrays of weights, where the peer has {len(shapes)}"
        else:
            difference = f"its array {wrong} has shape {came[wrong]}, the peer's {shapes[wrong]}"
        place = path if peer is None else f"{path}#{peer}"
        raise InputError(
            f"{place} is another network, {encoder.name}: {difference}; expected weights of {ours.name}. Name their network in "
            "--peers"
        )
    _check_strides(path, encoder, ours)
    return values


def _check_strides(path: str, encoder, ours: keras.Model) -> None:
    """Some networks begin with other strides for small images, over weights of the same shapes."""
    side, our_side = encoder.input_shape[1], ours.input_shape[1]
    if side == our_side:
        return
    # A SavedModel no longer has layers; its network is the peer's, for its own size.
    theirs = encoder if isinstance(encoder, keras.Model) else encoders.build(ours.name, side)
    if _strides(theirs) != _strides(ours):
        raise InputError(
            f"{path} is for images of {side} px, where {ours.name} has other strides than at {our_side} px; expected an "
            f"image_size {'below' if side < SMALL_IMAGE else 'of at least'} {SMALL_IMAGE}"
        )


def _strides(model: keras.Model) -> list[tuple[int, ...]]:
    """Of all convolutions and poolings, sorted; also in models inside."""
    inner = [_strides(layer) if isinstance(layer, keras.Model) else [] for layer in model.layers]
    return sorted([layer.strides for layer in model.layers if hasattr(layer, "strides")] + sum(inner, []))
