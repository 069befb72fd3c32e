"""Has a peer learnt nothing for a while? Told by two signs, as means over the newest lines of the log.

progress   How far the loss has come from its value for outputs that are the same for every image (0) to that of perfect ones
           (1): Objective.chance_loss and perfect_loss. Not the loss divided by chance: at a high temperature even a perfect
           loss is close to chance (SimCLR, T = 1, 4096 images: 8.0 of 9.0).
rank       The effective rank of z. Few images or a small width leave little room for one: n samples of embeddings that use
           r directions alike have an effective rank of about r n / (r + n), with n = min(images of a replica - 1, width).
           So limits are given for large n and shrink with it; with n = 1 none can be undercut.

A run is stopped where both say so: little progress, and few directions. One sign alone has another cause too often: data that
are hard at first, or embeddings that begin with few clusters. It is warned of, and the run goes on. Where the loss cannot tell
(SimSiam, BYOL: equal outputs are its minimum), embeddings along one direction stop the run by themselves.

Nothing counts that was logged before the learning rate's warm-up was over, and a loss at chance alone not before a quarter of
the run. Patience grows with the run: a warning takes a twentieth of its steps, at least 50, a stop twice as many, and an
earlier warning.

The numbers are those of trainings on `patterns` (32 images, all six objectives, several encoders). Those that learnt came near
both limits, but never below both: SimCLR on 16 px with strong views had a progress of 0.05 for 120 steps, at a rank above 3.4;
MoCo, while its queue filled, a rank of 2.4 at a progress above 0.15. SimSiam's lowest mean rank over 50 steps was 1.5. After a
quarter of 620 steps progress was more than 0.6 (SimCLR), 0.45 (MoCo), 0.2 (VICReg) and 0.15 (Barlow Twins); Barlow Twins at a
rate too high for its batch (Adam 2e-3) fell back to below 0.07. SimCLR at a learning rate of 100 had, on 8 px, ranks of 1.0
to 2.6 and a progress below 0.1 over 100 steps.
"""

from dataclasses import dataclass
from typing import NamedTuple

AT_CHANCE, LITTLE_PROGRESS = 0.09, 0.12
ONE_DIRECTION, FEW_DIRECTIONS = 1.35, 3.0  # for large n
LEAST_STEPS_TO_WARN, SHARE_TO_WARN = 50, 1 / 20
STOP_TO_WARN = 2  # how many times more steps a stop takes
SHARE_TO_LEAVE_CHANCE = 1 / 4


