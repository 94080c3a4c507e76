"""Recognisers by language: loaded once, when they are first asked for."""

import numpy as np
import pytest

from visavis.engines import load
from visavis.engines.base import HEAR_RATE, EngineError, Transcript
from visavis.engines.ears.vad_webrtc import WebrtcVad
from visavis.engines.fake import FakeEcho
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import Heard
from visavis.server.playout.timeline import Timeline
from visavis.server.services.ears import Ears
from visavis.server.session.endpointing import Endpointing
from visavis.server.session.hearing import Ear, Hearing
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health, InThread, Served


class Recogniser:
    def __init__(self, language):
        self.language = language

    def transcribe(self, pcm, before=""):
        return Transcript("Wo ist das Bad?", 0.0, language=self.language)


@pytest.fixture
def loaded(monkeypatch):
    asked = []

    def stt(home, language="en", *, detect=False, among=()):
        asked.append((language, detect))
        if language == "xx":
            raise EngineError("'xx' is no language that can be heard")
        return Recogniser(language)

    monkeypatch.setattr(load, "stt", stt)
    return asked


@pytest.fixture
def ears(tmp_path, loaded):
    metrics, served = Metrics(), []

    def serve(name, what, stt, worker):
        served.append(Served(InThread(stt, worker), Health(name, what, metrics)))
        return served[-1]

    yield Ears(tmp_path, serve)
    for each in served:
        each.close()


def transcribe(stt):
    return stt.transcribe(np.zeros(HEAR_RATE, np.int16))


async def test_each_language_is_loaded_once(ears, loaded):
    german = await ears.get("de-AT")
    assert await ears.get("de") is german
    assert await ears.get("en") is not german
    assert await ears.get("", detect=True) is await ears.get("en-GB", detect=True)
    assert loaded == [("de", False), ("en", False), ("en", True)]
    assert (await german.call(transcribe)).language == "de"


async def test_what_cannot_be_loaded_fails_and_is_tried_again(ears, loaded):
    for _ in range(2):
        with pytest.raises(EngineError, match="'xx'"):
            await ears.get("xx")
    assert len(loaded) == 2


async def test_the_language_of_the_words_reaches_whoever_listens(ears):
    """And another recogniser is heard with from the next turn on."""
    clock, tasks, events = Clock(), Tasks(), []
    ear = Ear(FakeEcho, WebrtcVad, await ears.get("en"), Endpointing())
    hearing = Hearing(clock, Timeline(), ear, events.append, tasks, Metrics())
    hearing.listen_with(await ears.get("de"), "de")

    async def packets():
        at = clock.now()
        rng = np.random.default_rng(0)
        for index in range(150):
            at += 960
            await clock.sleep_until(at)
            level = 6000 * (0.3 + 0.7 * abs(np.sin(index / 3))) if index < 60 else 10
            tone = np.sign(np.sin(2 * np.pi * 150 * np.arange(960) / 48_000))
            yield (tone * level + rng.normal(0, 10, 960)).astype(np.int16)

    await hearing.run(packets())
    await tasks.close()
    heard = [event for event in events if isinstance(event, Heard) and event.text]
    assert [event.language for event in heard] == ["de"]
