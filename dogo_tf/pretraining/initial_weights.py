"""Peers that start from weights that are there already: of an earlier run, a .keras file or an exported SavedModel."""

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
            values = _weights(path, peer_of_run, trust, [weight.shape for weight in peer.encoder.get_weights()])
        except InputError as error:
            raise InputError(f"init: {name}: {error}") from error
        peer.start_from(values)


def _weights(path: str, peer: str | None, trust: bool, shapes: list[tuple]):
    """The arrays of these shapes that the file holds, in the order of a Keras encoder's get_weights()."""
    encoder = load_encoder(path, peer, trust)
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
        raise InputError(f"{path} is another network: {difference}")
    return values
