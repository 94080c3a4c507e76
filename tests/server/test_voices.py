"""Voices of a running server, in a thread and in a process of their own."""

from __future__ import annotations

import asyncio

import pytest

from visavis.engines import load
from visavis.engines.base import PLAIN
from visavis.server.services.tongues import Tongues, voice_of
from visavis.server.services.voices import Voices
from visavis.server.session.speaking import _synthesize
from visavis.server.system.config import Config
from visavis.server.system.errors import NotFound
from visavis.server.system.metrics import Metrics


@pytest.mark.parametrize(
    ("setting", "sessions", "apart"),
    [
        ("auto", "auto", True),
        ("auto", 2, False),
        ("auto", 3, True),
        ("on", 1, True),
        ("off", 9, False),
    ],
)
def test_voices_are_apart_where_many_may_be_live(setting, sessions, apart):
    config = Config(voice_process=setting, max_sessions=sessions)
    assert config.are_voices_apart == apart


@pytest.fixture(scope="module", autouse=True)
def _listed():
    """As the server does before it has an event loop: the modules of voices read files."""
    load.voices()


async def said(voices, text):
    loaded = await voices.get("heart")
    return [speech async for speech in loaded.tts.stream(_synthesize, text, PLAIN, awaited=True)]


async def test_a_voice_apart_says_the_same(tmp_path):
    threads, processes = (Voices(tmp_path, Metrics(), apart=apart) for apart in (False, True))
    one, other = await asyncio.gather(*(said(v, "Good morning.") for v in (threads, processes)))
    assert [word.text for speech in other for word in speech.words] == ["Good", "morning."]
    assert [speech.phonemes for speech in one] == [speech.phonemes for speech in other]
    assert [len(speech.pcm) for speech in one] == [len(speech.pcm) for speech in other]
    with pytest.raises(NotFound):
        await processes.get("nobody")
    for voices in (threads, processes):
        voices.close()


def test_an_avatar_speaks_with_its_own_voice_where_it_is_here(tmp_path, caplog):
    tongues = Tongues(Voices(tmp_path, Metrics()), tmp_path, "heart")
    assert tongues.own("tomas", "joe") == "joe"
    assert tongues.own("nobody", "") == "heart"
    for _ in range(2):
        assert tongues.own("anna", "piper:en_GB-alba-medium") == "heart"
    (told,) = caplog.records
    assert (told.avatar, told.voice) == ("anna", "piper:en_GB-alba-medium")


def test_a_voice_that_nobody_named_is_no_voice(tmp_path):
    assert voice_of("en", ("", "joe"), tmp_path) == "joe"
    assert voice_of("de", ("", "joe"), tmp_path) == voice_of("de", (), tmp_path)
