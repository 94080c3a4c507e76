"""A turn's sound to its words, on a recogniser that writes how loud what it was given is."""

import asyncio
from collections import deque

import numpy as np
import pytest

from visavis.engines.base import VAD_FRAME, EngineError, Transcript
from visavis.server.playout.clock import Clock
from visavis.server.session.segments import LONGEST, quietest
from visavis.server.session.transcribing import Transcribing
from visavis.server.system.flow import Tasks, Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health, InThread, Served

SECOND = 50  # frames


class Numbers:
    """Writes the levels of the seconds that it hears: one word for each that is loud."""

    def __init__(self):
        self.heard, self.before, self.failing, self.most = [], [], set(), 99

    def transcribe(self, pcm, before=""):
        call = len(self.heard)
        self.heard.append(len(pcm) / 16_000)
        self.before.append(before)
        if call in self.failing:
            raise EngineError("told to fail")
        levels = [level for level in np.unique(pcm[::VAD_FRAME]) if level > 1][: self.most]
        return Transcript(" ".join(map(str, levels)), 0.1)


class Ear:
    def __init__(self):
        self.stt, self.tasks, self.known = Numbers(), Tasks(), asyncio.Event()
        worker = Worker("stt")
        served = Served(InThread(self.stt, worker), Health("stt", "Ears", Metrics()))
        self.words = Transcribing(served, Clock(), self.tasks, lambda _ended: self.known.set())

    def say(self, level, seconds, pause=0.4):
        """A phrase of one level, and a pause."""
        for _ in range(int(seconds * SECOND)):
            self.words.keep(np.full(VAD_FRAME, level, np.int16))
        for _ in range(int(pause * SECOND)):
            self.words.keep(np.ones(VAD_FRAME, np.int16))

    async def draft(self):
        self.known.clear()
        self.words.draft(0)
        await self.known.wait()
        return self.words.words.text


@pytest.fixture
async def ear():
    ear = Ear()
    ear.words.begin()
    yield ear
    await ear.tasks.close()


def phrases(*levels):
    return " ".join(str(level) for level in levels)


async def test_a_minute_of_talk_is_heard_whole_and_in_order(ear):
    for level in range(10, 32):
        ear.say(level, 2.6)
    assert await ear.draft() == phrases(*range(10, 32))
    assert len(ear.stt.heard) == 4
    assert max(ear.stt.heard) <= 20
    assert ear.words.length == 22 * 3_000


async def test_a_segment_is_transcribed_while_the_visitor_talks_on(ear):
    for level in range(10, 17):
        ear.say(level, 2.6)
    await asyncio.sleep(0.05)
    assert len(ear.stt.heard) == 1
    assert await ear.draft() == phrases(*range(10, 17))
    assert len(ear.stt.heard) == 2
    assert ear.stt.heard[1] < 20 - ear.stt.heard[0] + 2
    assert ear.stt.before[1].split()[0] == "10"


async def test_a_draft_that_is_dropped_takes_no_segment_along(ear):
    for level in range(10, 17):
        ear.say(level, 2.6)
    ear.words.draft(0)
    await asyncio.sleep(0)
    ear.words.drop()
    ear.say(17, 2.6)
    assert await ear.draft() == phrases(*range(10, 18))


async def test_a_segment_cut_while_a_draft_is_under_way_is_not_said_twice(ear):
    for level in range(10, 16):
        ear.say(level, 2.6)
    ear.words.draft(0)
    ear.say(1, 4)
    await ear.known.wait()
    assert ear.words.words.text == phrases(*range(10, 16))


async def test_where_a_longer_sound_has_fewer_words_the_rest_is_heard_by_itself(ear):
    """whisper stopped at the first of two pauses, of which a draft had heard both sides."""
    ear.say(10, 1)
    ear.say(11, 1)
    assert await ear.draft() == "10 11"
    ear.say(12, 1)
    ear.stt.most = 1
    ear.words.drop()
    assert await ear.draft() == "10 11 12"
    assert ear.stt.before[-1] == "10 11"
    assert ear.stt.heard[-1] < 2
    ear.say(13, 1)
    ear.words.drop()
    assert await ear.draft() == "10 11 12"  # what was not heard then is not there now
    ear.stt.most = 99
    ear.words.drop()
    assert await ear.draft() == "10 11 12 13"


