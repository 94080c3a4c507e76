"""The phrasebook: every language says everything, and fills in the same."""

import re

import pytest

from visavis.engines.language import phrasebook
from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import LANGUAGES, phrase, phrases

BRACES = re.compile(r"\{\w+\}")
BRACKETS = re.compile(r"\[[^\]]*\]")


def told(language):
    return phrasebook._phrases(language)


def test_a_language_falls_back_to_english_and_a_key_to_nothing():
    assert phrases("apology.failed", "pt-BR") == phrases("apology.failed", "en")
    assert phrases("apology.failed", "de-AT") != phrases("apology.failed", "en")
    with pytest.raises(KeyError):
        phrases("apology.unheard-of", "de")


def test_tags_of_regions_and_scripts():
    assert [code_of(tag) for tag in ("zh-Hant-TW", "pt_BR", "EN", "ar")] == ["zh", "pt", "en", "ar"]


def test_phrases_take_turns(monkeypatch):
    monkeypatch.setattr(phrasebook, "_phrases", lambda _: {"a.b": ("one", "two")})
    assert [phrase("a.b", "en", turn) for turn in range(3)] == ["one", "two", "one"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_blanks(language):
    english, own = told("en"), told(language)
    assert set(own) == set(english)
    for key, said in own.items():
        assert all(text.strip() == text and text for text in said), key
        blanks = {frozenset(BRACES.findall(text)) for text in english[key]}
        assert {frozenset(BRACES.findall(text)) for text in said} <= blanks, key


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_what_is_spoken_is_in_the_language_s_own_script(language):
    scripts = {"zh": r"[\u4e00-\u9fff]", "ar": r"[\u0600-\u06ff]"}
    letters = re.compile(scripts.get(language, r"[a-zà-ÿ]"), re.IGNORECASE)
    for key, said in told(language).items():
        for text in () if key == "list.comma" else said:
            assert letters.search(BRACKETS.sub("", text)), key
