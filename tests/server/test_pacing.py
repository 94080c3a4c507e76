"""What a program with queues of its own is handed of a session."""

import asyncio
from dataclasses import replace

import numpy as np
from support.stage import Stage
from support.virtual_time import virtual_time

from visavis.doors.in_order import InOrder
from visavis.doors.pacing import Paced
from visavis.engines import fake
from visavis.server.playout.messages import FRAME, PACKET, ms
from visavis.server.session.events import SegmentEnded
from visavis.server.session.lipsync import Mouth

RNG = np.random.default_rng(0)


def noise(milliseconds):
    return RNG.integers(2000, 9000, ms(milliseconds)).astype(np.int16)


class Program:
    """Its queues: (when, tick, what)."""

    def __init__(self):
        self.sound, self.pictures, self.events = [], [], []
        self.paced = Paced(self.heard, self.seen, self.events.append)
        self.clock, self.slow = None, 0.0

    async def heard(self, pcm, at):
        self.sound.append((self.clock.now(), at, pcm))
        await asyncio.sleep(self.slow)

    async def seen(self, image, at):
        self.pictures.append((self.clock.now(), at, image))

    @property
    def came(self):
        return np.concatenate([pcm for _, _, pcm in self.sound])


class Theatre(Stage):
    """A session whose voice is pushed, and whose outlet is that program."""

    async def __aenter__(self):
        lips = fake.FakeLips()
        pushed = Mouth(lips, lambda: lips)
        self.open(replace(self.services.engines(), ear=None, pushed=pushed))
        self.voice = self.session.voice
        self.program = Program()
        self.program.clock = self.clock
        self.session.add_outlet(self.program.paced)
        return await super().__aenter__()


@virtual_time
async def test_pictures_come_at_once_and_always_and_sound_only_while_there_is_some():
    async with Theatre() as stage:
        program = stage.program
        assert program.pictures[0][0] < ms(40)
        sound = noise(1000)
        await stage.voice.push(sound)
        stage.voice.end()
        await stage.pass_time(3000)
        came = program.came
        first = np.flatnonzero(came)[0]
        assert (came[first : first + len(sound)] == sound).all()
        assert ms(20) <= first < ms(60)  # silence that lets the next packet be late
        assert ms(480) <= len(came) - first - len(sound) <= ms(540)  # and to be heard as the end
        times = np.diff([at for _, at, _ in program.pictures[1:]])
        assert (times == FRAME).all()
        assert len(program.pictures) > 70


@virtual_time
async def test_a_picture_comes_before_the_sound_that_plays_with_it():
    async with Theatre() as stage:
        await stage.voice.push(noise(500))
        await stage.pass_time(1000)
        loud = [(when, at) for when, at, pcm in stage.program.sound if pcm.any()]
        assert all(when - at < PACKET for when, at in loud)
        pictures = {at: when for when, at, _ in stage.program.pictures}
        for when, at in loud:
            if at % FRAME == 0:
                assert pictures[at] <= when


@virtual_time
async def test_pictures_come_later_for_who_has_sound_wait():
    async with Stage() as stage:
        program = Program()
        program.clock = stage.clock
        program.paced = Paced(program.heard, program.seen, program.events.append, PACKET)
        stage.session.add_outlet(program.paced)
        await stage.pass_time(1000)
        late = [when - at for when, at, _ in program.pictures[2:]]
        assert {round(each / PACKET, 1) for each in late} == {1.0}


@virtual_time
async def test_what_is_cut_is_not_handed_over():
    async with Theatre() as stage:
        await stage.voice.push(noise(3000))
        await stage.pass_time(1000)
        stage.voice.clear()
        stage.program.paced.hush()
        cut = stage.clock.now()
        await stage.pass_time(1000)
        assert not any(pcm.any() for when, _, pcm in stage.program.sound if when > cut)
        await stage.voice.push(noise(200))
        await stage.pass_time(500)
        assert any(pcm.any() for when, _, pcm in stage.program.sound if when > cut)


@virtual_time
async def test_a_program_that_stood_still_is_not_given_what_is_long_over():
    async with Theatre() as stage:
        stage.program.slow = 1.0
        await stage.voice.push(noise(400))
        await stage.pass_time(1500)
        stage.program.slow = 0.0
        await stage.pass_time(1500)
        late = [when - at for when, at, _ in stage.program.sound]
        assert late[-1] < PACKET
        assert all(when - at < FRAME for when, at, _ in stage.program.pictures[1:])


@virtual_time
async def test_events_are_passed_on():
    async with Theatre() as stage:
        await stage.voice.push(noise(100))
        stage.voice.end()
        await stage.pass_time(600)
        ended = [each for each in stage.program.events if isinstance(each, SegmentEnded)]
        assert ended == [SegmentEnded(1, 0.1, interrupted=False)]


def test_what_follows_speech_passes_when_that_was_heard():
    order = InOrder()
    assert order.put("before")
    order.follows(1)
    assert not order.put("after one")
    order.follows(2)
    assert not order.put("after two")
    assert order.over(1) == ["after one"]
    assert not order.put("also after two")
    assert order.over(2) == ["after two", "also after two"]
    assert order.put("free again")


def test_what_follows_speech_that_was_cut_goes_unless_it_must_be_kept():
    order = InOrder()
    order.follows(1)
    order.put("words")
    order.put("KEEP")
    assert order.cleared(str.isupper) == ["KEEP"]
    assert order.put("at once")


def test_segments_that_were_passed_over_hold_nothing_back():
    order = InOrder()
    order.follows(1)
    order.put("a")
    order.follows(2)
    order.put("b")
    assert order.over(2) == ["a", "b"]
