"""Words of danger are answered here, before any mind is asked, and a human being is called."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Final

from visavis.engines.base import Fragment, HandOver, Mind, Question, Thought
from visavis.engines.dialogue.danger import (
    MANNER,
    Kind,
    Rescue,
    answer,
    danger,
    own_answers,
    still,
)
from visavis.engines.dialogue.knowledge_file import Knowledge
from visavis.server.system.metrics import Metrics

_STILL: Final = 2  # questions after it that are taken for part of the same danger
Files = Callable[[str], Knowledge | None]  # what the operator's file says in a language


class DangerMind:
    """Implements `Mind` over another one, which is not asked where somebody is in danger."""

    def __init__(self, mind: Mind, rescue: Rescue, files: Files, metrics: Metrics) -> None:
        self._mind, self._rescue, self._files, self._metrics = mind, rescue, files, metrics
        self._own: dict[str, tuple[Knowledge, Mapping[Kind, str]]] = {}

    async def open(self, language: str) -> None:
        """Read the operator's own answers, so that nobody in danger waits for it."""
        await self._own_answers(language)

    async def answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        """Ours where the words tell of a danger, else the mind's. Raises EngineError."""
        kind = danger(question.text)
        if kind is None:
            thoughts = self._mind_answer(question)
        else:
            thoughts = self._met(kind, question)
        async with aclosing(thoughts) as told:
            async for thought in told:
                yield thought

    async def _met(self, kind: Kind, question: Question) -> AsyncGenerator[Thought, None]:
        own = await self._own_answers(question.language)
        # Sure, so that it is said at once; the words that may follow cannot take the danger back,
        # for they are read together with these.
        yield Fragment(answer(kind, question.language, self._rescue, own), 1.0)
        yield HandOver(f"danger: {kind}")
        await question.confirmed()
        self._metrics.dangers.labels(kind).inc()

    async def _mind_answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        careful = _is_recent(question)
        async with aclosing(self._mind.answer(question)) as thoughts:
            async for thought in thoughts:
                if careful and isinstance(thought, Fragment):
                    careful = False
                    if thought.sure == 0.0:
                        yield Fragment(still(question.language, self._rescue), 1.0)
                        return
                    yield Fragment(f"{MANNER} {thought.text}", thought.sure)
                    continue
                yield thought

    async def _own_answers(self, language: str) -> Mapping[Kind, str]:
        knowledge = self._files(language)
        if knowledge is None:
            return {}
        known = self._own.get(language)
        if known is None or known[0] is not knowledge:  # the file was changed
            known = knowledge, await asyncio.to_thread(own_answers, knowledge)
            self._own[language] = known
        return known[1]


def _is_recent(question: Question) -> bool:
    """Whether one of the visitor's last words before these told of a danger."""
    said = [remark.text for remark in question.history if remark.role == "visitor"]
    return any(danger(text) for text in said[-_STILL:])
