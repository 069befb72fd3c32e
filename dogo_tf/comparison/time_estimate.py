"""How long a whole comparison will take, known after the first steps of its first training."""

import contextlib
import time
from collections.abc import Iterator

from dogo_tf.comparison.arms import Arm
from dogo_tf.comparison.costs import steps_gflop, whole_gflop
from dogo_tf.reporting.progress import clock, say


class TimeEstimate:
    """Says once, after the first steps of whatever is trained first, how long all trainings and studies will take.

    Args:
        asked: the arms that are asked for. every_arm: where a teacher's training is found. images: to train on, with sides of
            `image_size`. seeds: how many.
    """

    def __init__(self, asked: list[Arm], every_arm: list[Arm], images: int, image_size: int, seeds: int):
        self.asked, self.every_arm = asked, every_arm
        self.images, self.image_size, self.seeds = images, image_size, seeds
        self.told = False
        self.seconds_a_study: float | None = None

    @contextlib.contextmanager
    def of_a_study(self) -> Iterator[None]:
        """Times what is done within: the studies of one encoder for one seed."""
        started = time.perf_counter()
        yield
        self.seconds_a_study = time.perf_counter() - started

    def after_first_steps_of(self, arm: Arm):
        """For pretrain's `on_speed`."""
        training, steps_per_epoch = arm.training, self.images // arm.training.batch_size
        teacher = next((other.training for other in self.every_arm if other.name == arm.taught_by), None)

        def tell(seconds_a_step: float, steps: range) -> None:
            if not self.told:
                self.told = True
                every_image = steps_per_epoch * training.batch_size
                total = total_gflop(self.asked, self.every_arm, every_image, self.image_size)
                # Of the steps that were timed: in others another number of peers may take part.
                an_image = steps_gflop(training, self.image_size, steps, training.epochs * steps_per_epoch, teacher)
                speed = training.batch_size * an_image / seconds_a_step
                studies = self.seconds_a_study and self.seconds_a_study * len(self.asked)
                say(estimate(total / speed, studies, self.seeds, training.epochs))

        return tell


def total_gflop(arms: list[Arm], every_arm: list[Arm], images_per_epoch: int, image_size: int) -> float:
    """Operations of all trainings for one seed, in 1e9; arms that share a training count once.

    Args:
        arms: those that are asked for. every_arm: where a teacher's training is found by name.
    """
    named, trainings = {arm.name: arm for arm in every_arm}, {}
    for arm in arms:
        while arm is not None and arm.trained:
            trainings[arm.run] = arm.training, named[arm.taught_by].training if arm.taught_by else None
            arm = named[arm.needs] if arm.needs else None
    return sum(
        images_per_epoch * whole_gflop(training, image_size, teacher) for training, teacher in trainings.values()
    )


def estimate(training: float, studies: float | None, seeds: int, epochs: int) -> str:
    """The time of all trainings and studies, and what a smaller setting would take.

    Args:
        training, studies: seconds for one seed. studies: None if none was timed yet.
    """
    come = "come on top" if studies is None else f"about {clock(studies * seeds)} on top"
    lines = [f"all trainings of this comparison: about {clock(training * seeds)}; the studies {come}"]
    studies = studies or 0.0
    if epochs > 1:
        fewer = max(1, epochs // 2)
        shorter = (training * fewer / epochs + studies) * seeds
        lines.append(f"  with --epochs={fewer} instead of {epochs}: about {clock(shorter)}")
    if seeds > 1:
        lines.append(f"  with --seeds=1 instead of {seeds}: about {clock(training + studies)}, but without a verdict")
    return "\n".join(lines)
