"""What is encoded once for many: who gets which encode, and who costs whom a keyframe."""

import asyncio
import time
from types import SimpleNamespace

import pytest
from support.performing import performing

from visavis.server.rtc import broadcast as broadcasts
from visavis.server.rtc.broadcast import Broadcast
from visavis.server.rtc.congestion import Congestion

TICK = 0.04


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    for name, seconds in {"_DOWN_AFTER": 0.1, "_UP_AFTER": 0.2, "_ASKS": 0.1}.items():
        monkeypatch.setattr(broadcasts, name, seconds)
    enough = SimpleNamespace(needs=lambda pixels: 100_000.0)  # as of 450 x 450 pixels
    monkeypatch.setattr(broadcasts, "STEPS", (enough,))


class Watching:
    """One viewer: what its track brings."""

    def __init__(self, shared, rate=1_000_000, codec="h264"):
        self.sound, self.track = shared.tracks()
        self.congestion = Congestion()
        self.carries(rate)
        self.frames = []
        self.track.join(codec, self.congestion)
        self.sound.join("opus", self.congestion)
        self.reading = asyncio.create_task(self.read())

    def carries(self, rate):
        self.congestion.estimate._value = rate

    async def read(self):
        while True:
            self.frames.append(await self.track.recv())

    def leave(self):
        self.reading.cancel()
        self.track.stop()
        self.sound.stop()

    @property
    def keys(self):
        return sum(frame.key for frame in self.frames)


async def until(condition, within=8.0):
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


async def test_all_get_the_very_same_frames():
    async with performing() as session:
        shared = Broadcast(session)
        seen = [Watching(shared) for _ in range(3)]
        await until(lambda: all(len(each.frames) > 5 for each in seen))
        assert (shared.viewers, shared.encodes) == (3, 1)
        for each in seen:
            assert each.frames[0].key
        first = {id(frame) for frame in seen[0].frames}
        assert {id(frame) for frame in seen[1].frames[1:5]} <= first
        late = Watching(shared)
        await until(lambda: late.frames)
        assert late.frames[0].key
        for each in (*seen, late):
            each.leave()
        assert shared.viewers == 0
        shared.close()


async def test_who_has_a_thin_link_costs_the_others_nothing_and_comes_back():
    async with performing() as session:
        shared = Broadcast(session)
        good, thin = Watching(shared), Watching(shared)
        await until(lambda: good.frames and thin.frames)
        thin.carries(20_000)
        await until(lambda: shared.encodes == 2)
        before = good.keys
        await until(lambda: thin.frames[-1] not in good.frames)
        await asyncio.sleep(10 * TICK)
        assert good.keys == before
        bits = {kind: e._video.target_bitrate for kind, e in shared._encodes.items()}
        assert bits["h264", True] < 60_000 < 500_000 < bits["h264", False]
        thin.carries(1_000_000)
        await until(lambda: shared.encodes == 1)
        await until(lambda: thin.frames[-1] is good.frames[-1])
        good.leave()
        thin.leave()
        shared.close()


async def test_each_codec_has_an_encode_of_its_own():
    async with performing() as session:
        shared = Broadcast(session)
        seen = [Watching(shared, codec=codec) for codec in ("h264", "vp8", "vp8")]
        await until(lambda: all(len(each.frames) > 3 for each in seen))
        assert shared.encodes == 2
        seen[0].leave()
        await until(lambda: shared.encodes == 1)
        for each in seen[1:]:
            each.leave()
        shared.close()


async def test_who_keeps_asking_for_keyframes_is_put_aside():
    async with performing() as session:
        shared = Broadcast(session)
        good, lossy = Watching(shared), Watching(shared)
        await until(lambda: good.frames and lossy.frames)
        before, began = good.keys, time.monotonic()
        while shared.encodes == 1 and time.monotonic() - began < 10:
            lossy.track.ask_keyframe()
            await asyncio.sleep(0.02)
        assert shared.encodes == 2
        await asyncio.sleep(4 * TICK)  # the last one that was asked for of the common encode
        assert good.keys - before <= broadcasts._LOSSY[0]
        after = good.keys
        for _ in range(30):
            lossy.track.ask_keyframe()
            await asyncio.sleep(0.02)
        assert good.keys == after
        good.leave()
        lossy.leave()
        shared.close()


async def test_who_has_gone_silent_is_sent_nothing_and_begins_with_a_keyframe():
    async with performing() as session:
        shared = Broadcast(session)
        good, gone = Watching(shared), Watching(shared)
        await until(lambda: good.frames and gone.frames)
        gone.congestion.estimate._heard_at = time.monotonic() - 4
        await asyncio.sleep(2 * TICK)
        count = len(gone.frames)
        await asyncio.sleep(6 * TICK)
        assert len(gone.frames) == count
        gone.congestion.estimate._heard_at = time.monotonic()
        await until(lambda: len(gone.frames) > count)
        assert gone.frames[count].key
        good.leave()
        gone.leave()
        shared.close()


async def test_a_connection_that_takes_nothing_goes_on_with_a_keyframe():
    async with performing() as session:
        shared = Broadcast(session)
        slow = Watching(shared)
        await until(lambda: slow.frames)
        slow.reading.cancel()
        await until(lambda: slow.track.waits)
        slow.frames.clear()
        slow.reading = asyncio.create_task(slow.read())
        await until(lambda: slow.frames)
        assert slow.frames[0].key
        slow.leave()
        shared.close()
