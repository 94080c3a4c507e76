"""Pictures keep their times when drawing is slow: every second one is drawn and shown twice."""

from __future__ import annotations

from visavis.server.session.showing import Rate


def drawn(rate: Rate, seconds: float, count: int = 25) -> int:
    for _ in range(count):
        rate.drawn(seconds)
    return rate.step


def test_every_picture_is_drawn_while_there_is_time() -> None:
    assert drawn(Rate(), 0.012) == 1


def test_one_slow_picture_changes_nothing() -> None:
    rate = Rate()
    drawn(rate, 0.012)
    assert drawn(rate, 0.2, count=1) == 1


def test_slow_drawing_halves_the_rate_until_there_is_time_again() -> None:
    rate = Rate()
    assert drawn(rate, 0.036) == 2
    assert drawn(rate, 0.024) == 2, "not yet: at full rate it would be too slow again"
    assert drawn(rate, 0.012) == 1
