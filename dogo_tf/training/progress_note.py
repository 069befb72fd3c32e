"""How a training goes, in a line of the screen."""

NAME_WIDTH = 10
LOSSES = ("ssl", "distill", "supervised", "taught")


def progress_note(metrics: dict, peers) -> str:
    """Speed and losses, the small encoder's first: what does not fit on the screen is cut off at the end.

    Args:
        metrics: of StepLog. peers: with `name` and `encoder`.
    """
    smallest_first = sorted(peers, key=lambda peer: peer.encoder.count_params())
    notes = [f"{metrics['images_per_second']:.0f} img/s"]
    for peer, name in zip(smallest_first, told_apart([peer.name for peer in smallest_first], NAME_WIDTH), strict=True):
        found = {kind: metrics[f"{peer.name}/{kind}"] for kind in LOSSES if f"{peer.name}/{kind}" in metrics}
        losses = [f"{kind} {value:.2f}" for kind, value in found.items()]
        notes.append(" ".join([name, *losses]))
    return "  ".join(notes)


def told_apart(names: list[str], letters: int) -> list[str]:
    """The names, shortened; those that would look alike by their ends."""
    begun = [shortened(name, letters) for name in names]
    ended = [name if len(name) <= letters else "…" + name[1 - letters :] for name in names]
    return [end if begun.count(begin) > 1 else begin for begin, end in zip(begun, ended, strict=True)]


def shortened(text: str, letters: int) -> str:
    """The text, or so many letters of it, the last of which is an ellipsis."""
    return text if len(text) <= letters else text[: letters - 1] + "…"
