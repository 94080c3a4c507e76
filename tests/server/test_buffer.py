"""What comes over a network, kept until it is due."""

import numpy as np

from visavis.doors.buffer import Buffer
from visavis.server.playout.messages import FRAME, PACKET, ms

IMAGE = np.zeros((192, 128), np.uint8)
LOUD = np.full(PACKET, 5000, np.int16)


class Clock:
    at = 0

    def now(self):
        return self.at


def filled(picture_late=10, sound_late=90, seconds=3):
    """(buffer, clock): pictures and sound of the server's first seconds, each so many ms late."""
    clock = Clock()
    buffer = Buffer(clock)
    for at in range(0, 1000 * seconds, 20):
        if at % 40 == 0:
            clock.at = ms(at + picture_late)
            buffer.see(IMAGE, at)
        clock.at = ms(at + sound_late)
        buffer.hear(LOUD, at)
    return buffer, clock


def test_the_delay_is_the_later_of_the_two_and_a_little_more():
    buffer, _clock = filled()
    buffer.settle()
    assert buffer.delay == ms(90 + 40 - 10)  # from the earlier one's arrival
    buffer.see(IMAGE, 3000)
    buffer.hear(LOUD, 3000)
    due = ms(3000 + 130)
    assert buffer.picture(due - FRAME) is None
    assert buffer.picture(due).at == due
    assert (buffer.audio(due) == LOUD).all()
    assert not buffer.audio(due + PACKET).any()


def test_it_is_chosen_anew_once_a_second_and_only_for_a_reason():
    buffer, clock = filled(seconds=1)
    buffer.settle()
    before = buffer.delay
    clock.at += ms(2000)
    for _ in range(100):
        buffer.hear(LOUD, (clock.at - ms(95)) / 48)
    buffer.settle()  # 5 ms later than it was: let be
    assert abs(buffer.delay - before) <= ms(5)
    for _ in range(100):
        buffer.hear(LOUD, (clock.at - ms(300)) / 48)
    buffer.settle()
    assert abs(buffer.delay - before) <= ms(5)  # less than a second ago
    clock.at += ms(1000)
    buffer.settle()
    assert buffer.delay > before + ms(150)


def test_what_was_cut_is_not_heard_until_the_server_says_when_it_was_silent():
    buffer, clock = filled()
    buffer.settle()
    clock.at = ms(4000)
    buffer.cut()
    buffer.cut()
    buffer.hear(np.full(ms(3000), 5000, np.int16), 3900)
    due = ms(5000 + 130)
    assert not buffer.audio(due - 2 * PACKET).any()
    buffer.silent(4500)
    assert not buffer.audio(due - PACKET).any()  # the other one was not answered
    buffer.silent(5000)
    assert not buffer.audio(due - PACKET).any()
    assert buffer.audio(due).any()


def test_what_a_codec_makes_of_silence_is_silence():
    buffer, _clock = filled(seconds=1)
    buffer.settle()
    buffer.hear(np.full(PACKET, 3, np.int16), 5000)
    assert not buffer.audio(ms(5000 + 130)).any()
    buffer.hear(np.zeros(0, np.int16), 5020)