@dataclass(frozen=True)
class Yardstick:
    """What the numbers of one peer are held against.

    chance: loss of outputs that are the same for every image, or None. perfect: about the smallest loss.
    directions: how many the embeddings of a batch can use, >= 1.
    """

    chance: float | None
    perfect: float
    directions: int

    @classmethod
    def of(cls, peer, ssl_weight: float, batch_size: int, replicas: int) -> "Yardstick":
        """batch_size: over all replicas. A peer that does not train by its objective (ssl_weight 0) has no chance."""
        chance = peer.objective.chance_loss(batch_size) if ssl_weight > 0 else None
        directions = max(1, min(batch_size // replicas - 1, peer.width_z))
        return cls(chance, peer.objective.perfect_loss(batch_size), directions)

    def progress(self, loss: float) -> float:
        """0..1; it takes a chance."""
        return min(max((self.chance - loss) / (self.chance - self.perfect), 0.0), 1.0)

    def rank_limit(self, rank: float) -> float:
        """The effective rank that a batch shows of embeddings that use `rank` directions alike."""
        return rank * self.directions / (rank + self.directions)


class Sums(NamedTuple):
    """Of lines of the log: how many steps they are the means of; their loss, effective rank and progress, summed over these."""

    steps: int = 0
    loss: float = 0.0
    rank: float = 0.0
    progress: float = 0.0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(a + b for a, b in zip(self, other, strict=True)))


class Window:
    """The newest lines that make up so many steps, and their sums: a line comes and goes without the others being added again.

    A line that goes is not subtracted: a wild one would leave its rounding behind, and NaN would stay for ever. Instead each of
    the older lines holds the sums from itself to the newest of them; once these are used up, the newer lines become older ones.
    """

    def __init__(self, steps: int):
        self.least = steps
        self.older = []  # (steps of a line, sums of it and the older lines after it), the oldest last
        self.newer, self.newer_sums = [], Sums()

    def add(self, line: Sums) -> None:
        self.newer.append(line)
        self.newer_sums += line
        if not self.older:
            self._make_older()
        while self.sums().steps - self.older[-1][0] >= self.least:
            self.older.pop()
            if not self.older:
                self._make_older()

    def sums(self) -> Sums:
        return self.older[-1][1] + self.newer_sums if self.older else self.newer_sums

    def is_full(self) -> bool:
        return self.sums().steps >= self.least

    def _make_older(self) -> None:
        sums = Sums()
        for line in reversed(self.newer):
            sums += line
            self.older.append((line.steps, sums))
        self.newer, self.newer_sums = [], Sums()


class Finding(NamedTuple):
    """What is wrong, whether it may stop the run, and whether it does now."""

    what: str
    may_stop: bool
    stops: bool = False


class StuckWatch:
    """Watches one peer. It knows nothing but the lines given to it, so a run that goes on gives it those of before again.

    Args:
        warmup_steps: of the learning rate; what was logged during it is left out.
        total_steps: of the run.
    """

    def __init__(self, yardstick: Yardstick, warmup_steps: int, total_steps: int):
        self.yardstick = yardstick
        self.warmup_steps = warmup_steps
        self.due_to_leave_chance = SHARE_TO_LEAVE_CHANCE * total_steps
        self.steps_to_warn = max(LEAST_STEPS_TO_WARN, round(SHARE_TO_WARN * total_steps))
        self.to_warn, self.to_stop = Window(self.steps_to_warn), Window(STOP_TO_WARN * self.steps_to_warn)
        self.last_step = 0
        self.warned = set()  # of what may stop the run (True), of what may not (False)

    def add(self, step: int, loss: float, rank: float) -> Finding | None:
        """Takes the next line of the log; returns what has to be said or done about it."""
        begin, self.last_step = self.last_step, step
        if begin < self.warmup_steps:
            return None
        steps, progress = step - begin, 0.0 if self.yardstick.chance is None else self.yardstick.progress(loss)
        line = Sums(steps, steps * loss, steps * rank, steps * progress)
        for window in (self.to_warn, self.to_stop):
            window.add(line)
        found = self._judge(self.to_warn)
        if found is None:
            self.warned.clear()
        elif found.may_stop not in self.warned:
            self.warned.add(found.may_stop)
            return found
        elif found.may_stop:
            found = self._judge(self.to_stop)
            return found._replace(stops=True) if found is not None and found.may_stop else None
        return None

    def _judge(self, window: Window) -> Finding | None:
        """What is wrong over these lines; None before there are enough of them, or where nothing is."""
        if not window.is_full():
            return None
        yardstick, sums = self.yardstick, window.sums()
        steps, loss, rank, progress = sums.steps, *(total / sums.steps for total in sums[1:])
        at = f"ssl is {loss:.4g}, and would be {yardstick.chance or 0:.4g} with outputs that are the same for every image"
        few = f"the effective rank of z is {rank:.2f}, and could be {yardstick.directions}"
        over = f"over the last {steps} steps"
        one_direction = rank < yardstick.rank_limit(ONE_DIRECTION)
        if yardstick.chance is None:
            return Finding(f"all embeddings lie along one direction: {over} {few}", True) if one_direction else None
        if progress < LITTLE_PROGRESS and rank < yardstick.rank_limit(FEW_DIRECTIONS):
            return Finding(f"it learns nothing: {over} {at}, and {few}", True)
        if progress < AT_CHANCE and self.last_step - steps >= self.due_to_leave_chance:
            return Finding(f"the loss is at chance: {over} {at}", False)
        return Finding(f"all embeddings lie along one direction: {over} {few}", False) if one_direction else None
