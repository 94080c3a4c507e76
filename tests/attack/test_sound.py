"""A visitor who sends what no microphone makes, beside one who must notice nothing of it."""

import asyncio
import logging
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from support.flood import Silent, attacks, send
from support.pace import soon
from support.rtc_pair import Track
from support.services import FakeServices
from support.serving import Viewer, serving, watching

from visavis.engines import load
from visavis.engines.fake import FakeGenerator
from visavis.server.services.drawing import DrawingPool
from visavis.server.system.served import Health

TESTS = Path(__file__).parents[1]
ALL = (
    *("jumps", "half-jumps", "losses", "random", "long", "tiny", "huge", "stereo", "backwards"),
    *("scattered", "hole", "twice", "sources", "flood"),
)


class Moving(FakeGenerator):
    """Each picture differs from the one before, so that each is sent."""

    def draw(self, portrayals, deadline):
        pictures = super().draw(portrayals, deadline)
        for picture in pictures:
            picture[:100] = 40 + len(self.drawn) % 150
        return pictures


class RealEars(FakeServices):
    """What is heard costs what it costs."""

    def __init__(self):
        super().__init__(stt="")
        load.echo()  # imported once, as `Services` does
        load.vad()
        self.generator = Moving(128, 128)
        health = Health("render", "Drawing", self.metrics)
        self.drawing = DrawingPool(self.generator, health, threads=2)

    def engines(self, lips=None):
        engines = super().engines(lips)
        return replace(engines, ear=replace(engines.ear, echo=load.echo, vad=load.vad))

    def counted(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def attackers(client, kinds, seconds):
    """One process for each kind, each with a session that has begun.

    Nice: on few cores it is not to be measured what it costs to attack.
    """
    address = f"http://127.0.0.1:{client.server.port}"
    processes = []
    try:
        for kind in kinds:
            process = await asyncio.create_subprocess_exec(
                "nice", sys.executable, "-m", "support.flood", address, kind, str(seconds),
                cwd=TESTS, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            processes.append(process)
        for process in processes:
            assert await process.stdout.readline() == b"began\n"
        yield
    finally:
        for process in processes:
            try:
                await asyncio.wait_for(process.communicate(), 20)
            except TimeoutError:
                process.kill()


async def arrivals(track: MediaStreamTrack, times: list[float]) -> None:
    while True:
        try:
            await track.recv()
        except MediaStreamError:
            return
        times.append(time.monotonic())


async def witnessed(services, kinds, seconds=3.0):
    """(pictures a second, late ones, the longest gap of sound in s) beside such attackers."""
    async with serving(services, max_sessions=9) as client, watching(client) as witness:
        times = {kind: [] for kind in witness.tracks}
        readers = [
            asyncio.create_task(arrivals(track, times[kind]))
            for kind, track in witness.tracks.items()
        ]
        async with attackers(client, kinds, seconds):
            before = await (await client.get(witness.location)).json()
            began = time.monotonic()
            await asyncio.sleep(seconds - 0.3)
            passed = time.monotonic() - began
            after = await (await client.get(witness.location)).json()
        seen = {
            kind: [at for at in all_ if began < at < began + passed] for kind, all_ in times.items()
        }
        gaps = [b - a for a, b in zip(seen["audio"], seen["audio"][1:], strict=False)]
        for reader in readers:
            reader.cancel()
        late = after["late_frames"] - before["late_frames"]
        return len(seen["video"]) / passed, late, max(gaps)


def complaints(caplog):
    """Of all that was logged; of what cannot be decoded one line a minute may tell."""
    told = [vars(each) for each in caplog.records if each.levelno >= logging.WARNING]
    undecodable = [each for each in told if each.get("reason") == "undecodable"]
    return [each for each in told if each not in undecodable[:1]]


async def undisturbed(services, kinds):
    """25 pictures a second, under 1 % late (of 68), no gap of 200 ms in the sound."""
    for _ in range(2):  # once more: others may use this machine
        fps, late, gap = await witnessed(services(), kinds)
        if fps > 24 and late <= 1 and gap < 0.2:
            return True
    return False


async def test_a_witness_notices_nothing_of_three_who_flood_at_once(caplog):
    made = []
    assert await undisturbed(
        lambda: made.append(RealEars()) or made[-1], ["jumps", "random", "flood"]
    )
    services = made[-1]
    assert services.counted("visavis_sound_refused_seconds_total") > 10
    assert services.counted("visavis_sound_packets_refused_total") > 1000
    assert not complaints(caplog)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ALL)
async def test_a_witness_notices_nothing_of(kind, caplog):
    assert await undisturbed(RealEars, [kind])
    assert not complaints(caplog)


async def test_a_visitors_pictures_are_not_received():
    async with serving() as client:
        viewer, camera = Viewer(Track("audio")), Track("video")
        sound, pictures = viewer.pc.getTransceivers()
        pictures.direction = "sendrecv"
        pictures.sender.replaceTrack(camera)
        try:
            await viewer.connect(client)
            await viewer.wait_for("ready")
            assert [sound.currentDirection, pictures.currentDirection] == ["sendrecv", "recvonly"]
            assert camera.count == 0
        finally:
            await viewer.close()


async def test_a_thousand_sources_do_not_hold_up_the_end_of_their_session():
    async with serving() as client:
        viewer = Viewer(Silent())
        location = await viewer.connect(client)
        await viewer.wait_for("ready")
        _, packets = attacks()["sources"]
        for _ in range(1000):
            await send(viewer, next(packets))
        await asyncio.sleep(1.6)  # a report on all of them is due within 1.5 s
        began = time.monotonic()
        await client.delete(location)
        assert soon(time.monotonic() - began, 2)
        await viewer.close()
