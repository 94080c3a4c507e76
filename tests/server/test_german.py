"""A question in German, spoken to a session in German: heard, answered and said with moving lips.

With the real ears, voice, lips and motion; the dialogue says what it was asked. Slow: 6 s.
"""

from dataclasses import replace

import numpy as np
import pytest
import soxr
from support.stage import Stage
from support.virtual_time import virtual_time

from visavis.engines import load
from visavis.engines.base import PLAY_RATE
from visavis.engines.dialogue.echo import EchoDialogue
from visavis.engines.ears.echo_webrtc import WebrtcEcho
from visavis.engines.ears.vad_webrtc import WebrtcVad
from visavis.engines.lips.lipless import Lipped
from visavis.engines.voices.espeak import EspeakTts
from visavis.engines.voices.espeak_library import Manner, library
from visavis.models.arkit import INDEX
from visavis.server.playout.messages import PACKET
from visavis.server.session import events
from visavis.server.session.endpointing import Endpointing
from visavis.server.session.hearing import Ear
from visavis.server.system.flow import Worker
from visavis.server.system.served import Health, InThread, Served

QUESTION = "Ich habe meinen Zimmerschlüssel verloren."


def asked():
    """A woman's, at PLAY_RATE, with silence around it."""
    uttered = library().say(QUESTION, Manner("de+f5", 150))
    pcm = soxr.resample(uttered.audio, uttered.rate, PLAY_RATE) * 20_000
    silence = np.zeros(PLAY_RATE, np.float32)
    noise = np.random.default_rng(0).normal(0, 10, len(pcm) + 4 * PLAY_RATE)
    whole = np.concatenate([silence, pcm, silence, silence, silence])
    whole += noise[: len(whole)].astype(np.float32)
    pieces = whole[: len(whole) // PACKET * PACKET].astype(np.int16).reshape(-1, PACKET)
    return [(piece, 20) for piece in pieces]


class Watched:
    """A motion whose mouth is noted."""

    def __init__(self, motion):
        self.motion, self.jaw = motion, []

    def __getattr__(self, name):
        return getattr(self.motion, name)

    def state(self, at):
        state = self.motion.state(at)
        self.jaw.append((at, float(state.coefficients[INDEX["jawOpen"]])))
        return state


@pytest.mark.slow
@pytest.mark.parametrize("knows_times", [True, False], ids=["own-times", "by-sound"])
@virtual_time
async def test_a_german_question_is_heard_and_its_answer_said_with_moving_lips(
    tmp_path, knows_times
):
    stage = Stage()
    services = stage.services
    worker = Worker("stt", deadline=60.0)
    stt = await worker.load(load.stt, tmp_path, "de")
    served = Served(InThread(stt, worker), Health("stt", "Ears", services.metrics))
    voice = EspeakTts("espeak-de-man")
    services.tts = voice if knows_times else Lipped(_without_times(voice), load.sound_visemes)
    services.dialogue = EchoDialogue()
    services.motion = watched = Watched(load.motion(0))
    lent = services.engines()
    ear = Ear(WebrtcEcho, WebrtcVad, served, Endpointing(), language="de")
    stage.open(replace(lent, ear=ear, language="de"))
    async with stage:
        began = stage.clock.now()
        await stage.speak(asked())
        await stage.pass_time(6000)
    worker.close()
    (final,) = [e.text for e in stage.of(events.Transcribed) if e.final and e.text]
    assert "verloren" in final
    (ended,) = stage.of(events.ReplyEnded)
    assert (ended.reason, ended.heard) == ("done", final)
    (started,) = stage.at(events.ReplyStarted)
    said = [jaw for at, jaw in watched.jaw if at > started - began]
    assert max(said) > 0.15
    assert min(said) < 0.03
    turns = np.diff(np.sign(np.diff(said)))
    assert np.count_nonzero(turns) > 8  # it opens and closes with the syllables


def _without_times(voice):
    class Mute:
        def __init__(self):
            self.voice = voice.voice

        def synthesize(self, text, *how):
            for piece in voice.synthesize(text, *how):
                yield replace(piece, phonemes=())

    return Mute()
