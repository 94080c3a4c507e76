"""What is to be spoken, as visitors, operators and minds write it."""

from __future__ import annotations

import re
from typing import Final

from visavis.engines.direction.director import Director
from visavis.engines.direction.lines import Line, Lines
from visavis.engines.direction.sentiment import Sentiment
from visavis.engines.language.brackets import Bracket, BracketReader, Words
from visavis.engines.language.markup import MarkupReader, plain
from visavis.engines.language.pronouncing import phonemes
from visavis.engines.language.saying import empty, sayable
from visavis.engines.language.spoken import spell
from visavis.engines.language.wording import core, normalise, stem, terms

MOST: Final = 2_000
TOKENS: Final = (
    "[smiles]", "[", "](", ". ", "? ", "...", "e.g.", "Dr.", "a.m.", "3:30 pm", "$1,299.99",
    "£20", "50%", "1st", "the 90s", "30s.", "-5°C", "1.234,56 €", "31.12.2025", "2025-12-31",
    "10-12", "1/2", "World War II", "0800 123456", "+49 30 1234", "km/h", "120/night", "5 min.",
    "www.example.org", "a@b.org", "&amp;", "<b>", "</p>", "<break/>", "**", "](http://a/b)",
    "```\n",
    "\n- ", "\n| ", "<!--", "<sub alias=\"a\">", "US$", "1.59 p.m.", "Henry VIII",
 "-", "—", "'s", "²", "٣", "三", "I.", "No. 5",
)  # fmt: skip

_SIGNS: Final = re.compile(r"[0-9_<>@#$%^*=+]")  # what a voice stumbles over
_DIRECTOR: Final = Director()
_SENTIMENT: Final = Sentiment(_DIRECTOR)


def check(data: bytes) -> None:
    """Every text is cut into clauses, and every clause has words for a voice."""
    text = data.decode("utf-8", "replace")
    markup, reader, lines = MarkupReader(), BracketReader(), Lines()
    clauses: list[Line] = []
    half = len(text) // 2
    words = [markup.feed(text[:half]), markup.feed(text[half:]), markup.flush()]
    assert "".join(words) == plain(text)
    pieces = [piece for part in words for piece in reader.feed(part)]
    for piece in (*pieces, *reader.flush()):
        clauses += _taken(lines, piece)
    clauses += lines.flush()
    for clause in clauses:
        said, _ = sayable(clause.text)
        for written in spell(said):
            assert not _SIGNS.search(written.spoken), written
    empty(text)
    _SENTIMENT.answer(text)
    normal = normalise(text)
    for word in terms(core(normal)):
        assert stem(word) is not None
        assert not _SIGNS.search(phonemes(word)), word


def _taken(lines: Lines, piece: Words | Bracket) -> list[Line]:
    if isinstance(piece, Words):
        return lines.text(piece.text)
    return lines.cue(piece.wish, _DIRECTOR.literal(piece.wish))
