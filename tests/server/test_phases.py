"""When sessions' pictures are due: spread evenly, or together where they are drawn together."""

from itertools import pairwise

import pytest

from visavis.server.playout.clock import PERIOD, Clock, seconds
from visavis.server.playout.messages import FRAME, TICK_RATE
from visavis.server.services.phases import Phases


def gaps(phases):
    at = sorted(phase.at for phase in phases)
    return [b - a for a, b in pairwise([*at, at[0] + PERIOD])]


@pytest.mark.parametrize(
    ("count", "widest"), [(1, 1), (2, 1 / 2), (4, 1 / 4), (6, 1 / 4), (8, 1 / 8)]
)
def test_sessions_are_spread_over_the_time_of_a_picture(count, widest):
    phases = Phases()
    taken = [phases.take(1) for _ in range(count)]
    assert max(gaps(taken)) == pytest.approx(PERIOD * widest)


def test_a_new_session_gets_the_place_of_one_that_has_gone():
    phases = Phases()
    taken = [phases.take(1) for _ in range(4)]
    gone = taken.pop(1)
    phases.free(gone)
    phases.free(gone)
    assert phases.take(1).at == pytest.approx(gone.at)


def test_pictures_that_are_drawn_together_are_due_together():
    phases = Phases()
    at = [phases.take(64).at for _ in range(64)]
    assert at[:16] == [0.0] * 16
    assert [at.count(n * PERIOD / 4) for n in range(4)] == [16] * 4
    assert phases.take(64).at == 0.0  # all are full


def test_a_clock_in_its_phase_has_begun_already_and_counts_exactly():
    now = 1000.0123
    clock = Clock(lambda: now, phase=0.031)
    begun = clock.now()
    assert 0 <= begun < FRAME
    assert clock.seconds(0) % PERIOD == pytest.approx(0.031)
    now += 40
    assert clock.now() - begun == pytest.approx(40 * TICK_RATE, abs=1)


def test_both_clocks_of_reports_agree_in_any_phase():
    plain, phased = Clock(), Clock(phase=(seconds() + 0.02) % PERIOD)
    ahead = plain.seconds(0) - phased.seconds(0)
    assert 0 <= ahead < PERIOD
    assert (plain.ntp_origin - phased.ntp_origin) / 2**32 == pytest.approx(ahead, abs=2e-3)
