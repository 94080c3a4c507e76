import asyncio

import numpy as np
from support.virtual_time import virtual_time

from visavis.engines.base import Phoneme, Speech
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import PACKET, Clause, Spoken, ms
from visavis.server.playout.timeline import Timeline
from visavis.server.rtc.tracks import AudioTrack


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
