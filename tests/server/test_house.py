"""Sessions in another program's process: what is loaded for them, and what is left of them."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from support.rig_by_hand import CONSENT, avatar

from visavis.engines import fake, load
from visavis.engines.base import EngineError, Puppet
from visavis.engines.direction.director import Director
from visavis.server.avatars.revocations import Entry
from visavis.server.avatars.store import AvatarStore
from visavis.server.embedded.house import OVER, House
from visavis.server.session.events import Failure, SegmentEnded, SegmentStarted
from visavis.server.system.config import Config
from visavis.server.system.errors import Ended, NotAllowed, NotFound


class Flat:
    """A generator whose pictures are all alike."""

    batch = 8

    def __init__(self, width, height):
        self.width, self.height = width, height

    def prepare(self, avatar):
        return Puppet(1)

    def release(self, puppet):
        pass

    def draw(self, portrayals, deadline):
        return [np.full((self.height * 3 // 2, self.width), 99, np.uint8) for _ in portrayals]

    def close(self):
        pass


class Heard:
    """An outlet that is told, and counts."""

    def __init__(self):
        self.events, self.pictures = [], 0

    def tell(self, event):
        self.events.append(event)

    async def play(self, playout):
        at = playout.clock.now()
        while True:
            at += 960
            await playout.clock.sleep_until(at)
            self.pictures += playout.reader.picture(at) is not None
            playout.sound_sent(at, playout.clock.now())


@pytest.fixture
def config(tmp_path, monkeypatch):
    def wordless(*_, **__):
        raise AssertionError("nobody here needs words")

    named = {
        "generator": lambda width, height, *_: Flat(width, height),
        "director": lambda home: Director(),
        "lips": fake.FakeLips,
        "stt": wordless,
        "tts": wordless,
        "dialogue": wordless,
        "turn_end": wordless,
    }
    for name, make in named.items():
        monkeypatch.setattr(load, name, make)
    return Config(home=str(tmp_path), avatar="mira", width=128, height=128)


async def said(session, outlet):
    """A fifth of a second."""
    await session.voice.push(np.full(9600, 5000, np.int16))
    session.voice.end()
    async with asyncio.timeout(5):
        await session.voice.silence()
    return [type(event) for event in outlet.events]


async def test_each_session_works_as_the_first_did_also_two_at_once(config):
    async with House.open(config) as house:
        assert house.size == (128, 128)
        for _ in range(2):
            outlet = Heard()
            async with house.session(outlet) as session:
                assert session.source == "voice"
                assert await said(session, outlet) == [SegmentStarted, SegmentEnded]
                assert outlet.events[-1] == SegmentEnded(1, 0.2, interrupted=False)
                assert outlet.pictures
        one, other = Heard(), Heard()
        async with house.session(one) as first, house.session(other, avatar="mira") as second:
            told = await asyncio.gather(said(first, one), said(second, other))
            assert told == [[SegmentStarted, SegmentEnded]] * 2


async def test_a_session_that_is_left_ends_what_sounds(config):
    outlet = Heard()
    async with House.open(config) as house:
        async with house.session(outlet) as session:
            await session.voice.push(np.full(96_000, 5000, np.int16))
            await asyncio.sleep(0.3)
        assert outlet.events[-1].interrupted
        pictures = outlet.pictures
        await asyncio.sleep(0.2)
        assert outlet.pictures == pictures


async def test_what_there_is_not_is_refused(config):
    async with House.open(config) as house:
        with pytest.raises(NotFound, match="nobody"):
            async with house.session(avatar="nobody"):
                pass
        with pytest.raises(EngineError, match="given a voice"):
            async with house.session(source="dialogue"):
                pass


@pytest.fixture
def anna(config):
    """A store with an avatar of Anna's, for conversations only."""
    store = AvatarStore(config.home_path)
    store.folder.mkdir(parents=True)
    consent = replace(CONSENT, subject="Anna", uses=("live",))
    store.file("anna").write_bytes(store.sealed(avatar("anna", consent).content()))
    return store


async def test_a_consent_that_is_taken_back_ends_a_session_and_is_told(config, anna, monkeypatch):
    monkeypatch.setattr("visavis.server.services.engines._LOOK", 0.05)
    monkeypatch.setattr("visavis.server.embedded.house._LOOK", 0.05)
    async with House.open(config) as house:
        with pytest.raises(NotAllowed, match="virtual camera"):
            async with house.session(avatar="anna", uses=("camera",)):
                pass
        outlet, kept = Heard(), Heard()
        async with house.session(kept), house.session(outlet, avatar="anna") as session:
            assert await said(session, outlet) == [SegmentStarted, SegmentEnded]
            entry = Entry("revoked", session.card.reference, "", "anna", "2026-01-01T00:00:00Z")
            await asyncio.to_thread(anna.revocations.add, [entry])
            async with asyncio.timeout(10):
                while outlet.events[-1] != Failure(OVER, session.forbidden):
                    await asyncio.sleep(0.02)
                pictures = -1
                while pictures != outlet.pictures:  # nothing more is seen
                    pictures = outlet.pictures
                    await asyncio.sleep(0.2)
            assert kept.events == []
            before = kept.pictures
            async with asyncio.timeout(10):
                while kept.pictures <= before:  # the others go on
                    await asyncio.sleep(0.02)
        with pytest.raises(Ended):
            async with house.session(avatar="anna"):
                pass
