"""What a meeting plays is taken out of the microphone, and nothing where there is no echo."""

from pathlib import Path

import numpy as np
import pytest

from visavis.engines.base import PLAY_RATE, EngineError
from visavis.server.camera.echo import Canceller, Reference, canceller
from visavis.server.playout.messages import ms
from visavis.server.recording.files import read_sound

VOICES = Path(__file__).parent.parent / "data" / "languages"
FRAGMENT, BEGIN = ms(10), 77_777
RNG = np.random.default_rng(0)


def voice(name, seconds):
    pcm = read_sound(VOICES / f"{name}.ogg")
    return np.resize(pcm, round(seconds * PLAY_RATE))


def room(far, late, gain=0.25):
    """What a microphone hears of a loudspeaker: later, softer, with the room's reverberation."""
    answer = RNG.normal(0, 0.15, ms(80)) * np.exp(-np.arange(ms(80)) / ms(16))
    answer[0] = 1.0
    heard = np.convolve(far.astype(float), answer)[: len(far)] * gain
    return np.concatenate([np.zeros(late), heard])[: len(far)]


def cleaned(mic, far, make=canceller):
    reference = Reference()
    cancels, out = Canceller(reference, make), []
    for at in range(0, len(mic) - FRAGMENT + 1, FRAGMENT):
        if far is not None:
            reference.take(far[at : at + FRAGMENT], BEGIN + at + FRAGMENT)
        out.append(cancels.clean(mic[at : at + FRAGMENT], BEGIN + at))
    return np.concatenate(out), cancels


def level(pcm):
    return 10 * np.log10(np.mean(np.square(pcm, dtype=float)) + 1e-9)


def pcm16(sound):
    return np.clip(sound + RNG.normal(0, 3, len(sound)), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("late", [30, 100])
def test_the_voices_of_the_meeting_are_not_spoken(late):
    far = voice("fr", 5)
    echo = room(far, ms(late))
    clean, cancels = cleaned(pcm16(echo), far)
    assert cancels.state == "echo"
    assert level(echo[PLAY_RATE:]) - level(clean[PLAY_RATE:]) > 20  # dB


def test_the_presenter_is_heard_over_them():
    far, near = voice("fr", 6), voice("en-us", 6) * 0.8
    near[: 3 * PLAY_RATE] = 0
    mic = pcm16(room(far, ms(40)) + near)
    clean, _ = cleaned(mic, far)
    said, heard = near[3 * PLAY_RATE :], clean[3 * PLAY_RATE :]
    assert abs(level(heard) - level(said)) < 4
    late = max(range(0, ms(15), 24), key=lambda d: np.corrcoef(heard[d:], said[: -d or None])[0, 1])
    assert np.corrcoef(heard[late:], said[: -late or None])[0, 1] > 0.75


def test_with_headphones_the_voice_passes_to_the_bit():
    far, near = voice("fr", 6), pcm16(voice("en-us", 6))
    clean, cancels = cleaned(near, far)
    assert cancels.state == "none"
    np.testing.assert_array_equal(clean[-PLAY_RATE:], near[-PLAY_RATE:])


def test_where_nothing_plays_the_voice_passes_to_the_bit():
    near = pcm16(voice("en-us", 2))
    clean, cancels = cleaned(near, None)
    assert cancels.state == "silent"
    np.testing.assert_array_equal(clean, near)


class Breaking:
    def process(self, mic, far):
        raise EngineError("told to fail")


def test_a_canceller_that_fails_lets_no_echo_through():
    made = []

    def make():
        made.append(1)
        return Breaking() if len(made) < 40 else canceller()

    far = voice("fr", 1)
    clean, _ = cleaned(pcm16(room(far, ms(40))), far, make)
    assert len(made) == 40
    assert not clean[ms(100) : ms(380)].any()


def test_the_reference_is_silent_where_nothing_is_known():
    reference, sound = Reference(), np.full(FRAGMENT, 7, np.int16)
    reference.take(sound, 1000 + FRAGMENT)
    assert not reference.played(1000 - FRAGMENT, FRAGMENT).any()
    played = reference.played(1000 + FRAGMENT // 2, FRAGMENT)
    assert played[: FRAGMENT // 4].all()
    assert not played[FRAGMENT // 2 :].any()
    reference.take(sound, 1000 + ms(9000))  # the loudspeaker slept
    assert not reference.played(1000, FRAGMENT).any()
