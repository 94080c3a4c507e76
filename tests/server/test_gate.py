"""The microphone's gate: what is under way when the button is released is still heard."""

from visavis.server.playout.messages import ms
from visavis.server.session.gate import Gate


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        return self.time


def test_a_gate_is_open_until_it_is_switched_off() -> None:
    gate = Gate(Hand())
    assert not gate.closed(ms(10_000))


def test_what_is_under_way_at_the_release_is_still_taken() -> None:
    hand = Hand()
    gate = Gate(hand)
    hand.time = ms(1000)
    gate.switch(on=False)
    assert not gate.closed(ms(1249))
    assert gate.closed(ms(1250))


def test_a_press_opens_it_again() -> None:
    gate = Gate(Hand())
    gate.switch(on=False)
    gate.switch(on=True)
    assert not gate.closed(ms(5000))


def test_a_second_release_opens_nothing() -> None:
    hand = Hand()
    gate = Gate(hand)
    gate.switch(on=False)
    hand.time = ms(1000)
    gate.switch(on=False)
    assert gate.closed(ms(1000))
