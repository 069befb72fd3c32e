"""When a peer counts as stuck, on made-up logs."""

import math

import numpy as np
import pytest

import dogo_tf
from dogo_tf import encoders
from dogo_tf.objectives import simclr
from dogo_tf.platform.keras_compat import tf
from dogo_tf.step.monitor import effective_rank
from dogo_tf.training import stuck
from dogo_tf.training.stuck import StuckWatch, Yardstick

CONTRASTIVE = Yardstick(chance=4.0, perfect=2.0, directions=31)
PREDICTIVE = Yardstick(chance=None, perfect=0.0, directions=31)
HEALTHY, AT_CHANCE, BROKEN = (3.0, 6.0), (3.95, 9.0), (3.9, 1.5)  # loss, rank


def told(watch, *parts, every=10):
    """What is said of a run of (steps, (loss, rank)) parts: (step, whether it may stop, whether it stops)."""
    found = []
    for steps, numbers in parts:
        begin = watch.last_step
        for step in range(begin + every, begin + steps + 1, every):
            finding = watch.add(step, *numbers)
            if finding:
                found.append((step, finding.may_stop, finding.stops))
                if finding.stops:
                    return found
    return found


def watch(yardstick=CONTRASTIVE, warmup=0, total=500):
    return StuckWatch(yardstick, warmup, total)


def test_a_run_that_learns_is_left_alone():
    assert told(watch(), (500, HEALTHY)) == []


def test_both_signs_warn_and_then_stop():
    assert told(watch(), (500, BROKEN)) == [(50, True, False), (100, True, True)]


def test_what_it_says():
    watching = watch()
    (finding,) = filter(None, [watching.add(step, *BROKEN) for step in range(10, 60, 10)])
    assert finding.what == (
        "it learns nothing: over the last 50 steps ssl is 3.9, and would be 4 with outputs that are the same for every image, "
        "and the effective rank of z is 1.50, and could be 31"
    )


def test_one_sign_alone_warns_once_and_never_stops():
    assert told(watch(), (5000, AT_CHANCE)) == [(180, False, False)]
    assert told(watch(), (5000, (2.5, 1.2))) == [(50, False, False)]


def test_a_loss_alone_may_stay_at_chance_for_a_quarter_of_the_run():
    assert told(watch(total=2000), (500, AT_CHANCE), (1500, HEALTHY)) == []
    assert told(watch(total=2000), (300, HEALTHY), (1700, AT_CHANCE)) == [(600, False, False)]


def test_a_warning_of_one_sign_does_not_stand_for_both():
    first, second = told(watch(), (300, AT_CHANCE), (100, BROKEN))[:2]
    assert first == (180, False, False) and second[1:] == (True, False) and 300 < second[0] <= 350


def test_where_the_loss_cannot_tell_the_rank_stops_the_run():
    assert told(watch(PREDICTIVE), (500, (-0.99, 1.2))) == [(50, True, False), (100, True, True)]
    assert told(watch(PREDICTIVE), (500, (-0.99, 2.4))) == []  # the lowest of SimSiam that learnt


def test_nothing_counts_before_the_warmup_is_over():
    assert told(watch(warmup=200, total=500), (200, BROKEN), (300, HEALTHY)) == []
    assert told(watch(warmup=200, total=500), (500, BROKEN)) == [(250, True, False), (300, True, True)]


def test_patience_grows_with_the_run():
    assert told(watch(total=40_000), (40_000, BROKEN)) == [(2000, True, False), (4000, True, True)]


def test_a_run_that_recovers_is_warned_anew_when_it_breaks_again():
    parts = (60, BROKEN), (200, HEALTHY), (60, BROKEN)
    assert [may_stop for _, may_stop, _ in told(watch(), *parts)] == [True, True]


@pytest.mark.parametrize("every", [1, 20, 70, 400])
def test_it_warns_before_it_stops_however_seldom_the_run_logs(every):
    (warned, _, stops), (stopped, _, stops_then) = told(watch(total=900), (4 * max(every, 100), BROKEN), every=every)
    assert (stops, stops_then) == (False, True) and 50 <= warned < stopped and stopped >= 100


@pytest.mark.parametrize("killed_at", [30, 60, 90])
def test_lines_given_again_count_on(killed_at):
    whole = told(watch(), (500, BROKEN))
    resumed = watch()
    before = told(resumed, (killed_at, BROKEN))
    assert before + told(resumed, (500, BROKEN)) == whole


def test_a_single_wild_line_does_not_outweigh_the_others():
    assert told(watch(), (40, HEALTHY), (10, (1e9, 6.0)), (200, HEALTHY)) == []


