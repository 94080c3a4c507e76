"""What was said or typed -> dialogue -> clauses -> speech. Knows no time: the session places it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, TypeVar

from visavis.engines.base import Dialogue, EngineError, Exchange, Tts
from visavis.server.clauses import Clauses
from visavis.server.flow import Channel, Tasks, Worker
from visavis.server.messages import Clause, Request, ms

T = TypeVar("T")

AHEAD: Final = ms(12_000)  # speech that is synthesized before it is needed
_DEADLINE: Final = 20.0  # seconds for the next piece of an answer; a dead engine ends the turn


@dataclass(frozen=True, slots=True)
class Voiced:
    """A voice and the thread that serves it."""

    tts: Tts
    worker: Worker


@dataclass(frozen=True, slots=True)
class Minded:
    """A dialogue and the thread that serves it."""

    dialogue: Dialogue
    worker: Worker


class Reply:
    """One answer in the making. It begins at once; its clauses wait until they are taken."""

    def __init__(
        self,
        request: Request,
        mind: Minded,
        voice: Voiced,
        history: Sequence[Exchange],
        tasks: Tasks,
    ) -> None:
        self.request = request
        self.written: list[str] = []  # clauses so far, also those not yet spoken
        self.complete = False  # whether that is the whole answer
        self._skip = request.skip
        self._mind, self._voice, self._history = mind, voice, tuple(history)
        self._speech: Channel[Clause] = Channel(AHEAD, lambda clause: len(clause.speech.pcm))
        self._task = tasks.start(self._make(), name="reply")

    async def clauses(self) -> AsyncGenerator[Clause, None]:
        """The answer in order, each clause as soon as it can be heard. Raises EngineError."""
        async for clause in self._speech:
            yield clause

    def cancel(self) -> None:
        """Nobody wants this answer any more."""
        self._task.cancel()

    async def _make(self) -> None:
        try:
            async with aclosing(self._texts()) as texts:
                awaited = True
                async for text in texts:
                    await self._synthesize(text, awaited=awaited)
                    awaited = False
        except EngineError as error:
            self._speech.close(error)
        except TimeoutError:
            self._speech.close(EngineError("an engine did not answer in time"))
        else:
            self._speech.close()

    async def _texts(self) -> AsyncGenerator[str, None]:
        splitter = Clauses()
        async with aclosing(self._fragments()) as fragments:
            async for fragment in fragments:
                for text in filter(None, map(self._unheard, splitter.feed(fragment))):
                    yield text
        last = [*filter(None, map(self._unheard, splitter.flush()))]
        self.complete = True
        for text in last:
            yield text

    def _unheard(self, text: str) -> str:
        """Note a clause, less the words of the answer that are to be skipped."""
        words = text.split()
        unheard = " ".join(words[self._skip :])
        self._skip = max(0, self._skip - len(words))
        if unheard:
            self.written.append(unheard)
        return unheard

    async def _fragments(self) -> AsyncGenerator[str, None]:
        request = self.request
        if request.origin == "say":
            yield request.text
            return
        answer = self._mind.worker.stream(
            lambda: self._mind.dialogue.reply(request.text, self._history), awaited=True
        )
        async with aclosing(answer):
            while (fragment := await _in_time(answer)) is not None:
                yield fragment

    async def _synthesize(self, text: str, *, awaited: bool) -> None:
        pieces = self._voice.worker.stream(
            lambda: self._voice.tts.synthesize(text), awaited=awaited
        )
        async with aclosing(pieces):
            while (speech := await _in_time(pieces)) is not None:
                clause = Clause(" ".join(word.text for word in speech.words), speech)
                await self._speech.put(clause)


async def _in_time(items: AsyncGenerator[T, None]) -> T | None:
    """The next item, None at the end. Raises TimeoutError after the deadline.

    Not `wait_for`, which before Python 3.12 loses a cancellation that meets a result.
    """
    async with asyncio.timeout(_DEADLINE):
        return await anext(items, None)
