"""A server that has too little time to draw: its sound stays whole, its viewers are told, and back.

In real time, with an aiortc peer; the generator takes ten times a picture's time.
"""

import asyncio
import time
from itertools import pairwise

import pytest
from aiortc.mediastreams import MediaStreamError
from support.pace import crowd, soon
from support.services import FakeServices
from support.serving import serving, watching
from support.witness import moving, witnessing

from visavis.server.playout.messages import PACKET


class Heard:
    """What of an avatar's sound came: the times in the stream, and those of arrival."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, float, int]] = []

    async def listen(self, track) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            loudest = int(abs(frame.to_ndarray()).max())
            self.frames.append((frame.pts, time.monotonic(), loudest))


async def state(client, viewer):
    return await (await client.get(viewer.location)).json()


def slow(services: FakeServices, seconds: float):
    """Its generator takes so long for each picture from now on; 0: no longer."""
    generator = services.generator
    draw = getattr(generator, "quick", generator.draw)
    generator.quick = draw

    def slowed(portrayals, deadline):
        time.sleep(seconds * len(portrayals))
        return draw(portrayals, deadline)

    generator.draw = slowed if seconds else draw


@pytest.mark.slow
async def test_a_generator_ten_times_too_slow_costs_pictures_and_no_sound():
    services, heard = moving(), Heard()
    counted = services.metrics.registry.get_sample_value
    async with serving(services) as client, watching(client) as viewer:
        listening = asyncio.create_task(heard.listen(viewer.tracks["audio"]))
        await asyncio.sleep(1)
        assert (await state(client, viewer))["pictures"] == "full"
        viewer.channel.send('{"type": "say", "text": "' + "word " * 20 + '"}')
        await viewer.wait_for("reply_started")
        began, first = time.monotonic(), len(heard.frames)
        slow(services, 0.4)
        await viewer.wait_for("pictures", fluency="half")  # these fakes draw no mouth by itself
        await viewer.wait_for("pictures", fluency="few")
        assert soon(time.monotonic() - began, 8)
        assert (await state(client, viewer))["pictures"] == "few"
        assert counted("visavis_sessions_drawn", {"step": "few"}) == 1
        await viewer.wait_for("reply_ended", reason="done", within=12)
        said = heard.frames[first:]
        assert {b[0] - a[0] for a, b in pairwise(said)} == {PACKET}, "no packet was left out"
        loud = [frame for frame in said if frame[2] > 1000]
        assert len(loud) > 5 * 50 - 15, "five seconds of words"
        assert sum(message["type"] == "caption" for message in viewer.messages) == 20
        slow(services, 0)
        viewer.messages.clear()
        await viewer.wait_for("pictures", within=15, fluency="full")
        assert (await state(client, viewer))["pictures"] == "full"
        assert counted("visavis_pictures_total", {"step": "few"}) > 2
        assert not counted("visavis_pictures_total", {"step": "still"}), "never a frozen face"
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_who_looks_away_is_sent_few_pictures_and_all_at_once_again():
    async with serving(moving()) as client, witnessing(client) as witness:
        viewer = witness.viewer
        assert (await viewer.wait_for("ready"))["takes"] == ["watch", "language"]
        viewer.channel.send('{"type": "watch", "on": false}')
        async with asyncio.timeout(10):
            while (await state(client, viewer))["pictures"] != "unseen":
                await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        witness.pictures.clear()
        await asyncio.sleep(2.2)
        assert 2 <= len(witness.pictures) <= 5
        assert (await state(client, viewer))["pictures"] == "unseen"
        assert witness.rate(witness.sounds) > 48
        witness.pictures.clear()
        before = (await state(client, viewer))["late_frames"]
        viewer.channel.send('{"type": "watch", "on": true}')
        asked = time.monotonic()
        while not witness.pictures:
            await asyncio.sleep(0.002)
        assert soon(time.monotonic() - asked, 0.25)  # 80 ms, and a jitter buffer's own time
        await asyncio.sleep(1)
        assert witness.rate(witness.pictures) > 20
        assert (await state(client, viewer))["late_frames"] - before <= 2 * crowd()
        assert viewer.pc.connectionState == "connected"


async def test_a_recording_is_an_eye():
    async with serving(moving()) as client, watching(client) as viewer:
        viewer.channel.send('{"type": "watch", "on": false}')
        await asyncio.sleep(0.3)
        assert (await state(client, viewer))["pictures"] == "unseen"
        await client.post(f"{viewer.location}/recording")
        await asyncio.sleep(0.3)
        assert (await state(client, viewer))["pictures"] != "unseen"  # how fluent is the machine's
        await client.delete(f"{viewer.location}/recording")
        await asyncio.sleep(0.3)
        assert (await state(client, viewer))["pictures"] == "unseen"


@pytest.mark.parametrize("message", ['{"type": "watch"}', '{"type": "watch", "on": 1}'])
async def test_a_watch_that_says_nothing_is_a_bad_message(message):
    async with serving(moving()) as client, watching(client) as viewer:
        viewer.channel.send(message)
        await viewer.wait_for("error", code="bad-message")
        assert (await state(client, viewer))["pictures"] == "full"
