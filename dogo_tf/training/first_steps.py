"""How long a run will take, said after its first steps."""

import time

from dogo_tf.reporting.progress import clock, say
from dogo_tf.training.callbacks import StepCallback

# Steps after the first one, which is compiled, that are timed.
TIMED_STEPS = 5


class FirstSteps(StepCallback):
    """Says that the first step is being compiled, and after a few more how long the run will take.

    Args:
        total_steps: of the run. on_speed: function of the seconds that a step takes, called once.
    """

    def __init__(self, total_steps: int, on_speed=None):
        super().__init__()
        self.total_steps = total_steps
        self.on_speed = on_speed
        self.begun = self.first = None
        self.told = False

    def on_train_begin(self, logs=None):
        if self.begun is None:
            self.begun = time.monotonic()
            say("compiling the first step, which takes half a minute, or more for large peers")

    def on_step(self, step, previous, logs):
        if self.told or (self.first and step < self.first[0] + TIMED_STEPS):
            return
        float(logs["loss"])  # waits until the device has made the step
        now = time.monotonic()
        if self.first is None:
            self.first = step, now
            return
        self.told = True
        since, started = self.first
        seconds = (now - started) / (step - since)
        left = clock(seconds * (self.total_steps - step))
        say(
            f"compiled in {clock(started - self.begun)}; expected time: about {left} for {self.total_steps - step:,} more steps"
        )
        if self.on_speed:
            self.on_speed(seconds)
