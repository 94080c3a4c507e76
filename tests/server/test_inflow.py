"""Sound of a web socket into a voice: in order, cut off in time, and not without bounds."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
from support.pushing import Pushing, noise
from support.virtual_time import virtual_time

from visavis.server.playout.messages import ms
from visavis.server.session.events import SegmentEnded, SegmentStarted
from visavis.server.wires.inflow import Inflow

PAUSE = ms(300)
RATE = 48_000  # so that what comes out can be compared


@asynccontextmanager
async def flowing(rate=RATE):
    async with Pushing() as stage:
        inflow = Inflow(stage.voice, stage.clock, rate, PAUSE)
        running = asyncio.create_task(inflow.run())
        yield stage, inflow
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@virtual_time
async def test_bytes_however_cut_are_spoken_as_they_are():
    async with flowing() as (stage, inflow):
        sound = noise(3000)
        left = sound.tobytes()
        for size in (1, 3, 4095, 6000, 77, len(left)):  # odd ones among them
            await inflow.put(left[:size])
            left = left[size:]
        await inflow.silence()
        np.testing.assert_array_equal(stage.sounding(), sound)


@virtual_time
async def test_a_pause_ends_what_was_said_once_it_has_been_heard():
    async with flowing() as (stage, inflow):
        await inflow.put(noise(2000).tobytes(), "a")
        await inflow.silence()
        [ended] = stage.ended
        assert (ended.segment, ended.position, ended.interrupted) == (1, 2.0, False)
        assert stage.at(SegmentEnded)[0] - stage.started[0].at - ms(2000) < ms(120)
        assert inflow.names == {1: "a"}


@virtual_time
async def test_sound_in_time_is_one_thing_said():
    async with flowing(16_000) as (stage, inflow):
        for _ in range(20):
            await inflow.put(bytes(range(1, 251)) * 24)  # 6000 bytes, 187.5 ms
            await stage.pass_time(187.5)
        await inflow.silence()
        assert len(stage.of(SegmentStarted)) == 1
        assert abs(stage.ended[0].position - 20 * 0.1875) < 0.001


@virtual_time
async def test_a_word_behind_a_flood_is_heard():
    async with flowing() as (stage, inflow):
        for _ in range(100):  # of a second each: more than the voice takes
            await inflow.put(noise(1000).tobytes())
        await stage.pass_time(500)
        at = stage.clock.now()
        inflow.clear()
        await stage.pass_time(2000)
        assert not inflow.sounds
        last = np.flatnonzero(stage.timeline.audio(0, stage.timeline.end)).max()
        assert last - at <= ms(60)
        sound = noise(500)
        await inflow.put(sound.tobytes())  # all of it, though nothing was waited for
        await inflow.silence()
        assert stage.ended[-1].position == 0.5


@virtual_time
async def test_a_flood_waits():
    async with flowing() as (stage, inflow):
        second = noise(1000).tobytes()
        taken = 0

        async def flood():
            nonlocal taken
            while True:
                await inflow.put(second)
                taken += 1

        flooding = asyncio.create_task(flood())
        await stage.pass_time(5000)
        assert 180 <= taken <= 190  # 60 s in the voice, 120 s here, 5 s that were heard
        inflow.clear()
        await stage.pass_time(10)
        assert taken > 190
        flooding.cancel()


@virtual_time
async def test_an_end_is_one_also_without_a_pause():
    async with flowing() as (stage, inflow):
        for name in "abc":
            await inflow.put(noise(400).tobytes(), name)
            inflow.end()
        inflow.end()  # of nothing
        await inflow.silence()
        assert [each.segment for each in stage.ended] == [1, 2, 3]
        assert inflow.names == {1: "a", 2: "b", 3: "c"}


@virtual_time
async def test_what_is_to_be_heard_now_is_heard_sooner():
    delays = []
    for now in (False, True):
        async with flowing() as (stage, inflow):
            at = stage.clock.now()
            await inflow.put(noise(187.5).tobytes(), now=now)
            await stage.pass_time(500)
            delays.append(stage.started[0].at - at)
    assert delays[0] - delays[1] >= ms(60)
    assert delays[1] <= ms(60)


@virtual_time
async def test_what_follows_a_word_is_called_by_its_own_name_and_what_was_lost_is_told():
    async with flowing() as (stage, inflow):
        lost = []
        inflow.lost = lost.append
        for name, length in {"a": 60_000, "b": 70_000, "c": 40_000}.items():
            await inflow.put(noise(length).tobytes(), name)  # b waits for the voice, c for b
            inflow.end()
        await stage.pass_time(10)
        inflow.clear()
        assert (lost, [each.segment for each in stage.ended]) == (["b", "c"], [1])
        await inflow.put(noise(300).tobytes(), "d")
        inflow.end()
        await inflow.silence()
        assert inflow.names[stage.ended[-1].segment] == "d"


@virtual_time
async def test_what_somebody_else_silenced_is_over_and_the_next_thing_is_said():
    async with flowing() as (stage, inflow):
        await inflow.put(noise(90_000).tobytes(), "a")  # more than the voice takes at once
        inflow.end()
        await inflow.put(noise(400).tobytes(), "b")
        inflow.end()
        await stage.pass_time(1000)
        stage.voice.clear()
        await inflow.silence()
        ended = [(inflow.names[each.segment], each.interrupted) for each in stage.ended]
        assert ended == [("a", True), ("b", False)]


@virtual_time
async def test_a_flood_of_next_to_nothing_is_bounded():
    async with flowing() as (stage, inflow):
        await inflow.put(noise(70_000).tobytes())  # the voice is full
        await stage.pass_time(10)
        taken = 0

        async def flood():
            nonlocal taken
            while True:
                await inflow.put(b"")
                await inflow.put(b"\1")
                inflow.end()
                taken += 1
                if not taken % 100:
                    await asyncio.sleep(0)

        flooding = asyncio.create_task(flood())
        await stage.pass_time(5000)
        flooding.cancel()
        assert taken < 20_000


@virtual_time
async def test_segments_of_next_to_nothing_are_bounded():
    async with flowing() as (stage, inflow):
        for _ in range(1500):
            await inflow.put(b"\1\0")
            inflow.end()
        most = 0
        while inflow.sounds:
            most = max(most, len(stage.voice._open))
            await asyncio.sleep(0.01)
        assert most < 1100
        assert len(stage.ended) == 1500
