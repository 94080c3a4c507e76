"""A mind that may be away, and another that answers for it meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from visavis.engines.base import EngineAway, EngineError, Fragment, Mind, Question, Thought
from visavis.server.system.faults import fault, harmless
from visavis.server.system.metrics import Metrics

log = logging.getLogger(__name__)

SOONEST: Final = 1.0  # s after a failure until it is tried again; twice as long each time
LATEST: Final = 30.0


class Breaker:
    """Whether a mind that failed is worth asking: after one failure it is not, until it answers.

    Whether it does is tried in the background, so no visitor waits for it.
    """

    def __init__(self, probe: Callable[[], Awaitable[None]], metrics: Metrics) -> None:
        """probe: raises EngineError where it cannot be had."""
        self._probe, self._metrics = probe, metrics
        self._trying: asyncio.Task[None] | None = None
        self._away = False

    @property
    def open(self) -> bool:
        """Whether it is away."""
        return self._away

    def try_now(self) -> None:
        """Find out in the background; it counts as there until that is known."""
        self._start(0.0)

    def failed(self) -> None:
        """It was asked and could not be had."""
        self._tell(away=True)
        self._start(SOONEST)

    def close(self) -> None:
        """Try no more."""
        if self._trying is not None:
            self._trying.cancel()

    def _start(self, pause: float) -> None:
        if self._trying is None or self._trying.done():
            self._trying = asyncio.create_task(self._until_it_answers(pause), name="llm-probe")

    async def _until_it_answers(self, pause: float) -> None:
        while True:
            await asyncio.sleep(pause)
            try:
                await self._probe()
            except Exception as error:  # noqa: BLE001 (whatever it is, it is not there)
                self._tell(away=True, why=fault(harmless(error)))
                pause = min(max(2 * pause, SOONEST), LATEST)
            else:
                self._tell(away=False)
                return

    def _tell(self, *, away: bool, why: str = "") -> None:
        if away != self._away:
            words = "the language model is away" if away else "the language model is back"
            log.warning(words, extra={"fault": why} if why else None)
        self._away = away
        self._metrics.llm_away.set(1 if away else 0)


class StandIn:
    """Implements `Mind` over one that may be away and one, `other`, that never is."""

    def __init__(
        self, mind: Mind, other: Mind, name: str, breaker: Breaker, metrics: Metrics
    ) -> None:
        """name: of the other one, which its fragments carry."""
        self._mind, self._other, self._name = mind, other, name
        self._breaker, self._metrics = breaker, metrics

    async def answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        """The one's thoughts or the other's, never both's. Raises EngineError.

        Who breaks off once something was said or done is not replaced: it would be said twice.
        """
        begun = waited = False
        asked = _now()
        if not self._breaker.open:
            try:
                async with aclosing(self._mind.answer(question)) as thoughts:
                    async for thought in thoughts:
                        if isinstance(thought, Fragment) and not waited:
                            self._metrics.llm_first_token.observe(_now() - asked)
                            waited = True
                        begun = begun or thought != _NOTHING
                        yield thought
            except EngineError as error:
                if isinstance(error, EngineAway):
                    self._breaker.failed()
                if begun:
                    self._metrics.llm_answers.labels("broken").inc()
                    raise
                log.warning("another answers", extra={"by": self._name, "fault": fault(error)})
            else:
                self._metrics.llm_answers.labels("model").inc()
                return
        async with aclosing(self._other.answer(question)) as thoughts:
            async for thought in thoughts:
                yield replace(thought, by=self._name) if isinstance(thought, Fragment) else thought
        self._metrics.llm_answers.labels("stand-in").inc()


_NOTHING: Final = Fragment("")  # of a mind that has begun to answer


def _now() -> float:
    return asyncio.get_running_loop().time()
