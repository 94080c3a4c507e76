"""Mark-up is not read out, however the text comes in pieces."""

import random

import pytest

from visavis.engines.language.markup import MarkupReader, plain
from visavis.engines.language.saying import empty, sayable

TEXTS = {
    "<speak>Hello, <emphasis level='strong'>dear</emphasis> guest.<break time='1s'/></speak>":
        "Hello, dear guest.",
    "The <sub alias='World Wide Web Consortium'>W3C</sub> is here.":
        "The World Wide Web Consortium is here.",
    "<p>Tom &amp; Jerry</p><p>5 &lt; 6, caf&eacute;,&nbsp;&#8364;5</p>":
        "Tom & Jerry. 5 < 6, café, €5.",
    "<ul><li>Pool</li><li>Gym!</li></ul>": "Pool. Gym!",
    "A<script>alert('no')</script> word<!-- none --> here<style>p {}</style>.": "A word here.",
    "## Rooms\n- **Single**: $80\n- *Double* (big)\n": "Rooms. Single: $80. Double (big).",
    "1. Take the ~~stairs~~ `lift`.\n> quoted _text_\n***\nsnake_case stays":
        "1. Take the stairs lift. quoted text snake_case stays",
    "See [the **menu**](https://hotel.com/a_b?q=1 \"today\") or ![our cat](cat.png).":
        "See the menu or our cat.",
    "Write to <https://hotel.com/menu> or <info@hotel.com>.":
        "Write to https://hotel.com/menu or info@hotel.com.",
    "| Room | Price |\n|:-----|------:|\n| One | $80 |\n": "Room, Price, One, $80,",
    "So:\n```python\nprint('no')\n```\nDone.": "So: Done.",
    "[smiles] 2*8, 5 * 3, ~20 and a < b [nods]": "[smiles] 2*8, 5 * 3, ~20 and a < b [nods]",
    "I <3 it, x<5 & y>7": "I <3 it, x<5 & y>7",
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_left_of_mark_up(text):
    assert " ".join(plain(text).split()) == TEXTS[text]


@pytest.mark.parametrize("text", TEXTS)
def test_pieces_give_what_the_whole_gives(text):
    chance = random.Random(3)
    for _ in range(20):
        reader, at, parts = MarkupReader(), 0, []
        while at < len(text):
            size = chance.randint(1, 5)
            parts.append(reader.feed(text[at : at + size]))
            at += size
        assert "".join([*parts, reader.flush()]) == plain(text)


def test_words_are_not_held_back():
    """A voice waits for the first clause: plain words pass through as they come."""
    reader = MarkupReader()
    assert reader.feed("Yes! The pool is open, ") == "Yes! The pool is open, "
    assert reader.feed("5 < 6") == "5 < 6"


@pytest.mark.parametrize(
    "text", ["你好", "😀 🎉", "...", "— –", "[]", "<b></b>", "**", "&nbsp;", "مرحبا"]
)
def test_nothing_to_say(text):
    assert empty(text)


@pytest.mark.parametrize(
    "text", ["Hi", "5", "€5", "½", "你好 hello", "[smiles]", "&amp;", "Ω café", "+"]
)
def test_something_to_say(text):
    assert not empty(text)


def test_words_of_other_scripts_are_left_out_and_told():
    assert sayable("Say 你好 to – 😀 Дима!") == ("Say to – 😀", ("你好", "Дима!"))
    assert sayable("你好 😀") == ("", ("你好",))
    assert sayable("The café costs 5 €.") == ("The café costs 5 €.", ())
