"""A few words of the avatar's own where an answer is long in coming: "Let me look that up"."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from itertools import count
from statistics import median
from typing import Final

from visavis.engines.base import Foreknowing, Fragment, Mind, Question, Remark, Thought
from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import LANGUAGES, phrases
from visavis.server.system.metrics import Metrics

WAIT: Final = 0.7  # s without an answer after the visitor is sure to have finished
SOON: Final = 0.4  # s: an answer that is expected within them is waited for
_LATE: Final = 0.15  # s that it may be later than expected
_BEGUN: Final = 0.6  # s in which an answer that has begun should have its first clause
_FEW: Final = 3  # answers from which on something is expected
_REMEMBERED: Final = 20
_KEY: Final = "filler.looking"


class Filling:
    """Implements `Mind` over one that may take its time."""

    def __init__(self, mind: Mind, metrics: Metrics) -> None:
        self._mind, self._metrics = mind, metrics
        self._took: deque[float] = deque(maxlen=_REMEMBERED)  # s until answers began
        self._numbers = count()

    async def answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        """The mind's thoughts, after a filler where they do not come. Raises EngineError."""
        begun, asked = asyncio.Event(), _now()
        async with aclosing(self._mind.answer(question)) as thoughts:
            due = asyncio.create_task(self._due(question, asked, begun), name="filler")
            coming: asyncio.Task[Thought | None] | None = None
            try:
                spoken = False
                while not spoken:
                    coming = asyncio.create_task(_next(thoughts), name="thought")
                    if not due.done():
                        await asyncio.wait({coming, due}, return_when=asyncio.FIRST_COMPLETED)
                        if not coming.done() and (filler := self._filler(question)):
                            self._metrics.fillers.inc()
                            yield Fragment(filler)
                    thought = await coming
                    if thought is None:
                        return
                    if isinstance(thought, Fragment):
                        spoken = bool(thought.text)
                        self._note(begun, _now() - asked)
                    yield thought
            finally:
                await _end(due, coming)
            async for thought in thoughts:
                yield thought

    def _note(self, begun: asyncio.Event, seconds: float) -> None:
        if not begun.is_set():
            self._took.append(seconds)
            begun.set()

    async def _due(self, question: Question, asked: float, begun: asyncio.Event) -> None:
        """Return when a filler is due: not where the answer is about to come."""
        await question.confirmed()
        await asyncio.sleep(WAIT)
        if begun.is_set():
            await asyncio.sleep(_BEGUN)
        elif len(self._took) >= _FEW:
            left = asked + median(self._took) - _now()
            if -_LATE < left <= SOON:
                await asyncio.sleep(left + _LATE)

    def _filler(self, question: Question) -> str:
        """Another one each time, blank included; none in a language that has none."""
        if code_of(question.language) not in LANGUAGES:
            return ""
        said, start = phrases(_KEY, question.language), next(self._numbers)
        turned = [said[(start + n) % len(said)] for n in range(len(said))]
        heard = _last_heard(question.history)
        fresh = [each for each in turned if not heard.startswith(each)]
        return f"{(fresh or turned)[0]} "


def warm() -> None:
    """Read the words of all languages, in whatever thread this is."""
    for language in LANGUAGES:
        phrases(_KEY, language)


class Prepared:
    """Implements `Foreknowing`: the fillers, then what another one knows beforehand."""

    def __init__(self, language: str, other: Foreknowing | None) -> None:
        self._language, self._other = language, other

    def foreknown(self) -> Iterator[Sequence[str]]:
        """See Foreknowing."""
        if code_of(self._language) in LANGUAGES:
            yield from ((f"{each} ",) for each in phrases(_KEY, self._language))
        if self._other is not None:
            yield from self._other.foreknown()


async def _next(thoughts: AsyncGenerator[Thought, None]) -> Thought | None:
    return await anext(thoughts, None)


async def _end(*tasks: asyncio.Task[None] | asyncio.Task[Thought | None] | None) -> None:
    """Cancel what still runs; what a task failed with was seen, or is not wanted any more."""
    left = [task for task in tasks if task is not None]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _last_heard(history: Sequence[Remark]) -> str:
    return next((each.heard for each in reversed(history) if each.role == "avatar"), "")


def _now() -> float:
    return asyncio.get_running_loop().time()
