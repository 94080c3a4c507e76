"""What visitors ask, typed or transcribed."""

from __future__ import annotations

from typing import Final

from support.embedders import WordVectors

from visavis.engines.base import Exchange, Fragment
from visavis.engines.dialogue.knowledge import KnowledgeDialogue
from visavis.engines.dialogue.knowledge_file import EXAMPLE

MOST: Final = 2_000
TOKENS: Final = (
    "what time is breakfast", "how much", "where is the pool", "and on sundays", "yes", "no",
    "say that again", "thank you", "hello", "goodbye", "who are you", "help", "stop", "?", "\n",
    "don't", "DON’T", "é", "早上好", "٣", "😀", "\u200b", "\u202e", "I'm", "12", "a.m.",
)  # fmt: skip

_DIALOGUE: Final = KnowledgeDialogue(EXAMPLE, WordVectors())


def check(data: bytes) -> None:
    """Each line is a question, asked after those before it; each has an answer in words."""
    history: list[Exchange] = []
    for line in data.decode("utf-8", "replace").split("\n")[:4]:
        pieces = _DIALOGUE.reply(line, history)
        texts = (each.text if isinstance(each, Fragment) else each for each in pieces)
        answer = "".join(text for text in texts if isinstance(text, str))
        assert answer.strip()
        history.append(Exchange(line, answer))
