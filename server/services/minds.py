"""Minds as sessions use them: a plain dialogue in the full form, and a mind that is watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import Final

from visavis.engines.base import (
    Confident,
    Deed,
    Dialogue,
    EngineError,
    EngineHung,
    Exchange,
    Fragment,
    Informed,
    Mind,
    Notes,
    Question,
    Remark,
    Thought,
)
from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import ENGLISH
from visavis.server.system.faults import broken, contained
from visavis.server.system.served import Health, Served

# A primary language ("de") -> the same dialogue in it. Raises EngineError.
InLanguage = Callable[[str], Awaitable[Served[Dialogue]]]

_DEADLINE: Final = 20.0  # s for the next piece of an answer; a dead mind ends the turn


class WatchedMind:
    """Implements `Mind` over another one: with a deadline, and with nothing but EngineErrors."""

    def __init__(self, mind: Mind, health: Health) -> None:
        self._mind, self._health = mind, health

    async def answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        """The mind's thoughts, each in time. Raises EngineError."""
        with self._health.watched():
            with contained("the mind"):
                answer = self._mind.answer(question)
            async with aclosing(answer) as thoughts:
                while (thought := await _in_time(thoughts)) is not None:
                    yield thought
        self._health.well()


async def _in_time(thoughts: AsyncGenerator[Thought, None]) -> Thought | None:
    """The next one, None at the end. Raises EngineError, also after the deadline.

    Not `wait_for`, which before Python 3.12 loses a cancellation that meets a result.
    """
    try:
        async with asyncio.timeout(_DEADLINE) as limit:
            return await anext(thoughts, None)
    except EngineError:
        raise
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 (the border)
        if limit.expired():
            raise EngineHung(f"the mind did not answer within {_DEADLINE:g} s") from None
        raise broken("the mind", error) from None


class DialogueMind:
    """Implements `Mind`. It never acts, so it needs not know whether a question is speculative.

    A dialogue has one language: those of others are loaded when they are first asked for.
    """

    def __init__(
        self, dialogue: Served[Dialogue], language: str = ENGLISH, others: InLanguage | None = None
    ) -> None:
        """language: primary, of `dialogue`. others: loads it in another; None: it has but one."""
        self._others, self._opening = others, asyncio.Lock()
        self._dialogues = {language: dialogue}
        self._first = dialogue

    async def answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        """The dialogue's fragments, as they come. Raises EngineError."""
        dialogue = await self.ready(code_of(question.language))
        history = exchanges(question.history)
        fragments = dialogue.stream(_reply, question.text, history, awaited=True)
        async with aclosing(fragments):
            async for fragment in fragments:
                yield fragment

    async def consult(self, question: Question) -> Notes:
        """What its file of answers has on a question. Raises EngineError."""
        dialogue = await self.ready(code_of(question.language))
        history = exchanges(question.history)
        asked = dialogue.stream(_notes, question.text, history, awaited=True)
        async with aclosing(asked) as notes:
            return await anext(notes)

    async def ready(self, language: str) -> Served[Dialogue]:
        """Load the dialogue of a primary language, if it is not there. Raises EngineError."""
        if self._others is None:
            return self._first
        async with self._opening:
            if language not in self._dialogues:
                self._dialogues[language] = await self._others(language)
            return self._dialogues[language]


def _reply(dialogue: Dialogue, text: str, history: Sequence[Exchange]) -> Iterator[Fragment | Deed]:
    sure = dialogue.sure(text, history) if isinstance(dialogue, Confident) else None
    for piece in dialogue.reply(text, history):
        match piece:
            case str():
                yield Fragment(piece, sure)
            case Fragment(text=said, language=language):
                yield Fragment(said, sure, language)
            case _:
                yield piece


def _notes(dialogue: Dialogue, text: str, history: Sequence[Exchange]) -> Iterator[Notes]:
    yield dialogue.notes(text, history) if isinstance(dialogue, Informed) else Notes()


def exchanges(history: Sequence[Remark]) -> tuple[Exchange, ...]:
    """Remarks by turns: what the visitor said, and what was heard of the answer."""
    turns: dict[int, dict[str, str]] = {}
    for remark in history:
        turn = turns.setdefault(remark.turn, {"visitor": "", "avatar": ""})
        turn[remark.role] = remark.heard if remark.role == "avatar" else remark.text
    return tuple(Exchange(turn["visitor"], turn["avatar"]) for turn in turns.values())
