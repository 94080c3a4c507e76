"""Speech in other languages than English: what espeak-ng said, in tests/data/languages."""

from pathlib import Path

import av
import numpy as np
import pytest

from visavis.engines import load
from visavis.engines.base import HEAR_RATE, EngineError
from visavis.engines.ears.stt_multilingual import EitherStt, MultilingualStt, judged, shared
from visavis.engines.language.languages import LANGUAGES, code_of, is_english

CLIPS = Path(__file__).parents[1] / "data" / "languages"


def read(name):
    with av.open(CLIPS / f"{name}.ogg") as file:
        mono = av.AudioResampler(format="s16", layout="mono", rate=HEAR_RATE)
        frames = [f for frame in file.decode(audio=0) for f in mono.resample(frame)]
        return np.concatenate([f.to_ndarray()[0] for f in frames])


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    return shared(tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize(
    ("tag", "code"), [("de-AT", "de"), ("zh-Hans", "zh"), ("pt_BR", "pt"), ("nb", "no"), ("", "")]
)
def test_a_tag_has_a_language(tag, code):
    assert code_of(tag) == code


def test_english_is_what_the_heuristics_are_for():
    assert is_english("en-GB")
    assert is_english("")
    assert not is_english("de")


@pytest.mark.parametrize("name", ["de", "fr", "es"])
def test_a_language_is_found_by_the_sound(whisper, name):
    stt = MultilingualStt(whisper, "en", detect=True, among=["de", "fr", "es", "ru"], told=True)
    heard = stt.transcribe(read(name))
    assert heard.language == name
    assert heard.text
    assert (heard.doubt < 0.5, heard.foreign) == (True, 0.0)


def test_the_language_that_is_told_is_written(whisper):
    heard = MultilingualStt(whisper, "de").transcribe(read("de"))
    assert heard.language == "de"
    assert heard.foreign < 0.2
    assert MultilingualStt(whisper, "tr").transcribe(read("de")[: 3 * HEAR_RATE // 2]).foreign == 0
    other = MultilingualStt(whisper, "tr").transcribe(read("de"))
    assert other.language == "tr"
    assert other.foreign > 0.5


def test_a_word_is_taken_for_the_language_that_is_spoken(whisper):
    heard = MultilingualStt(whisper, "fr", detect=True).transcribe(read("de")[: HEAR_RATE // 2])
    assert heard.language == "fr"


@pytest.mark.parametrize("level", [0, 1500])
def test_noise_is_doubted_in_every_language(whisper, level):
    noise = np.random.default_rng(level).normal(0, level, 2 * HEAR_RATE).astype(np.int16)
    for code in ("de", "zh"):
        assert MultilingualStt(whisper, code).transcribe(noise).doubt > 0.55


def test_hardly_any_sound_is_no_words_and_no_error(whisper):
    stt = MultilingualStt(whisper, "ja", detect=True)
    for samples in (0, 1, 200):
        assert stt.transcribe(np.zeros(samples, np.int16)).doubt > 0.55


def test_a_language_that_nobody_can_hear_is_refused_with_those_that_can(whisper):
    with pytest.raises(EngineError, match="tlh.*choose one of: en, es"):
        MultilingualStt(whisper, "tlh")


def test_where_whisper_is_not_sure_the_language_stays():
    assert judged({"de": 0.5, "en": 0.45}, "en").language == "en"
    assert judged({"de": 0.97, "en": 0.01}, "en").language == "de"
    assert judged({"la": 0.9, "en": 0.05}, "en").language == "en"  # Latin is spoken nowhere
    found = judged({}, "de")
    assert (found.language, 0.0 <= found.foreign <= 1.0) == ("de", True)


def test_english_never_asks_the_other_network(tmp_path):
    class Never:
        def transcribe(self, pcm, before=""):
            raise AssertionError

    stt = EitherStt(load.stt(tmp_path), Never())
    heard = stt.transcribe(read("en-us"))
    assert heard.language == "en"
    assert heard.text


def test_what_is_foreign_to_english_is_heard_again(tmp_path):
    heard = load.stt(tmp_path, "en", detect=True, among=("de", "fr")).transcribe(read("de"))
    assert (heard.language, heard.foreign) == ("de", 0.0)


def test_every_language_has_a_voice_and_an_ear(whisper):
    for code in LANGUAGES:
        assert whisper.special(code)
