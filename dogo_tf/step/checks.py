"""What peers cannot be trained on or together: checked before the first step, with messages that say what would work."""

import inspect

from dogo_tf.distribution import collectives
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.step import inputs
from dogo_tf.teacher import CachedTeacher


def check_batches(peers, embeddings) -> None:
    """Peers compare the same images, so their z must have the same number of rows. None: one that rests."""
    peers, embeddings = zip(*(pair for pair in zip(peers, embeddings, strict=True) if pair[1] is not None), strict=True)
    message = "peers: expected z of as many images for every peer; got "
    rows = {peer.name: both.a.z.shape[0] for peer, both in zip(peers, embeddings, strict=True)}
    if None not in rows.values() and len(set(rows.values())) > 1:
        raise InputError(f"{message}{rows}")
    counts = [tf.shape(both.a.z)[0] for both in embeddings]
    tf.debugging.assert_greater(counts[0] * collectives.replica_count(), 1, inputs.ONE_IMAGE)
    for count in counts[1:]:
        tf.debugging.assert_equal(count, counts[0], message + "different numbers")


def recipe_of_each(recipe, peers) -> list:
    """A ViewRecipe for each peer, from what DoGo was given."""
    if recipe is None:
        return [peer.objective.view_recipe for peer in peers]
    recipes = list(recipe) if isinstance(recipe, list | tuple) else [recipe] * len(peers)
    if len(recipes) != len(peers):
        raise InputError(
            f"view_recipe: expected one ViewRecipe, or one for each of {len(peers)} peers; got {len(recipes)}"
        )
    return recipes


def recipes_with_teachers(recipes, peers, teachers, averages) -> list:
    """The ViewRecipe of each network that looks at views: peers, frozen teachers (the first peer's), averages (their own)."""
    looking = [teacher for teacher in teachers if not isinstance(teacher, CachedTeacher)]
    names = [peer.name for peer in peers]
    return [*recipes, *(recipes[0] for _ in looking), *(recipes[names.index(a.peer)] for a in averages)]


def of_each(value, peers) -> list:
    """A value for each peer, from one for all or a list."""
    return list(value) if isinstance(value, list | tuple) else [value] * len(peers)


def weight_of_each(name: str, weight, peers) -> list:
    """One number for each peer, from one or a list. name: of the argument."""
    weights = of_each(weight, peers)
    if len(weights) != len(peers) or any(value < 0 for value in weights):
        raise InputError(f"{name}: expected one number >= 0, or one for each of the {len(peers)} peers; got {weights}")
    return weights


def check_before_start(x, y, networks) -> None:
    """Checks what can be seen before the first step; what yields its batches only then is checked when the step is traced."""
    if isinstance(x, tf.data.Dataset):
        inputs.check(x.element_spec, networks)
    elif not (inspect.isgenerator(x) or isinstance(x, keras.utils.Sequence | tf.distribute.DistributedDataset)):
        inputs.check((x, y), networks)


def check(peers, teachers, views: str, temperature: float | None, warmup: int) -> None:
    """InputError for networks that do not go together, and for numbers out of range."""
    if not peers:
        raise InputError("peers: expected at least one dogo_tf.Peer, got an empty list")
    names = [*(name for peer in peers for name in peer.encoders), *(teacher.name for teacher in teachers)]
    if len(set(names)) < len(names):
        raise InputError(f"peers: expected different names; got {names}. Give Peer(..., name=...)")
    sizes = {n.name: n.image_size for n in (*peers, *teachers) if not isinstance(n, CachedTeacher)}
    if len(set(sizes.values())) > 1:
        any_size = " (None: any; build it for the size of the others)" if None in sizes.values() else ""
        raise InputError(f"peers: expected one image size for all peers; got {sizes}{any_size}")
    if views not in ("independent", "shared"):
        raise InputError(f"views: expected 'independent' or 'shared', got {views!r}")
    if temperature is not None and not temperature > 0:
        raise InputError(f"distill_temperature: expected a number above 0, got {temperature}")
    if warmup < 0:
        raise InputError(f"distill_warmup: expected a number of examples >= 0, got {warmup}")