class AddedAnew:
    """A Window that adds up all of its lines whenever it is asked."""

    def __init__(self, steps):
        self.least, self.lines = steps, []

    def add(self, line):
        self.lines.append(line)

    def sums(self):
        total = stuck.Sums()
        for line in reversed(self.lines):
            total += line
            if total.steps >= self.least:
                break
        return total

    def is_full(self):
        return self.sums().steps >= self.least


def random_log(rng, steps):
    """Phases of a loss and a rank, some of them near the limits, with wild lines in between; lines of different lengths."""
    step = 0
    while step < steps:
        loss, rank = rng.choice([3.5, 3.8, 4.0]), rng.choice([1.2, 2.5, 5.0])
        for _ in range(rng.integers(3, 30)):
            step += int(rng.choice([1, 7, 20, 90]))
            wild = rng.choice([0.0, 1e15, math.inf, math.nan], p=[0.985, 0.005, 0.005, 0.005])
            yield step, loss + rng.normal(0, 0.1) + wild, abs(rank + rng.normal(0, 0.3))


@pytest.mark.parametrize("yardstick", [CONTRASTIVE, PREDICTIVE])
def test_what_is_told_is_what_adding_up_every_window_anew_would_tell(yardstick, monkeypatch):
    told, kinds = {}, set()
    for window in (stuck.Window, AddedAnew):
        monkeypatch.setattr(stuck, "Window", window)
        for seed in range(10):
            watching = watch(yardstick, warmup=100, total=2000)
            found = [watching.add(*line) for line in random_log(np.random.default_rng(seed), 3000)]
            assert told.setdefault(seed, found) == found
            kinds |= {finding[1:] for finding in found if finding}
    assert kinds >= {(True, False), (True, True)} and (yardstick.chance is None) == ((False, False) not in kinds)


def test_a_long_log_is_added_up_once(monkeypatch):
    added, add = [], stuck.Sums.__add__
    monkeypatch.setattr(stuck.Sums, "__add__", lambda one, other: added.append(1) or add(one, other))
    watching = watch(total=5000)
    for step in range(1, 5001):  # a stop takes 500 lines
        watching.add(step, *HEALTHY)
    assert len(added) < 16 * 5000


@pytest.mark.parametrize(("temperature", "batch"), [(0.1, 64), (0.5, 256), (1.0, 4096), (5.0, 4096)])
def test_perfect_contrastive_losses_are_far_from_chance_at_any_temperature(temperature, batch):
    objective = simclr.Objective(temperature)
    chance, perfect = objective.chance_loss(batch), objective.perfect_loss(batch)
    yardstick = Yardstick(chance, perfect, 127)
    half_way = (chance + perfect) / 2
    assert told(StuckWatch(yardstick, 0, 500), (500, (half_way, 8.0))) == []
    assert told(StuckWatch(yardstick, 0, 500), (500, (chance, 1.5)))[-1] == (100, True, True)
    if (temperature, batch) == (1.0, 4096):
        assert (perfect, chance) == pytest.approx((8.0, 9.0), abs=0.02)


@pytest.mark.parametrize("directions", [1, 3, 31, 127])
def test_the_limit_is_the_rank_that_so_few_samples_show(directions):
    """Of 3 directions in a wide space, seen in directions + 1 samples."""
    rng = np.random.default_rng(0)
    mean, *axes = np.linalg.qr(rng.normal(size=(500, 4)))[0].T
    ranks = []
    for _ in range(200):
        z = 20 * mean + rng.normal(size=(directions + 1, 3)) @ axes
        ranks.append(float(effective_rank(tf.constant(z))))
    limit = Yardstick(None, 0.0, directions).rank_limit(3.0)
    assert limit == pytest.approx(np.mean(ranks), rel=0.25) and limit < directions + (directions == 1)


def test_one_direction_is_no_collapse_where_there_is_no_room_for_more():
    assert told(watch(Yardstick(None, 0.0, 1)), (500, (-0.9, 1.0))) == []


def test_the_yardstick_of_a_peer():
    peer = dogo_tf.Peer(encoders.build("wrn_10_1", 8), simclr.Objective(widths=(16, 12)))
    assert Yardstick.of(peer, 1.0, batch_size=8, replicas=2) == Yardstick(
        math.log(15), pytest.approx(math.log(1 + 14 * math.exp(-5))), 3
    )
    assert Yardstick.of(peer, 1.0, batch_size=64, replicas=1).directions == 12
    assert Yardstick.of(peer, 0.0, batch_size=64, replicas=1).chance is None
