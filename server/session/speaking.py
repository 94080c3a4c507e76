"""What was said or typed -> dialogue -> clauses -> speech. Knows no time: the session places it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np

from visavis.engines.base import (
    Delivery,
    Dialogue,
    EngineError,
    Exchange,
    Phoneme,
    Speech,
    Tts,
)
from visavis.engines.direction.director import Director
from visavis.engines.direction.lines import Line, Lines, said
from visavis.engines.direction.rapport import Rapport
from visavis.engines.direction.styles import NOTHING, Direction, Stance
from visavis.engines.language.brackets import Bracket, BracketReader, Words
from visavis.server.playout.messages import Clause, Request, Tick, ms
from visavis.server.system.flow import Channel, Tasks, Worker

log = logging.getLogger(__name__)

T = TypeVar("T")

AHEAD: Final = ms(12_000)  # speech that is synthesized before it is taken
# How long before it sounds a clause is taken: late, so that a direction is heard soon.
TAKEN: Final = ms(3_000)
_DEADLINE: Final = 20.0  # seconds for the next piece of an answer; a dead engine ends the turn
_LINGER: Final[Tick] = ms(800)  # how long a bracket after the last word is shown


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


@dataclass(frozen=True, slots=True)
class Guided:
    """Who understands directions and visitors' moods, and the thread for what takes time."""

    director: Director
    rapport: Rapport
    worker: Worker

    async def understand(self, wish: str) -> Direction:
        """At once where the wish uses words of the table. Never fails: at worst it drops words."""
        literal = self.director.literal(wish)
        if not literal.dropped or not self.director.embeds:
            return literal
        try:
            return await self.worker.call(self.director.understand, wish)
        except EngineError as error:
            log.warning("a direction was read by its words only", extra={"fault": str(error)})
            return literal


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A clause that waits to be taken; `line` counts the lines, `first` begins one."""

    clause: Clause
    line: int
    first: bool
    delivery: Delivery


class Reply:
    """One answer in the making. It begins at once; its clauses wait until they are taken.

    A line is spoken anew when a direction has changed its delivery since.
    """

    def __init__(
        self,
        request: Request,
        mind: Minded,
        voice: Voiced,
        guide: Guided,
        stance: Callable[[], Awaitable[Stance]],
        history: Sequence[Exchange],
        tasks: Tasks,
    ) -> None:
        self.request = request
        self._written: list[Line] = []  # clauses so far, also those not yet spoken
        self._style = NOTHING
        self.complete = False  # whether that is the whole answer
        self._skip = request.skip
        self._mind, self._voice, self._history = mind, voice, tuple(history)
        self._guide, self._stance = guide, stance
        self._brackets, self._lines = BracketReader(), Lines()
        self._speech: Channel[_Prepared] = Channel(AHEAD, lambda p: len(p.clause.speech.pcm))
        self._task = tasks.start(self._make(), name="reply")

    async def clauses(self) -> AsyncGenerator[Clause, None]:
        """The answer in order, each clause as soon as it can be heard. Raises EngineError."""
        again = -1  # the line that was spoken anew
        async for prepared in self._speech:
            line = self._written[prepared.line]
            if prepared.line == again:
                continue
            delivery = await self._delivery(line) if prepared.first else prepared.delivery
            if delivery == prepared.delivery:
                yield prepared.clause
                continue
            again = prepared.line
            async with aclosing(self._voiced(line, delivery)) as clauses:
                async for clause in clauses:
                    yield clause

    @property
    def dropped(self) -> tuple[str, ...]:
        """What of the style and of brackets was not understood, so far."""
        return (*self._style.dropped, *self._lines.dropped)

    def rest(self, heard: int) -> str:
        """What is written after so many words, brackets included."""
        return said(self._written, heard)

    def cancel(self) -> None:
        """Nobody wants this answer any more."""
        self._task.cancel()

    async def _make(self) -> None:
        try:
            if self.request.style:
                self._style = await self._guide.understand(self.request.style)
            async with aclosing(self._unheard()) as lines:
                number = 0
                async for line in lines:
                    await self._prepare(line, number)
                    number += 1
        except EngineError as error:
            self._speech.close(error)
        else:
            self._speech.close()

    async def _unheard(self) -> AsyncGenerator[Line, None]:
        async with aclosing(self._fragments()) as fragments:
            async for fragment in fragments:
                for line in self._noted(await self._read(self._brackets.feed(fragment))):
                    yield line
        last = self._noted([*await self._read(self._brackets.flush()), *self._lines.flush()])
        self.complete = True
        for line in last:
            yield line

    async def _read(self, pieces: Iterable[Words | Bracket]) -> list[Line]:
        lines: list[Line] = []
        for piece in pieces:
            if isinstance(piece, Words):
                lines += self._lines.text(piece.text)
            else:
                lines += self._lines.cue(piece.wish, await self._guide.understand(piece.wish))
        return lines

    def _noted(self, lines: Iterable[Line]) -> list[Line]:
        """Clauses less the words of the answer that are to be skipped."""
        noted = []
        for line in lines:
            words = line.text.split()
            unheard = " ".join(words[self._skip :])
            self._skip = max(0, self._skip - len(words))
            if unheard or not words:
                noted.append(replace(line, text=unheard))
        if noted and not self._written:
            moves = (*self._style.movements, *noted[0].movements)
            noted[0] = replace(noted[0], movements=moves)
        self._written += noted
        return noted

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

    async def _prepare(self, line: Line, number: int) -> None:
        delivery = await self._delivery(line)
        first = True
        async with aclosing(self._voiced(line, delivery, awaited=number == 0)) as clauses:
            async for clause in clauses:
                await self._speech.put(_Prepared(clause, number, first, delivery))
                first = False

    def _directions(self, line: Line) -> tuple[Direction, ...]:
        return self.request.mood, self._style, line.cue

    async def _delivery(self, line: Line) -> Delivery:
        """How a line is to be spoken as things stand."""
        stance = (await self._stance()).directed(*self._directions(line))
        return stance.demeanour.delivery

    async def _voiced(
        self, line: Line, delivery: Delivery, *, awaited: bool = False
    ) -> AsyncGenerator[Clause, None]:
        """The pieces of a line. Raises EngineError."""
        directions, movements = self._directions(line), line.movements
        if not line.text:
            yield Clause("", _silence(_LINGER), directions, movements)
            return
        pieces = self._voice.worker.stream(
            lambda: self._voice.tts.synthesize(line.text, delivery), awaited=awaited
        )
        async with aclosing(pieces):
            while (speech := await _in_time(pieces)) is not None:
                text = " ".join(word.text for word in speech.words)
                yield Clause(text, speech, directions, movements)
                movements = ()


def _silence(length: Tick) -> Speech:
    return Speech(np.zeros(length, np.int16), (Phoneme("", 0, length),), (), "espeak")


async def _in_time(items: AsyncGenerator[T, None]) -> T | None:
    """The next item, None at the end. Raises EngineError, also after the deadline.

    Not `wait_for`, which before Python 3.12 loses a cancellation that meets a result.
    """
    try:
        async with asyncio.timeout(_DEADLINE):
            return await anext(items, None)
    except TimeoutError as error:
        msg = "an engine did not answer in time"
        raise EngineError(msg) from error
