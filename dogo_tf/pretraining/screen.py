"""What a training shows on the screen, within 80 columns, before it begins."""

import textwrap

from dogo_tf.distribution.devices import described
from dogo_tf.errors import InputError
from dogo_tf.pretraining.run_images import ORIGINALS, STORED
from dogo_tf.pretraining.settings import peer_specs
from dogo_tf.step.average_teacher import between_peers
from dogo_tf.step.flops import averages_operations, training_operations, with_share_of_teachers
from dogo_tf.teacher import CachedTeacher
from dogo_tf.training.progress_note import shortened

NAME_WIDTH, OBJECTIVE_WIDTH = 20, 12


def header(settings, images, model, steps_per_epoch: int, crops: str = STORED, reason: str = "") -> str:
    """Data, peers, steps and devices of a run, in lines of at most 80 letters.

    Args:
        settings: PretrainSettings. images: ImageSet. model: DoGo.
        crops: what views are cut out of, see run_images.crops_of. reason: of the precision, if it was chosen.
    """
    count, height, width = images.images.shape[:3]
    lines = [shortened(f"{images.name}: {count:,} images of {width} x {height} pixels", 80)]
    image_size = model.peers[0].image_size
    if crops == ORIGINALS or width > image_size:
        cut = "the originals" if crops == ORIGINALS else "these"
        instead = "" if settings.store_size else f" (as before: --store_size={image_size})"
        lines.append(f"  views of {image_size} x {image_size} are cut out of {cut}{instead}")
    for peer, (_, _, objective) in zip(model.peers, peer_specs(settings.peers), strict=True):
        objective, _, own_settings = objective.partition(":")
        name, objective = shortened(peer.name, NAME_WIDTH), shortened(objective, OBJECTIVE_WIDTH)
        operations = _gflop(peer)
        counted = "operations not known" if operations is None else f"{operations:.2f} GFLOP an image"
        cost = f"{peer.encoder.count_params() / 1e6:.2f} M parameters, {counted}"
        lines.append(f"  {name:<{NAME_WIDTH}} {objective:<{OBJECTIVE_WIDTH}} {cost}")
        if own_settings:
            lines.append(shortened(f"  {'':<{NAME_WIDTH}} {own_settings.replace(':', ', ')}", 80))
    lines += _shares(model)
    for teacher in (*model.teachers, *model.averages):
        known = f", {teacher.width_h:,} features of every image" if isinstance(teacher, CachedTeacher) else ""
        lines.append(f"  {shortened(teacher.name, NAME_WIDTH):<{NAME_WIDTH}} teacher{known}")
    total = settings.epochs * steps_per_epoch
    epochs = "1 epoch" if settings.epochs == 1 else f"{settings.epochs} epochs"
    lines.append(f"{epochs} x {steps_per_epoch:,} steps = {total:,} steps of {settings.batch_size} images")
    optimizers = dict.fromkeys(
        f"{optimizer} at {rate:g}"
        for optimizer, rate in zip(settings.per_peer("optimizer"), settings.per_peer("learning_rate"), strict=True)
    )
    lines.append(shortened(f"{', '.join(optimizers)}, {settings.schedule}", 80))
    device = f"{described(model.distribute_strategy)}, {settings.precision}"
    lines.append(shortened(f"{device}: {reason}" if reason else device, 80))
    return "\n".join(lines)


def _gflop(peer) -> float | None:
    """Of training, an image; None where a layer is of a kind that is not counted, which a comparison refuses."""
    try:
        return training_operations(peer) / 1e9
    except InputError:
        return None


def _shares(model) -> list[str]:
    """Where a peer has several students: what each peer costs with its share of those that teach it."""
    peer_of_average = {average.name: average.peer for average in model.averages}
    edges = between_peers(model.edges, peer_of_average)
    students = [{student for teacher, student in edges if teacher == peer.name} - {peer.name} for peer in model.peers]
    if max(map(len, students)) < 2 or None in map(_gflop, model.peers):
        return []
    averaged = peer_of_average.values()
    own = {
        peer.name: _gflop(peer) + (averages_operations(peer) / 1e9 if peer.name in averaged else 0)
        for peer in model.peers
    }
    shares = [f"{shortened(name, NAME_WIDTH)} {cost:.2f}" for name, cost in with_share_of_teachers(own, edges).items()]
    return textwrap.wrap(
        f"GFLOP an image with its share of who teaches it: {', '.join(shares)}",
        80,
        initial_indent="  ",
        subsequent_indent="    ",
    )
