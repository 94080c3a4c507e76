"""What stays in a translated text stays, whatever the translator does to it."""

from __future__ import annotations

import random
import re

import pytest
from support.translators import DoubleTranslator

from visavis.engines.translation import keeping

SCRIPT = (
    "[confident] Hello {{first_name|you}}, welcome to Acme Cloud! [pause 0.5]\n\n"
    "Write [smiles] to help@acme.example, or see https://acme.example/a?b=1.\n"
    "{{#if vip}}Your seat is ready.{{else}}Take any seat.{{/if}} [nods]"
)
STAYS = [
    "[confident]", "{{first_name|you}}", "Acme Cloud", "[pause 0.5]", "[smiles]",
    "help@acme.example", "https://acme.example/a?b=1", "{{#if vip}}", "{{else}}", "{{/if}}",
    "[nods]",
]  # fmt: skip


def put(text: str, translator: DoubleTranslator, *glossary: str) -> keeping.Kept:
    (kept,) = keeping.translated(translator, [text], "en", "es", glossary)
    return kept


def test_brackets_placeholders_glossary_and_addresses_stay() -> None:
    kept = put(SCRIPT, DoubleTranslator(), "Acme Cloud")
    assert kept.text == (
        "[confident] HELLO {{first_name|you}}, WELCOME TO Acme Cloud! [pause 0.5]\n\n"
        "WRITE [smiles] TO help@acme.example, OR SEE https://acme.example/a?b=1.\n"
        "{{#if vip}}YOUR SEAT IS READY.{{else}}TAKE ANY SEAT.{{/if}} [nods]"
    )
    assert kept.whole


def test_what_stands_around_a_sentence_is_not_shown_to_the_translator() -> None:
    translator = DoubleTranslator()
    put("[confident] Good day. [smiles]", translator)
    assert translator.asked == [("en", "es", ("Good day.",))]


def test_a_glossary_has_whole_words_only_and_the_longest_first() -> None:
    kept = put("acme Acme Acmes Acme Cloud", DoubleTranslator(), "Acme", "Acme Cloud")
    assert kept.text == "ACME Acme ACMES Acme Cloud"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: re.sub(r"<\d+>|N\d+N", "", text),  # all marks lost
        lambda text: text.replace("<", "< "),  # directions torn
        lambda text: text + text,  # everything twice
        lambda text: re.sub(r"N(\d+)N", "N0N", text),  # one for another
        lambda text: "",
    ],
)
def test_what_a_translator_loses_is_put_back(spoil: object) -> None:
    kept = put(SCRIPT, DoubleTranslator(spoil), "Acme Cloud")  # type: ignore[arg-type]
    assert [stay for stay in STAYS if kept.text.count(stay) != 1] == []
    places = [kept.text.index(stay) for stay in STAYS]
    assert places == sorted(places)


def test_a_sentence_in_parts_is_told() -> None:
    kept = put("We open [pause 0.5] at seven.", DoubleTranslator(lambda t: t.replace("<", "")))
    assert kept == keeping.Kept("We open [pause 0.5] at seven.", whole=False)


def test_texts_without_words_are_not_sent() -> None:
    translator = DoubleTranslator()
    for text in ("", "  \n", "{{name}}", "[smiles]", "... - !", "[smiles] {{name}}!"):
        assert put(text, translator).text == text
    assert translator.asked in ([], [("en", "es", ())])


def test_all_texts_go_in_one_call() -> None:
    translator = DoubleTranslator()
    keeping.translated(translator, ["One.", "Two.\nThree."], "en", "es")
    assert [texts for _, _, texts in translator.asked] == [("One.", "Two.", "Three.")]


def test_pieces_joined_are_the_text_whatever_it_is() -> None:
    chance = random.Random(7)
    letters = "[]{}()#/ \naA1.é漢字ש:@|"
    for _ in range(3000):
        text = "".join(chance.choices(letters, k=chance.randint(0, 40)))
        parts = keeping.pieces(text, ("A1",))
        assert "".join(part if isinstance(part, str) else part.text for part in parts) == text
        stays = [part.text for part in parts if isinstance(part, keeping.Stay)]
        kept = put(text, DoubleTranslator(lambda _: "x"), "A1").text
        at = 0
        for stay in stays:
            at = kept.index(stay, at) + len(stay)
