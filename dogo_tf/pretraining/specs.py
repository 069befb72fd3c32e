"""What --peers, --teachers and --init are made of."""

from dogo_tf.errors import InputError


def peer_specs(peers) -> list[tuple[str, str, str]]:
    """("wrn_10_2:simsiam", "big=resnet_18", "wrn_10_1:moco:queue_size=512", ...) -> (name, encoder, objective) of each.

    Without a name a peer is called as its encoder, equal ones are numbered; the objective is simclr if none is given, and
    comes with its settings.
    """
    specs = []
    for text in peers:
        place, colon, objective = text.strip().partition(":")
        name, separator, encoder = place.rpartition("=")
        if not encoder or (separator and not name) or (colon and not objective):
            raise InputError(
                "peers: expected encoder, encoder:objective or name=encoder:objective:setting=value, separated by commas; "
                f"got {text!r}"
            )
        count = sum(encoder == other for _, other, _ in specs)
        specs.append((name or (f"{encoder}_{count + 1}" if count else encoder), encoder, objective or "simclr"))
    return specs


def place_specs(setting: str, places) -> list[tuple[str, str, str | None]]:
    """("big=runs/big", "other=runs/pair#wrn_16_2") -> (name, path, peer or None) of each; `setting`: for the message."""
    specs = []
    for text in places:
        name, _, place = text.strip().partition("=")
        path, _, peer = place.partition("#")
        if not name or not path:
            raise InputError(
                f"{setting}: expected name=path or name=run_folder#peer, separated by commas; got {text!r}"
            )
        specs.append((name, path, peer or None))
    return specs
