import asyncio

import numpy as np
from support.virtual_time import virtual_time

from visavis.engines.base import Phoneme, Speech
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import FRAME, PACKET, Clause, Picture, Spoken, ms
from visavis.server.playout.timeline import Timeline
from visavis.server.rtc.tracks import AudioTrack, VideoTrack


def voice(*, at, length):
    pcm = np.full(length, 1000, np.int16)
    speech = Speech(pcm, (Phoneme("a", 0, length),), (), "espeak")
    return Spoken(0, at, Clause("a", speech))


async def after_a_stall(timeline, stall):
    """The times of the packets that are read until the track is in time again."""
    track = AudioTrack(Clock(), timeline.reader(), lambda at, now: None, lambda length, what: None)
    first = await track.recv()
    await asyncio.sleep(stall / 48_000)
    times = [first.pts]
    while True:
        began = asyncio.get_running_loop().time()
        frame = await track.recv()
        if asyncio.get_running_loop().time() > began:
            return times, frame
        times.append(frame.pts)


@virtual_time
async def test_silence_that_is_late_is_left_out():
    times, then = await after_a_stall(Timeline(), ms(200))
    assert len(times) <= 5
    assert then.pts % PACKET == 0
    assert then.pts - times[0] >= ms(200)  # and the media time has gone on


@virtual_time
async def test_words_that_are_late_are_sent_all_the_same():
    timeline = Timeline()
    timeline.put(voice(at=0, length=ms(1000)))
    times, _ = await after_a_stall(timeline, ms(200))
    assert np.diff(times).tolist() == [PACKET] * (len(times) - 1)
    assert len(times) >= 10


class Missed:
    """What a track said that it did not send, in ticks."""

    def __init__(self):
        self.all = []

    def __call__(self, length, what):
        self.all.append((what, length))

    def total(self, what):
        return sum(length for kind, length in self.all if kind == what)


async def spoken_through(timeline, stall):
    """What is missed of sound by a stall."""
    missed = Missed()
    track = AudioTrack(Clock(), timeline.reader(), lambda at, now: None, missed)
    for _ in range(3):
        await track.recv()
    assert not missed.all
    await asyncio.sleep(stall / 48_000)
    for _ in range(10):
        await track.recv()
    return missed


@virtual_time
async def test_silence_that_is_left_out_is_counted_and_so_is_the_gap():
    missed = await spoken_through(Timeline(), ms(300))
    assert missed.total("silence") == ms(220)  # the rest is sent, up to 60 ms late
    assert missed.total("speech") == 0
    assert missed.all[-1][0] == "gap"
    assert ms(300) <= missed.total("gap") <= ms(320)


@virtual_time
async def test_words_that_a_long_stall_took_are_counted_apart():
    timeline = Timeline()
    timeline.put(voice(at=ms(1000), length=ms(500)))
    missed = await spoken_through(timeline, ms(3000))
    assert missed.total("speech") == ms(500)
    assert missed.total("speech") + missed.total("silence") == ms(3000)


@virtual_time
async def test_a_short_delay_is_no_gap():
    missed = await spoken_through(Timeline(), ms(60))
    assert not missed.all


GREY = np.full((192, 128), 128, np.uint8)


class Watched:
    """A video track over a timeline, and what it said."""

    def __init__(self):
        self.clock, self.timeline, self.missed = Clock(), Timeline(), Missed()
        self.in_time = []
        self.track = VideoTrack(
            self.clock,
            self.timeline.reader(),
            GREY,
            lambda at, now, in_time: self.in_time.append(in_time),
            self.missed,
        )

    async def show(self, count, drawn=True):
        for _ in range(count):
            if drawn:
                at = self.clock.now() // FRAME * FRAME + FRAME
                self.timeline.put(Picture(at, GREY))
            await self.track.recv()


@virtual_time
async def test_the_first_picture_is_not_late():
    watched = Watched()
    await watched.show(3, drawn=False)
    await watched.show(5)
    assert watched.in_time == [True] * 8
    assert watched.track.late == 0
    await watched.show(2, drawn=False)
    assert watched.track.late == 2


@virtual_time
async def test_a_first_picture_that_never_comes_is():
    watched = Watched()
    await watched.show(50, drawn=False)
    assert watched.track.late == 25


@virtual_time
async def test_pictures_that_a_stall_left_out_are_late():
    watched = Watched()
    await watched.show(5)
    await asyncio.sleep(3)
    await watched.show(5)
    assert watched.missed.all == [("picture", 75 * FRAME)]
    assert watched.track.late == 75
