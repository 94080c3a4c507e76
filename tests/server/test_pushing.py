"""A session whose voice a program pushes: in time, faster, unevenly, and cut off."""

import asyncio

import numpy as np
import pytest
from support.pushing import Pushing, noise
from support.stage import SILENCE, VOICE, Stage
from support.virtual_time import virtual_time

from visavis.server.playout.messages import PACKET, ms, to_ms
from visavis.server.session.events import SegmentEnded
from visavis.server.system.errors import SoundError

SOON = ms(200)  # in which fake lips and the timeline have it


@virtual_time
async def test_sound_that_comes_at_once_is_spoken_as_it_is():
    async with Pushing() as stage:
        sound = noise(5000)
        began = stage.clock.now()
        await stage.voice.push(sound)
        assert stage.voice.end() == 1
        await stage.voice.silence()
        np.testing.assert_array_equal(stage.sounding(), sound)
        assert [(e.segment, e.at - began < ms(100)) for e in stage.started] == [(1, True)]
        assert stage.ended == [SegmentEnded(1, 5.0, interrupted=False)]
        told = stage.at(SegmentEnded)[0]
        assert 0 <= told - (stage.started[0].at + len(sound)) <= ms(20)


@virtual_time
async def test_segments_follow_one_another_without_a_gap():
    async with Pushing() as stage:
        sounds = [noise(310), noise(777), noise(1234)]
        for sound in sounds:
            await stage.voice.push(sound)
            stage.voice.end()
        await stage.voice.silence()
        np.testing.assert_array_equal(stage.sounding(), np.concatenate(sounds))
        assert [e.segment for e in stage.started] == [1, 2, 3]
        assert [e.segment for e in stage.ended] == [1, 2, 3]
        np.testing.assert_allclose([e.position for e in stage.ended], [0.31, 0.777, 1.234])


@virtual_time
async def test_what_does_not_come_in_time_is_silence_and_nothing_is_lost():
    async with Pushing() as stage:
        first, second = noise(500), noise(500)
        await stage.voice.push(first)
        await stage.pass_time(3000)
        await stage.voice.push(second)
        stage.voice.end()
        await stage.voice.silence()
        spoken = stage.sounding()
        np.testing.assert_array_equal(spoken[: len(first)], first)
        np.testing.assert_array_equal(spoken[-len(second) :], second)
        assert not spoken[len(first) : -len(second)].any()
        assert stage.ended == [SegmentEnded(1, 1.0, interrupted=False)]


@virtual_time
async def test_cleared_it_is_silent_at_once_and_tells_how_far_it_was_heard():
    async with Pushing() as stage:
        for _ in range(2):
            await stage.voice.push(noise(4000))
            stage.voice.end()
        await stage.voice.push(noise(4000))
        await stage.pass_time(1500)
        at = stage.clock.now()
        heard = stage.voice.clear()
        spoken = stage.clock.now() + PACKET - stage.started[0].at
        assert heard == pytest.approx(spoken / 48_000, abs=0.001)
        assert stage.ended == [
            SegmentEnded(1, heard, interrupted=True),
            SegmentEnded(2, 0.0, interrupted=True),
            SegmentEnded(3, 0.0, interrupted=True),
        ]
        assert not stage.timeline.audio(at + ms(51), ms(4000)).any()
        assert not stage.voice.sounds
        await stage.pass_time(5000)
        assert ("cut", at + PACKET) in stage.motion.told
        assert len(stage.ended) == 3
        assert len(stage.started) == 1


@virtual_time
async def test_after_a_clear_the_next_segment_is_whole():
    async with Pushing() as stage:
        await stage.voice.push(noise(730))
        await stage.pass_time(300)
        stage.voice.clear()
        sound = noise(900)
        await stage.voice.push(sound)
        stage.voice.end()
        await stage.voice.silence()
        np.testing.assert_array_equal(stage.sounding()[-len(sound) :], sound)
        assert stage.ended[1:] == [SegmentEnded(2, 0.9, interrupted=False)]


@virtual_time
async def test_an_empty_segment_is_over_once_and_never_began():
    async with Pushing() as stage:
        stage.voice.end()
        await stage.voice.push(noise(200))
        stage.voice.end()
        stage.voice.end()
        await stage.voice.silence()
        assert [e.segment for e in stage.started] == [2]
        assert [(e.segment, e.position) for e in stage.ended] == [(1, 0.0), (2, 0.2), (3, 0.0)]


