"""How long a run will take, said after its first steps."""

import time

from dogo_tf.reporting.progress import clock, say
from dogo_tf.training.callbacks import StepCallback

# Steps after the first one, which is compiled, that are timed.
TIMED_STEPS = 5


class FirstSteps(StepCallback):
    """Says that the first step is being compiled, and after a few more how long the run will take.

    Args:
        total_steps: of the run.
        on_speed: function of the seconds that a step takes and the steps that were timed, a range from 0 on; called once.
    """

    def __init__(self, total_steps: int, on_speed=None):
        super().__init__()
        self.total_steps = total_steps
        self.on_speed = on_speed
        self.begun = self.first = None
        self.compiled = 0
        self.told = False

    def on_train_begin(self, logs=None):
        if self.begun is None:
            self.begun = time.monotonic()
            say("compiling the first step, which takes half a minute, or more for large peers")

    def on_step(self, step, previous, logs):
        if self.told:
            return
        compiled = self._compiled()
        if self.first and compiled == self.compiled and step < self.first[0] + TIMED_STEPS:
            return
        float(logs["loss"])  # waits until the device has made the step
        now = time.monotonic()
        if self.first is None or compiled != self.compiled:
            self.first, self.compiled = (step, now), compiled
            return
        self.told = True
        since, started = self.first
        seconds = (now - started) / (step - since)
        about = "at most" if self._gets_cheaper(step) else "about"
        left = f"{about} {clock(seconds * (self.total_steps - step))} for {self.total_steps - step:,} more steps"
        say(f"compiled in {clock(started - self.begun)}; expected time: {left}")
        if self.on_speed:
            self.on_speed(seconds, range(since, step))

    def _compiled(self) -> int:
        """How often a step has been compiled: again where it is the first one in which a peer rests."""
        rota = self._rota()
        return rota.compiled if rota else 0

    def _gets_cheaper(self, step: int) -> bool:
        """Whether a peer that still trains stops before the end."""
        rota = self._rota()
        return bool(rota) and any(
            until is not None and step < until < self.total_steps for until in rota.until.values()
        )

    def _rota(self):
        return getattr(self.model, "rota", None)  # FineTune has none: all of its learners train in every step