async def test_a_click_behind_them_brings_no_words_back(ear):
    """What was heard before it may have been imagined."""
    ear.say(10, 1)
    ear.say(11, 1)
    assert await ear.draft() == "10 11"
    ear.say(12, 0.2, pause=0.1)
    ear.stt.most = 1
    ear.words.drop()
    assert await ear.draft() == "10"


async def test_words_that_are_others_now_are_believed(ear):
    ear.say(11, 1)
    ear.say(12, 1)
    assert await ear.draft() == "11 12"
    ear.words._frames.clear()
    ear.say(12, 1)
    ear.words.drop()
    assert await ear.draft() == "12"


async def test_what_is_kept_is_bounded(ear):
    for _ in range(40):
        ear.say(10, 2.6)
        await asyncio.sleep(0)
    assert len(ear.words._frames) < LONGEST


async def test_a_segment_that_fails_costs_its_own_words_only(ear):
    ear.stt.failing = {1}
    for level in range(10, 26):
        ear.say(level, 2.6)
    heard = (await ear.draft()).split()
    assert heard[0] == "10"
    assert heard[-1] == "25"
    assert 8 < len(heard) < 16


async def test_the_next_turn_begins_with_nothing_of_the_last(ear):
    for level in range(10, 18):
        ear.say(level, 2.6)
    ear.words.reset()
    ear.say(90, 2)
    ear.words.begin()
    ear.say(91, 2)
    assert await ear.draft() == "91"  # of 90 there are 0.3 s of the pause after it
    assert isinstance(ear.words._frames, deque)


async def test_the_turn_before_is_heard_again_with_the_rest_of_it(ear):
    ear.say(10, 1)
    ear.words.set_aside("10")
    ear.words.reset()
    ear.words.begin()
    ear.say(11, 1)
    ear.words.take_up()
    assert await ear.draft() == "11"
    assert ear.words.one == "10 11"
    ear.words.set_aside("10 11")  # and once more
    ear.words.reset()
    ear.words.begin()
    ear.say(12, 1)
    ear.words.take_up()
    assert await ear.draft() == "12"
    assert ear.words.one == "10 11 12"


async def test_it_is_not_where_it_is_forgotten_or_too_long(ear):
    for level, long in ((10, 1), (20, 11)):
        ear.say(level, long)
        ear.words.set_aside(str(level))
        if long < 10:
            ear.words.forget()
        ear.words.reset()
        ear.words.begin()
        ear.say(11, 1)
        ear.words.take_up()
        assert await ear.draft() == "11"
        assert ear.words.one == ""


@pytest.mark.parametrize("echo", [False, True])
async def test_what_the_echo_canceller_took_away_is_heard_where_there_is_no_echo(ear, echo):
    ear.say(10, 1)
    ear.words.set_aside("10")
    ear.words.reset()
    muted, loud = np.ones(VAD_FRAME, np.int16), np.full(VAD_FRAME, 11, np.int16)
    for _ in range(40):  # before the onset
        ear.words.keep(muted, loud, voice=False)
    ear.words.begin(reach=True)
    ear.say(12, 1)
    ear.words.take_up()
    ear.words.draft(0, bare=not echo)
    await ear.known.wait()
    assert ear.words.one == ("10 12" if echo else "10 11 12")


async def test_a_turn_that_is_cut_loses_nothing_of_what_is_said_meanwhile(ear):
    ear.say(10, 1)
    assert await ear.draft() == "10"
    ear.say(11, 0.6, 0)
    ear.words.reset(cut=True)
    ear.say(12, 1, 0)
    ear.words.begin()
    assert await ear.draft() == "11 12"


def test_the_cut_is_in_the_last_pause_after_six_seconds():
    frames = [np.full(VAD_FRAME, 1000, np.int16) for _ in range(LONGEST)]
    for at, long in ((2, 40), (9, 25), (13, 25), (17, 8)):  # s, frames: the last is none
        for index in range(at * SECOND, at * SECOND + long):
            frames[index] = np.full(VAD_FRAME, 5, np.int16)
    assert 13 * SECOND < quietest(frames) < 13 * SECOND + 25


def test_who_makes_no_pause_is_cut_where_the_voice_is_softest():
    rng = np.random.default_rng(4)
    frames = [rng.normal(0, 3000, VAD_FRAME).astype(np.int16) for _ in range(LONGEST)]
    for index in range(500, 515):
        frames[index] = (frames[index] * 0.3).astype(np.int16)
    assert 500 < quietest(frames) < 515
