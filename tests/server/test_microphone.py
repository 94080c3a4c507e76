"""What is heard of a visitor who speaks over the avatar's first words, with and without an echo."""

import numpy as np
import pytest
import soxr

from visavis.engines.base import PLAY_RATE, Speech
from visavis.engines.ears.echo_webrtc import WebrtcEcho
from visavis.engines.voices.hibari import HibariTts
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import PACKET, Clause, Spoken, ms
from visavis.server.playout.timeline import Timeline
from visavis.server.session.microphone import Microphone
from visavis.server.system.metrics import Metrics

TALK = slice(ms(4000), ms(5200))  # when the visitor speaks: 3 s into the first reply


@pytest.fixture(scope="module")
def avatar():
    """6 s at PLAY_RATE: 1 s of silence, then the avatar at -24 dBFS."""
    text = "Breakfast is served from seven in the garden room, and on Sundays until eleven. " * 2
    said = np.concatenate([piece.pcm for piece in HibariTts().synthesize(text)]).astype(float)
    said *= 2067 / said.std()
    return np.concatenate([np.zeros(PLAY_RATE), said])[: 6 * PLAY_RATE].astype(np.int16)


@pytest.fixture(scope="module")
def visitor():
    """1.2 s of another voice, at -24 dBFS."""
    said = np.concatenate([p.pcm for p in HibariTts().synthesize("Stop talking, please.")])
    sound = soxr.resample(said.astype(float), 3, 4)[: ms(1200)]
    return np.resize(sound * 2067 / sound.std(), ms(1200))


def heard(avatar, sound):
    """What comes out for `sound` at the microphone while the avatar plays, at 16 kHz."""
    timeline = Timeline()
    timeline.put(Spoken(0, 0, Clause("", Speech(avatar, (), (), "espeak"))))
    microphone = Microphone(Clock(), timeline, WebrtcEcho, Metrics(), lambda resting: None)
    mic = np.clip(sound, -32768, 32767).astype(np.int16)
    frames = []
    for at in range(0, len(mic) - PACKET + 1, PACKET):
        frames += [clean for clean, _ in microphone.take(mic[at : at + PACKET], at + PACKET)]
    return np.concatenate(frames).astype(float)


def level(sound, rate):
    part = sound[slice(TALK.start * rate // PLAY_RATE, TALK.stop * rate // PLAY_RATE)]
    return 10 * np.log10(np.mean(np.square(part)))


def hiss(avatar):
    return np.random.default_rng(0).normal(0, 16, len(avatar))


def test_with_headphones_the_first_interruption_is_heard_as_it_is(avatar, visitor):
    sound = hiss(avatar)
    sound[TALK] += visitor
    assert level(heard(avatar, sound), 16_000) == pytest.approx(level(sound, 48_000), abs=1.0)


def test_who_takes_headphones_off_is_not_the_avatar_for_long(avatar):
    """Without an echo the canceller rests; once one is there it has soon learnt the room."""
    played = np.concatenate([avatar, avatar[PLAY_RATE:]])
    sound = hiss(played)
    off = 4 * PLAY_RATE
    sound[off:] += 0.3 * played[off - ms(150) : -ms(150)]
    clean, after = heard(played, sound), 7 * PLAY_RATE
    left = np.mean(np.square(clean[after // 3 :])) / np.mean(np.square(sound[after:]))
    assert 10 * np.log10(left) < -15.0


@pytest.mark.parametrize("speaks", [True, False])
def test_with_a_loudspeaker_the_visitor_is_heard_and_the_avatar_is_not(avatar, visitor, speaks):
    sound = hiss(avatar)
    sound[ms(150) :] += 0.3 * avatar[: -ms(150)]
    echo = level(sound, 48_000)
    sound[TALK] += visitor if speaks else 0.0
    clean = level(heard(avatar, sound), 16_000)
    if speaks:
        assert clean > level(sound, 48_000) - 8.0
    else:
        assert clean < echo - 15.0


def test_it_is_right_as_it_came_before_the_avatar_was_heard_and_where_it_is_not(avatar):
    def right(sound, seconds):
        timeline = Timeline()
        timeline.put(Spoken(0, 0, Clause("", Speech(avatar, (), (), "espeak"))))
        microphone = Microphone(Clock(), timeline, WebrtcEcho, Metrics(), lambda resting: None)
        mic = np.clip(sound, -32768, 32767).astype(np.int16)[: ms(1000 * seconds)]
        for at in range(0, len(mic) - PACKET + 1, PACKET):
            list(microphone.take(mic[at : at + PACKET], at + PACKET))
        return microphone.hears_no_echo

    echo = hiss(avatar) + 0.3 * np.roll(avatar, ms(60))
    assert right(hiss(avatar), 1.1)
    assert not right(hiss(avatar), 1.6)  # nobody knows yet
    assert right(hiss(avatar), 5)
    assert not right(echo, 5)
