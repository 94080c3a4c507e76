"""Words of danger are answered here, before any mind is asked, and a human being is called."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from visavis.engines.base import Fragment, HandOver, Mind, Question, Remark, Thought
from visavis.engines.dialogue import knowledge_file
from visavis.engines.dialogue.danger import (
    MANNER,
    Kind,
    Rescue,
    answer,
    danger,
    own_answers,
    still,
)
from visavis.engines.dialogue.entries import Knowledge, KnowledgeError
from visavis.engines.language.brackets import Bracket, BracketReader, Words, unmarked
from visavis.engines.language.phrasebook import primary
from visavis.server.system.metrics import Metrics

_HEARD: Final = 0.7  # of an answer, by its letters: less may not have said what to do
_STILL: Final = 2  # questions after it that are taken for part of the same danger


class DangerMind:
    """Implements `Mind` over another one, which is not asked where somebody is in danger."""

    def __init__(self, mind: Mind, rescue: Rescue, own: OwnAnswers, metrics: Metrics) -> None:
        self._mind, self._rescue, self._own, self._metrics = mind, rescue, own, metrics

    async def answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        """Ours where the words tell of a danger, else the mind's. Raises EngineError."""
        kind = danger(question.text) or _unheard(question.history)
        thoughts = self._mind_answer(question) if kind is None else self._met(kind, question)
        async with aclosing(thoughts) as told:
            async for thought in told:
                yield thought

    async def _met(self, kind: Kind, question: Question) -> AsyncGenerator[Thought, None]:
        own = await self._own.get(question.language)
        # Sure, so that it is said at once; the words that may follow cannot take the danger back,
        # for they are read together with these.
        yield Fragment(answer(kind, question.language, self._rescue, own), 1.0)
        yield HandOver(f"danger: {kind}")
        await question.confirmed()
        self._metrics.dangers.labels(kind).inc()

    async def _mind_answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        async with aclosing(self._mind.answer(question)) as thoughts:
            if not _is_recent(question.history):
                async for thought in thoughts:
                    yield thought
                return
            async for thought in self._serious(thoughts, question.language):
                yield thought

    async def _serious(
        self, thoughts: AsyncGenerator[Thought, None], language: str
    ) -> AsyncGenerator[Thought, None]:
        """What a mind says while a danger may not be over: in no manner of its own."""
        brackets, begun = BracketReader(), False
        async for thought in thoughts:
            if not isinstance(thought, Fragment):
                yield thought
                continue
            if not begun and thought.sure == 0.0:
                yield Fragment(still(language, self._rescue), 1.0)
                return
            said = _words(brackets.feed(thought.text))
            yield replace(thought, text=said if begun else f"{MANNER} {said}")
            begun = True
        if left := _words(brackets.flush()):
            yield Fragment(left)


def _words(pieces: Iterable[Words | Bracket]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Words))


def _is_recent(history: Sequence[Remark]) -> bool:
    """Whether one of the visitor's last words before these told of a danger."""
    said = [remark.text for remark in history if remark.role == "visitor"]
    return any(danger(text) for text in said[-_STILL:])


def _unheard(history: Sequence[Remark]) -> Kind | None:
    """The danger just before, where the visitor spoke on and did not hear what to do."""
    if not history:
        return None
    last = [remark for remark in history if remark.turn == history[-1].turn]
    told = next((danger(each.text) for each in last if each.role == "visitor"), None)
    heard = any(
        len(each.heard) >= _HEARD * len(unmarked(each.text))
        for each in last
        if each.role == "avatar"
    )
    return None if heard else told


class OwnAnswers:
    """What the operator's file says to dangers; read anew when it was changed."""

    def __init__(self, path: Path | None) -> None:
        """None: there is no file, and our own words are said."""
        self._path, self._changed = path, 0
        self._knowledge: Knowledge | None = None
        self._answers: dict[str, Mapping[Kind, str]] = {}

    async def get(self, language: str) -> Mapping[Kind, str]:
        """In this language; empty where the file has none. Never fails."""
        return await asyncio.to_thread(self._get, primary(language))

    def _get(self, language: str) -> Mapping[Kind, str]:
        if self._path is None:
            return {}
        with suppress(OSError, KnowledgeError):  # a file that is being mended: as it was before
            changed = self._path.stat().st_mtime_ns
            if changed != self._changed:
                self._knowledge, self._changed = knowledge_file.load(self._path), changed
                self._answers = {}
        if self._knowledge is None:
            return {}
        if language not in self._answers:
            self._answers[language] = own_answers(self._knowledge, language)
        return self._answers[language]
