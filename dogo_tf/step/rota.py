"""Peers that rest in some steps: they are not computed then, and teach nobody, so that they cost nothing."""

from dogo_tf.errors import InputError
from dogo_tf.step.average_teacher import between_peers


def takes_part(step: int, every: int, until: int | None) -> bool:
    """Whether a peer that trains in every so many steps, and until this one, trains in step 0, 1, ..."""
    return step % every == 0 and (until is None or step < until)


class Rota:
    """Which peers take part in a training step n = 0, 1, ...: those whose `every` divides n and whose `until` is above n.

    Who rests is fixed when a step is traced, so each set of peers gets a compiled step of its own.

    Attributes:
        resting: names of the networks that rest in the step that is being made: peers, averages of theirs, and teachers that
            then have no student.
    """

    def __init__(self, model, every, until):
        """
        Args:
            model: DoGo, whose edges are known.
            every: of each peer, whole numbers of at least 1. until: of each peer, a number of steps, or None for all.
        Raises:
            InputError: numbers out of range, nobody who trains in every step, or a peer without an objective of its own whose
                teachers all rest at times.
        """
        names = [peer.name for peer in model.peers]
        if len(every) != len(names) or not all(isinstance(k, int) and k >= 1 for k in every):
            raise InputError(
                f"train_every: expected a whole number >= 1, or one for each of {len(names)} peers; got {every}"
            )
        if len(until) != len(names) or not all(n is None or n >= 1 for n in until):
            raise InputError(
                f"stop_after: expected None or steps >= 1, or one for each of {len(names)} peers; got {until}"
            )
        self.every, self.until = dict(zip(names, every, strict=True)), dict(zip(names, until, strict=True))
        self.sometimes = {name for name in names if self.every[name] > 1 or self.until[name] is not None}
        if self.sometimes == set(names):
            raise InputError(
                f"train_every: expected a peer that trains in every step to the end; got every {every}, until {until}"
            )
        self._teachers = [teacher.name for teacher in model.teachers]
        self._peer_of_average = {average.name: average.peer for average in model.averages}
        self._edges = between_peers(model.edges, self._peer_of_average)
        for name, weight in zip(names, model.ssl_weights, strict=True):
            teachers = {teacher for teacher, student in self._edges if student == name}
            if weight == 0 and teachers and teachers <= self.sometimes:
                raise InputError(f"ssl_weight: 0 leaves {name!r} nothing to learn in steps in which its teachers rest")
        self.resting: frozenset[str] = frozenset()
        self._functions = {}

    def at(self, step: int) -> frozenset[str]:
        """`resting` of this step."""
        peers = {name for name in self.sometimes if not takes_part(step, self.every[name], self.until[name])}
        averages = {average for average, peer in self._peer_of_average.items() if peer in peers}
        taught = {teacher for teacher, student in self._edges if student not in peers}
        return frozenset(peers | averages | {teacher for teacher in self._teachers if teacher not in taught})

    @property
    def compiled(self) -> int:
        """How many compiled steps there are so far."""
        return len(self._functions)

    def train_function(self, make, optimizers, anew: bool):
        """For keras.Model.make_train_function.

        Args:
            make: function that returns a compiled step, which is traced when it is first called.
            optimizers: of the peers; the one that has made the most steps counts. anew: whether earlier steps are outdated.
        """
        if anew:
            self._functions.clear()
        step = max(int(optimizer.iterations.numpy()) for optimizer in optimizers)

        def train_function(iterator):
            nonlocal step
            self.resting = self.at(step)
            step += 1
            try:
                if self.resting not in self._functions:
                    self._functions[self.resting] = make()
                return self._functions[self.resting](iterator)
            finally:
                self.resting = frozenset()

        return train_function


def without_idle(model, logs: dict) -> dict:
    """The logs of a model without metrics that no step has changed since they were reset: peers, or their teachers, rested."""
    rota = getattr(model, "rota", None)  # FineTune has none: all of its learners train in every step
    if rota is None or not rota.sometimes:
        return logs
    means = [mean for metrics in model.peer_metrics for mean in metrics.means.values()]
    idle = {mean.name for mean in means if not float(mean.count.numpy())}
    return {name: value for name, value in logs.items() if name not in idle}
