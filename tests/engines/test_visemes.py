"""The table of mouth shapes covers what espeak-ng writes for six languages, and nothing freezes."""

from pathlib import Path

import piper
import pytest
from piper import espeakbridge

from visavis.engines.motion.visemes import _ESPEAK, SILENCE, _speaks, visemes

KNOWN = set("".join(_ESPEAK.values()))

TEXTS = {
    "en-us": "The quick brown fox jumps over the lazy dog. A measure of joy at church; nothing.",
    "es": "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío; añoraba mucho.",
    "fr": "Portez ce vieux whisky au juge blond qui fume. Un bon vin blanc, la montagne, le cœur.",
    "de": "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. Ich mag Pfeffer.",
    "cmn": "你好，欢迎光临，我们的餐厅在二楼，早餐从七点开始，谢谢。女儿去日本吃饭，四是四。",
    "ar": "مرحبا بكم في الفندق. الفطور من السابعة صباحا حتى العاشرة. القلعة والضيف وغرفة خضراء.",
}


@pytest.fixture(scope="module")
def phonemes():
    """The phonemes that espeak-ng gives for each text."""
    espeakbridge.initialize(str(Path(piper.__file__).parent / "espeak-ng-data"))
    given = {}
    for language, text in TEXTS.items():
        espeakbridge.set_voice(language)
        given[language] = "".join(clause[0] for clause in espeakbridge.get_phonemes(text))
    return given


@pytest.mark.parametrize("language", TEXTS)
def test_every_letter_has_a_class_of_its_own(phonemes, language):
    letters = {char for char in phonemes[language] if _speaks(char)}
    assert len(letters) > 18
    assert letters - KNOWN == set()


@pytest.mark.parametrize("language", TEXTS)
def test_lips_close_and_vowels_open_in_every_language(phonemes, language):
    shapes = [shape for char in phonemes[language] for shape in visemes(char, "espeak")]
    assert any(shape.seal == "lips" for shape in shapes)
    assert any(shape.vowel and shape.targets.get("jawOpen", 0) > 0.3 for shape in shapes)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [("tʃ", "sh"), ("pʰ", "pp"), ("ɕ", "sh"), ("ʁ", "xx"), ("ɔ̃", "ao"), ("ħ", "xx"), ("y", "yy")],
)
def test_sounds_that_english_lacks(symbol, name):
    assert [shape.name for shape in visemes(symbol, "espeak")] == [name]


def test_an_unknown_symbol_falls_to_a_near_class_and_never_freezes_the_mouth():
    assert visemes("ꟾ", "espeak")[0].targets
    assert visemes("ẹ", "espeak")[0].name == "ee"
    assert visemes("ˈ", "espeak") == ()
    assert visemes("", "espeak") == (SILENCE,)
