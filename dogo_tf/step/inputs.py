"""What a step receives, and how it becomes the views of each peer."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import numpy as np

from dogo_tf.data.image_set import check_images
from dogo_tf.distribution import collectives
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import tf
from dogo_tf.teacher import CachedTeacher
from dogo_tf.types import Crops, Views
from dogo_tf.views.crops import ViewRequest
from dogo_tf.views.view import finish_view, make_view

ONE_IMAGE = "x: expected at least 2 images in a batch, as each is compared with the others; got one"


def counter(name: str) -> tf.Variable:
    """An int64 counter of examples over all replicas."""
    once = tf.VariableAggregation.ONLY_FIRST_REPLICA
    return tf.Variable(0, name=name, dtype=tf.int64, trainable=False, aggregation=once)


def once_read(step: Callable) -> Callable:
    """A step (model, data) whose operations all wait for `data`.

    Else those that need none of it (counters, weight decay) would be done although it cannot be read, and a run would be saved
    with a step that it made in part.
    """

    @functools.wraps(step)
    def waiting(model, data):
        with tf.control_dependencies([part for part in tf.nest.flatten(data) if tf.is_tensor(part)]):
            return step(model, data)

    return tf.autograph.experimental.do_not_convert(waiting)


def wanted_views(peers, recipes, sharing: str) -> list[Views]:
    """What each peer looks at, a ViewRequest in the place of each view; arguments as of `views_of_each_peer`."""

    def of(peer, stream, recipe):
        count, size = local_count_and_size(peer)
        small = recipe.for_local_views(size / peer.image_size)
        both = (ViewRequest(stream, number, recipe.of_view(number), peer.image_size) for number in (0, 1))
        return Views(*both, tuple(ViewRequest(stream, 2 + k, small, size) for k in range(count)))

    if sharing == "shared":
        return [of(peer, peers[0].stream, recipes[0]) for peer in peers]
    return [of(peer, peer.stream, recipe) for peer, recipe in zip(peers, recipes, strict=True)]


def views_of_each_peer(data, peers, recipes, sharing: str, seed: int, first_example) -> list[Views]:
    """One Views per peer: drawn from this replica's images, or the ready-made ones.

    Args:
        data: an element of the data set: see `check`.
        peers: list of Peer. recipes: the ViewRecipe of each.
        sharing: "independent" or "shared".
        first_example: the global number of the step's first example over all replicas, int64.
    """
    check(data, peers)
    inputs = _inputs(data)
    ready = _ready_made(inputs, peers)
    if ready is not None:
        return ready
    rows = next(iter(inputs.of.values())) if isinstance(inputs, Crops) else inputs
    numbers = first_example + tf.cast(collectives.row_offset(rows) + tf.range(tf.shape(rows)[0]), tf.int64)

    @functools.cache  # of shared views each is drawn once
    def draw(view: ViewRequest):
        if not isinstance(inputs, Crops):
            return make_view(inputs, view.recipe, seed, numbers, view.stream, view.number, view.size)
        crops = inputs.of.get(view.key)
        if crops is None or crops.shape[1] != view.size:
            raise InputError("x: crops for the views of another model; expected those by dogo_tf.crop_plan(this model)")
        return finish_view(crops, view.recipe, seed, numbers, view.stream, view.number)

    wanted = wanted_views(peers, recipes, sharing)
    return [Views(draw(views.a), draw(views.b), tuple(map(draw, views.local))) for views in wanted]


def inputs_of_each(data, networks, recipes, sharing: str, seed: int, first_example) -> list:
    """What each network's `embed` takes: its Views, or, for a CachedTeacher, the features [b, d] that came with the images.

    networks: peers, then teachers. The other arguments as of `views_of_each_peer`; recipes: of those that look at views.
    """
    check(data, networks)
    if isinstance(data, tuple | list) and not isinstance(data, Views | Crops) and len(data) > 2:
        raise InputError(
            "x: expected images, or images and labels; got a third part: weights of examples are not used here"
        )
    networks_with_views = [network for network in networks if not isinstance(network, CachedTeacher)]
    views = iter(views_of_each_peer(data, networks_with_views, recipes, sharing, seed, first_example))
    features = _features(data)
    return [features[n.name] if isinstance(n, CachedTeacher) else next(views) for n in networks]


def local_count_and_size(network) -> tuple[int, int]:
    """How many local views a peer looks at, and their side; teachers look at none."""
    return (0, network.image_size) if network.local is None else (network.local.count, network.local.size)


def batch_size(views: Views):
    """The number of images of the step over all replicas, int64."""
    return tf.cast(tf.shape(views.a)[0] * collectives.replica_count(), tf.int64)


def check(data, networks) -> None:
    """Raises InputError unless `data` (arrays, tensors or their specs) holds images or views that the networks can take.

    That is: uint8 images [B, H, W, 3], at least as large as the views that are cut out of them; a tuple that begins with them;
    Crops; Views of floats in 0..255; or {peer name: Views}. For every CachedTeacher, there is besides
    {its name: features [B, d]} behind the images.
    """
    peers = [network for network in networks if not isinstance(network, CachedTeacher)]
    _check_features(_features(data), [network for network in networks if isinstance(network, CachedTeacher)])
    inputs = _inputs(data)
    ready = _ready_made(inputs, peers)
    if ready is not None:
        for peer, views in zip(peers, ready, strict=True):
            count, size = local_count_and_size(peer)
            if len(views.local) < count:
                raise InputError(
                    f"x: expected Views with {count} local views, as the peer {peer.name!r} looks at; got {len(views.local)}"
                )
            sizes = [peer.image_size] * 2 + [size] * count
            for view, side in zip((views.a, views.b, *views.local[:count]), sizes, strict=True):
                _check_array(view, "ready-made views: float images in 0..255", side, floating=True)
    elif isinstance(inputs, Crops):
        for crops in inputs.of.values():
            _check_array(crops, "uint8 crops in 0..255", 1, floating=False)
    elif not hasattr(inputs, "dtype"):
        raise InputError(f"x: expected uint8 images [B, H, W, 3] or dogo_tf.Views; got {type(inputs).__name__}")
    else:
        _check_array(inputs, "uint8 images in 0..255", peers[0].image_size, floating=False)


def _inputs(data):
    """Images, crops or views without labels and sample weights."""
    while isinstance(data, tuple | list) and not isinstance(data, Views | Crops) and data:
        data = data[0]
    return data


def _features(data) -> Mapping:
    """What cached teachers have to say about the images, by name."""
    beside = isinstance(data, tuple | list) and not isinstance(data, Views | Crops) and len(data) > 1
    features = data[1] if beside else None
    return features if isinstance(features, Mapping) else {}


def _check_features(features: Mapping, teachers) -> None:
    for teacher in teachers:
        expected = (
            f"y: expected features [B, {teacher.width_h}] of the cached teacher {teacher.name!r} beside the images"
        )
        if teacher.name not in features:
            raise InputError(f"{expected}, as {{{teacher.name!r}: features}}; got {sorted(features) or 'nothing'}")
        found = features[teacher.name]
        if not tf.TensorShape(found.shape).is_compatible_with([None, teacher.width_h]):
            raise InputError(f"{expected}; got shape {found.shape}")


def _ready_made(inputs, peers) -> list[Views] | None:
    if isinstance(inputs, Views):
        return [inputs] * len(peers)
    if isinstance(inputs, Mapping):
        names = [peer.name for peer in peers]
        if set(inputs) != set(names) or not all(isinstance(views, Views) for views in inputs.values()):
            raise InputError(f"x: expected one dogo_tf.Views for each of the peers {names}; got {sorted(inputs)}")
        return [inputs[name] for name in names]
    return None


def _check_array(array, expected: str, size: int, floating: bool) -> None:
    if isinstance(array, np.ndarray) and not floating:
        check_images(array, "x")
    dtype = tf.as_dtype(array.dtype)
    if not (dtype.is_floating if floating else dtype == tf.uint8):
        remedy = ""
        if dtype.is_floating:  # what keras.utils.image_dataset_from_directory gives
            remedy = "; if they are floats of 0..255, use dataset.map(lambda x, *y: (tf.cast(x, tf.uint8), *y))"
        raise InputError(f"x: expected {expected}; got {dtype.name}{remedy}")
    shape = tf.TensorShape(array.shape)
    if shape.rank and shape[0] == 1 and collectives.replica_count() == 1:
        raise InputError(ONE_IMAGE)
    if floating:
        fits, wanted = shape.is_compatible_with([None, size, size, 3]), f"[B, {size}, {size}, 3], as the peers take"
    else:  # views are cut out of images, which may be larger
        large = not shape.rank or all(side is None or side >= size for side in shape[1:3])
        fits = large and shape.is_compatible_with([None, None, None, 3])
        wanted = f"[B, H, W, 3], H and W at least {size}, as the peers take"
    if not fits:
        raise InputError(f"x: expected {expected} of shape {wanted}; got {shape}")
