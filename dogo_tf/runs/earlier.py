"""Settings and checkpoints of runs that earlier versions began: they can still be resumed."""

# What runs did before there was a setting for it.
SETTINGS_ADDED_LATER = {
    "micro_batches": 1,
    "cache_teachers": False,
    "max_pixels": 50_000_000,
    "store_size": None,
    "init": [],
    "ema": None,
    "train_every": [1],
    "train_share": [1.0],
    "cooldown": 0.2,
    "cooldown_from": None,
    "view_recipe": None,
    "local_views": [0],
    "local_size": None,
    "local_crop_area": [0.05, 0.3],
}
TEMPERATURE_BEFORE = 0.5  # SimCLR's, where a run does not say it


def with_temperature(peer: str, temperature: float) -> str:
    """The text of a peer, SimCLR's temperature in it if it has none: "wrn_10_2" -> "wrn_10_2:simclr:temperature=0.2"."""
    place, colon, objective = peer.strip().partition(":")
    name, *settings = objective.split(":") if colon else ["simclr"]
    if not place or name != "simclr" or any(setting.startswith("temperature=") for setting in settings):
        return peer
    return ":".join([place, name, f"temperature={temperature}", *settings])


def settings_differences(before: dict, now: dict) -> list[str]:
    """A line for each setting that differs; an empty list if none does."""
    before = {
        **before,
        **{name: did for name, did in SETTINGS_ADDED_LATER.items() if name in now.keys() - before.keys()},
    }
    if isinstance(before.get("peers"), list):  # not a teacher of that name
        before["peers"] = [with_temperature(peer, TEMPERATURE_BEFORE) for peer in before["peers"]]
    return [
        f"  {name}: {before.get(name)!r} before, {now.get(name)!r} now"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


def metrics_by_number(metrics) -> list:
    """A model's metrics in the order in which checkpoints held them before they held names.

    That is by peer, what is learnt from teachers last. A DoGo's metrics have another order since; a FineTune's are in this one.
    """
    first = {}
    for metric in metrics:
        first.setdefault(_peer_and_kind(metric)[0], len(first))

    def place(metric):
        peer, kind = _peer_and_kind(metric)
        return first[peer], kind in ("distill", "agreement")

    return sorted(metrics, key=place)


def _peer_and_kind(metric) -> tuple[str, str]:
    peer, _, kind = metric.name.rpartition("/")
    return peer, kind
