"""Words of danger are answered here, before any mind is asked, and a human being is called."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from visavis.engines.base import (
    EngineError,
    Foreknowing,
    Fragment,
    HandOver,
    Mind,
    Question,
    Remark,
    Thought,
)
from visavis.engines.dialogue import knowledge_file
from visavis.engines.dialogue.danger import (
    KINDS,
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
from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import ENGLISH, voiced
from visavis.server.system.seldom import Seldom

_seldom = Seldom(logging.getLogger(__name__))

Means = Callable[[str], Kind | None]  # what a text means; raises EngineError

_HEARD: Final = 0.7  # of an answer, by its letters: less may not have said what to do
_STILL: Final = 2  # questions after it that are taken for part of the same danger


class DangerMind:
    """Implements `Mind` over another one, which is not asked where somebody is in danger."""

    def __init__(
        self, mind: Mind, rescue: Rescue, own: OwnAnswers, meaning: Means | None = None
    ) -> None:
        """meaning: looks once more at what the mind has no answer to; None: nobody does."""
        self._mind, self._rescue, self._own, self._meaning = mind, rescue, own, meaning

    async def foreknown(self, other: Foreknowing | None, language: str = ENGLISH) -> Foreknowing:
        """What is said to a danger in a language, then what another one knows: to be made ahead."""
        own = await self._own.get(language)
        said = [answer(kind, language, self._rescue, own) for kind in KINDS]
        return _Foreknown((*said, still(language, self._rescue)), other)

    async def answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        """Ours where the words tell of a danger, else the mind's. Raises EngineError."""
        kind = danger(question.text) or _unheard(question.history)
        thoughts = self._mind_answer(question) if kind is None else self._met(kind, question)
        async with aclosing(thoughts) as told:
            async for thought in told:
                yield thought

    async def _met(self, kind: Kind, question: Question) -> AsyncGenerator[Thought, None]:
        own = await self._own.get(question.language)
        # Sure, so that it is said at once. What may follow takes no danger back, for it is read
        # together with these words.
        text = answer(kind, question.language, self._rescue, own)
        spoken = "" if kind in own else voiced(question.language)
        yield Fragment(text, 1.0, language=spoken, urgent=True)
        yield HandOver(f"danger: {kind}")

    async def _mind_answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        async with aclosing(self._mind.answer(question)) as thoughts:
            async for thought in self._looked_at(thoughts, question):
                yield thought

    async def _looked_at(
        self, thoughts: AsyncGenerator[Thought, None], question: Question
    ) -> AsyncGenerator[Thought, None]:
        first = await anext(thoughts, None)
        if isinstance(first, Fragment) and first.sure == 0.0:
            kind = await self._meant(question)
            if kind is not None:
                async for thought in self._met(kind, question):
                    yield thought
                return
        rest = _after(first, thoughts)
        if _is_recent(question.history):
            rest = self._serious(rest, question.language)
        async with aclosing(rest):
            async for thought in rest:
                yield thought

    async def _meant(self, question: Question) -> Kind | None:
        """The danger that an unknown question means. Never fails."""
        if self._meaning is None or code_of(question.language) != ENGLISH:
            return None
        try:
            return await asyncio.to_thread(self._meaning, question.text)
        except EngineError as error:
            _seldom.warning("danger", "danger is told by phrases alone", fault=str(error))
            return None

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
                text = still(language, self._rescue)
                yield Fragment(text, 1.0, language=voiced(language), urgent=True)
                return
            said = _words(brackets.feed(thought.text))
            told = said if begun else f"{MANNER} {said}"
            yield replace(thought, text=told, urgent=True)
            begun = True
        if left := _words(brackets.flush()):
            yield Fragment(left)


class _Foreknown:
    """Implements `Foreknowing`: these answers, then those of another one."""

    def __init__(self, answers: Sequence[str], other: Foreknowing | None) -> None:
        self._answers, self._other = answers, other

    def foreknown(self) -> Iterator[Sequence[str]]:
        """See `Foreknowing`."""
        yield from ((answer,) for answer in self._answers)
        if self._other is not None:
            yield from self._other.foreknown()


async def _after(
    first: Thought | None, rest: AsyncGenerator[Thought, None]
) -> AsyncGenerator[Thought, None]:
    if first is not None:
        yield first
    async for thought in rest:
        yield thought


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
        return await asyncio.to_thread(self._get, code_of(language))

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
