"""Who holds a reply: the visitor, by how loud they usually are, and no bystander."""

import numpy as np
from support.stage import SILENCE, VOICE, Stage
from support.virtual_time import virtual_time

from visavis.engines.base import VAD_FRAME
from visavis.server.session import events
from visavis.server.session.nearness import Nearness


def frame(dbfs, seed=0):
    return (
        np.random.default_rng(seed).normal(0, 32768 * 10 ** (dbfs / 20), VAD_FRAME).astype(np.int16)
    )


def turn(nearness, dbfs, frames=50):
    """A turn of the visitor while the avatar is silent."""
    nearness.begin(over_reply=False)
    for index in range(frames):
        nearness.feed(frame(dbfs, index), voice=True, over_reply=False)
    nearness.learn()


def over(nearness, dbfs, frames=6):
    """Frames over a reply: how many count, and whether they begin a turn."""
    counted = sum(nearness.feed(frame(dbfs, i), voice=True, over_reply=True) for i in range(frames))
    return counted, nearness.near


def test_the_visitors_own_loudness_begins_a_turn_and_a_bystanders_does_not():
    for usual in (-18, -30, -42):
        nearness = Nearness()
        turn(nearness, usual)
        assert over(nearness, usual - 15, 20) == (20, False)
        assert over(nearness, usual - 3) == (6, True)


def test_nobody_is_heard_far_below_the_visitor():
    nearness = Nearness()
    turn(nearness, -24)
    assert over(nearness, -50) == (0, False)


def test_whoever_has_not_spoken_yet_is_expected_to_be_as_loud_as_browsers_make_them():
    assert over(Nearness(), -26) == (6, True)
    assert over(Nearness(), -39, 20)[1] is False


def test_a_softer_voice_is_heard_after_a_while():
    nearness = Nearness()
    turn(nearness, -24)
    assert not over(nearness, -32, 6)[1]
    assert over(nearness, -32, 6)[1]


def test_a_turn_that_was_held_for_is_judged_by_its_first_half_second():
    nearness = Nearness()
    turn(nearness, -24)
    for level, far in ((-25, False), (-31, False), (-39, True)):
        nearness.begin(over_reply=True)
        found = []
        for index in range(40):
            nearness.feed(frame(level, index), voice=True, over_reply=False)
            found.append(nearness.far())
        assert any(found) == far
    assert not over(nearness, -29)[1]  # wary now: the bystander may come nearer
    assert over(nearness, -24)[1]


def test_what_is_said_over_a_reply_or_too_short_teaches_nothing():
    nearness = Nearness()
    turn(nearness, -24)
    turn(nearness, -10, frames=5)
    nearness.begin(over_reply=True)
    for index in range(50):
        nearness.feed(frame(-50, index), voice=True, over_reply=False)
    nearness.learn()
    assert not over(nearness, -39, 20)[1]


SOFT = (VOICE // 12).astype(np.int16)  # 21 dB down


@virtual_time
async def test_a_bystander_does_not_interrupt():
    async with Stage(answer=lambda text: " ".join(["word"] * 40)) as stage:
        await stage.speak([(SILENCE, 200), (VOICE, 1000), (SILENCE, 1500)])
        assert stage.of(events.ReplyStarted)
        await stage.speak([(SOFT, 2000), (SILENCE, 500)])
        assert not stage.of(events.ReplyHeld)
        await stage.speak([(VOICE, 400)])
        assert stage.of(events.ReplyHeld)
