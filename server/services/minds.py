"""A plain dialogue as a mind: its text in fragments, from the thread that serves it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing

from visavis.engines.base import Dialogue, Exchange, Fragment, Question, Remark, Thought
from visavis.server.system.served import Served


class DialogueMind:
    """Implements `Mind`. It never acts, so it needs not know whether a question is speculative."""

    def __init__(self, dialogue: Served[Dialogue]) -> None:
        self._dialogue = dialogue

    async def answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        """The dialogue's fragments, as they come. Raises EngineError."""
        history = exchanges(question.history)
        fragments = self._dialogue.stream(_reply, question.text, history, awaited=True)
        async with aclosing(fragments):
            async for fragment in fragments:
                yield Fragment(fragment)


def _reply(dialogue: Dialogue, text: str, history: Sequence[Exchange]) -> Iterator[str]:
    return dialogue.reply(text, history)


def exchanges(history: Sequence[Remark]) -> tuple[Exchange, ...]:
    """Remarks by turns: what the visitor said, and what was heard of the answer."""
    turns: dict[int, dict[str, str]] = {}
    for remark in history:
        turn = turns.setdefault(remark.turn, {"visitor": "", "avatar": ""})
        turn[remark.role] = remark.heard if remark.role == "avatar" else remark.text
    return tuple(Exchange(turn["visitor"], turn["avatar"]) for turn in turns.values())