@virtual_time
async def test_a_segment_of_silence_that_was_left_out_is_over_and_so_is_the_next():
    async with Pushing() as stage:
        await stage.voice.push(noise(300))
        await stage.pass_time(395)  # the rest is a little late
        await stage.voice.push(noise(300))
        stage.voice.end()
        await stage.voice.push(np.zeros(ms(10), np.int16))  # makes up for some of that
        stage.voice.end()
        await stage.voice.push(noise(300))
        stage.voice.end()
        await stage.pass_time(3000)
        assert [each.segment for each in stage.ended] == [1, 2, 3]
        assert [each.segment for each in stage.started] == [1, 3]


@virtual_time
async def test_a_flood_waits_for_room_and_a_clear_drops_what_waits():
    async with Pushing() as stage:
        stage.voice.room = ms(2000)
        pushing = asyncio.create_task(stage.voice.push(noise(20_000)))
        await stage.pass_time(1000)
        assert not pushing.done()
        assert stage.timeline.end - stage.clock.now() < ms(1300)
        number = stage.voice.segment
        stage.voice.clear()
        await pushing
        await stage.voice.push(noise(500), number)  # more of what was cleared
        assert stage.voice.end(number) == number
        await stage.pass_time(500)
        assert not stage.voice.sounds
        assert [e.segment for e in stage.ended] == [number]


@virtual_time
async def test_sound_in_real_time_comes_out_whole():
    async with Pushing() as stage:
        sound = noise(3000)
        for at in range(0, len(sound), PACKET):
            await stage.voice.push(sound[at : at + PACKET])
            await stage.pass_time(20)
        stage.voice.end()
        await stage.voice.silence()
        np.testing.assert_array_equal(stage.sounding(), sound)


@virtual_time
async def test_it_is_over_when_the_outlet_has_played_it():
    async with Pushing() as stage:
        stage.voice.sound_sent(stage.clock.now(), stage.clock.now())
        await stage.voice.push(noise(300))
        stage.voice.end()
        stalled = stage.clock.now()
        for _ in range(30):  # an outlet that is stuck at one packet
            stage.voice.sound_sent(stalled, stage.clock.now())
            await stage.pass_time(20)
        assert not stage.started
        stage.voice.sound_sent(stalled + ms(600), stage.clock.now())
        await stage.pass_time(10)
        assert stage.ended == [SegmentEnded(1, 0.3, interrupted=False)]


@virtual_time
async def test_the_end_of_the_session_ends_what_sounds():
    async with Pushing() as stage:
        await stage.voice.push(noise(3000))
        await stage.pass_time(500)
    assert [(e.segment, e.interrupted) for e in stage.ended] == [(1, True)]


@virtual_time
async def test_lips_that_fail_leave_the_voice():
    async with Pushing() as stage:
        sound = noise(3000)
        await stage.voice.push(sound[: ms(1000)])
        await stage.pass_time(200)
        stage.lips.broken = True
        await stage.voice.push(sound[ms(1000) :])
        stage.voice.end()
        await stage.voice.silence()
        np.testing.assert_array_equal(stage.sounding(), sound)


@virtual_time
async def test_what_is_no_sound_is_refused():
    async with Pushing() as stage:
        with pytest.raises(SoundError, match="int16 at 48 kHz"):
            await stage.voice.push(np.zeros(10, np.float32))
    async with Stage() as other:
        with pytest.raises(SoundError, match="source is not voice"):
            await other.session.voice.push(SILENCE)
        assert other.session.voice.clear() == 0.0


@virtual_time
async def test_the_face_speaks_and_then_idles():
    async with Pushing() as stage:
        await stage.voice.push(np.concatenate([VOICE] * 50))
        stage.voice.end()
        await stage.voice.silence()
        await stage.pass_time(100)
        attention = [name for name, _ in stage.motion.told if name in {"speaking", "idle"}]
        runs = [a for a, b in zip(attention, [None, *attention], strict=False) if a != b]
        assert runs == ["speaking", "idle"]
        assert to_ms(stage.session.quiet) < 500
