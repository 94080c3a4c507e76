"""Speech in another language, and speech of which no word was understood."""

from dataclasses import replace

import numpy as np
import pytest
from support.stage import SILENCE, Stage
from support.virtual_time import virtual_time

from visavis.engines.base import Transcript
from visavis.engines.language.brackets import unmarked
from visavis.engines.language.phrasebook import phrase
from visavis.server.session import events

# A voice of 200 Hz, and a noise as loud: packets that can follow one another.
VOICE = np.rint(8000 * np.sign(np.sin(2 * np.pi * 200 * np.arange(960) / 48_000))).astype(np.int16)
NOISE = np.random.default_rng(0).normal(0, 6000, 960).astype(np.int16)

ENGLISH = Transcript("what time is breakfast?", 0.1, 0.0, 0.95)
GERMAN = Transcript("Van gipped as free stick?", 0.3, 0.97, 0.7)
WORDLESS = Transcript("", 0.9, 0.97, 0.6)  # another language, of which whisper wrote nothing
MUMBLED = Transcript("", 0.9, 0.1, 0.7)
MUSIC = Transcript("", 1.0, 1.0, 0.1)


async def hear(stage, transcript, sound=VOICE, milliseconds=1500):
    """The visitor makes it."""
    stage.stt.transcribe = lambda _pcm, _before="": transcript
    await stage.speak([(sound, milliseconds), (SILENCE, 1500)])
    await stage.pass_time(3000)


def said(stage):
    return [e.heard for e in stage.of(events.ReplyEnded)]


def why(stage):
    return [e.why for e in stage.of(events.NotUnderstood)]


@virtual_time
@pytest.mark.parametrize("transcript", [GERMAN, WORDLESS])
async def test_another_language_is_told_what_is_understood(transcript):
    async with Stage() as stage:
        await hear(stage, transcript)
        assert said(stage) == [unmarked(phrase("ears.foreign", "en").format(languages="English"))]
        assert why(stage) == ["foreign"]
        assert stage.dialogue.histories == []  # no mind was asked, not even for a draft
        assert all(not e.text for e in stage.of(events.Transcribed))
        assert not stage.session.history.remarks
        await hear(stage, ENGLISH)
        assert said(stage)[1:] == ["You said: what time is breakfast?"]


@virtual_time
async def test_it_is_asked_once_in_a_row_to_say_it_again():
    async with Stage() as stage:
        for _ in range(3):
            await hear(stage, MUMBLED)
        assert said(stage) == [unmarked(phrase("ears.unclear", "en"))]
        assert why(stage) == ["unclear"]
        await hear(stage, ENGLISH)
        await hear(stage, MUMBLED)
        assert why(stage) == ["unclear", "unclear"]


@virtual_time
@pytest.mark.parametrize(
    ("transcript", "sound", "milliseconds"),
    [
        (MUMBLED, NOISE, 1500),  # no pitch
        (GERMAN, NOISE, 1500),
        (MUSIC, VOICE, 3000),
        (replace(MUMBLED, speech=0.3), VOICE, 1500),  # a hum
        (MUMBLED, VOICE, 400),  # a cough
        (WORDLESS, VOICE, 400),
    ],
)
async def test_noise_music_and_coughs_are_not_answered(transcript, sound, milliseconds):
    transcript = replace(transcript, text="")
    async with Stage() as stage:
        await hear(stage, transcript, sound, milliseconds)
        assert said(stage) == []
        assert why(stage) == []


@virtual_time
async def test_what_is_mumbled_over_a_reply_lets_it_go_on():
    words = [f"w{n}" for n in range(24)]
    async with Stage(answer=lambda _: " ".join(words)) as stage:
        stage.session.ask("go")
        await stage.pass_time(1500)
        await hear(stage, MUMBLED)
        await stage.pass_time(6000)
        assert " ".join(said(stage)).split() == words
        assert why(stage) == []
