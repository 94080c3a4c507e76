"""Whether an echo is proven, disproven, and at which delay, with real speech in made-up rooms."""

import numpy as np
import pytest
import soxr

from visavis.engines.base import HEAR_RATE, PLAY_RATE, VAD_FRAME
from visavis.engines.ears.echo_path import EchoPath
from visavis.engines.ears.echo_webrtc import WebrtcEcho
from visavis.engines.voices.hibari import HibariTts

FULL_SCALE = 32768


def spoken(text):
    """(samples,) float at HEAR_RATE, -24 dBFS."""
    pcm = np.concatenate([piece.pcm for piece in HibariTts().synthesize(text)]).astype(float)
    sound = soxr.resample(pcm, PLAY_RATE, HEAR_RATE)
    return sound * FULL_SCALE * 10 ** (-24 / 20) / sound.std()


@pytest.fixture(scope="module")
def avatar():
    """9 s of the avatar after 1 s of silence."""
    said = spoken(
        "Breakfast is served from seven in the garden room, and on Sundays until eleven. " * 3
    )
    return np.concatenate([np.zeros(HEAR_RATE), said])[: 10 * HEAR_RATE]


@pytest.fixture(scope="module")
def visitor():
    """4 s of another voice: the same one, a third lower and slower."""
    said = spoken("Stop talking, please. Where is the gym, and how do I get to it from here?")
    return np.resize(soxr.resample(said, 3, 4), 4 * HEAR_RATE)


def noise(samples, dbfs=-66):
    return np.random.default_rng(0).normal(0, FULL_SCALE * 10 ** (dbfs / 20), samples)


def echo(said, delay_ms, gain_db):
    tail = np.random.default_rng(1).normal(0, 1, 3200) * np.exp(-np.arange(3200) / 460)
    tail[0] = 3.0
    heard = np.convolve(said, 10 ** (gain_db / 20) * tail / np.linalg.norm(tail))
    return np.concatenate([np.zeros(delay_ms * HEAR_RATE // 1000), heard])[: len(said)]


def int16(samples):
    return np.rint(np.clip(samples, -FULL_SCALE, FULL_SCALE - 1)).astype(np.int16)


def followed(mic, far, path=None):
    """The path, and (s, verdict) of each change."""
    path = path or EchoPath()
    changes, before = [], path.verdict
    for at in range(0, len(mic) - VAD_FRAME + 1, VAD_FRAME):
        now = path.push(int16(mic[at : at + VAD_FRAME]), int16(far[at : at + VAD_FRAME]))
        if now != before:
            changes.append((at / HEAR_RATE, now))
        before = now
    return path, changes


@pytest.mark.parametrize(
    ("delay", "gain"), [(20, -33), (80, -33), (200, -33), (320, -6), (450, -6)]
)
def test_an_echo_is_proven_soon_and_its_delay_known(avatar, delay, gain):
    path, changes = followed(echo(avatar, delay, gain) + noise(len(avatar)), avatar)
    assert [verdict for _, verdict in changes] == ["echo"]
    assert changes[0][0] < 1.0 + 1.7  # measured: 0.7 to 1.3 s after the first word
    assert path.delay == pytest.approx(delay / 1000, abs=0.003)


@pytest.mark.parametrize("speaks", [False, True])
def test_without_an_echo_there_is_none(avatar, visitor, speaks):
    mic = noise(len(avatar))
    if speaks:
        mic[2 * HEAR_RATE : 6 * HEAR_RATE] += visitor
    _, changes = followed(mic, avatar)
    assert [verdict for _, verdict in changes] == ["none"]
    assert changes[0][0] < 1.0 + 1.7


def test_a_loud_echo_is_proven_under_a_visitor(avatar, visitor):
    mic = echo(avatar, 320, -6) + noise(len(avatar))
    mic[HEAR_RATE : 5 * HEAR_RATE] += visitor
    assert followed(mic, avatar)[0].verdict == "echo"


def test_who_takes_headphones_off_and_puts_them_on_again_is_followed(avatar):
    far = np.concatenate([avatar, avatar[HEAR_RATE:], avatar[HEAR_RATE:]])
    off, on = 10 * HEAR_RATE, 19 * HEAR_RATE
    mic = noise(len(far))
    mic[off:on] += echo(far, 120, -10)[off:on]
    _, changes = followed(mic, far)
    assert [verdict for _, verdict in changes] == ["none", "echo", "none"]
    assert changes[1][0] - off / HEAR_RATE < 1.5
    assert changes[2][0] - on / HEAR_RATE < 7.0


def test_silence_says_nothing():
    silent = np.zeros(3 * HEAR_RATE)
    assert followed(noise(3 * HEAR_RATE), silent)[0].verdict == "unknown"
    assert followed(silent, noise(3 * HEAR_RATE, -20))[0].verdict in ("unknown", "none")


def test_why_it_is_needed(avatar, visitor):
    """A canceller that never heard an echo takes the visitor away who first speaks over it."""
    mic = noise(len(avatar))
    talk = slice(4 * HEAR_RATE, 5 * HEAR_RATE)
    mic[talk] += visitor[:HEAR_RATE]
    clean = WebrtcEcho().process(int16(mic), int16(avatar))
    lost = np.mean(np.square(mic[talk])) / np.mean(np.square(clean[talk], dtype=float))
    assert 10 * np.log10(lost) > 4
