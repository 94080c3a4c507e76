"""What was said or typed -> mind -> clauses -> speech, ready to be placed in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from math import inf
from typing import Final, Protocol

import numpy as np

from visavis.engines.base import (
    Call,
    Card,
    EngineError,
    Farewell,
    Fragment,
    Gesture,
    HandOver,
    Mind,
    Phoneme,
    Prosody,
    Remark,
    Result,
    Show,
    Speech,
    Thought,
    Tts,
)
from visavis.engines.direction.lines import Line, Lines, said
from visavis.engines.direction.styles import NOTHING, ActiveStyles, Direction
from visavis.engines.language.brackets import Bracket, BracketReader, Words
from visavis.engines.language.languages import code_of
from visavis.engines.language.markup import MarkupReader
from visavis.engines.language.saying import sayable
from visavis.server.playout.messages import Clause, Request, Tick, ms
from visavis.server.session.disclosing import Opening
from visavis.server.session.guide import Guide
from visavis.server.system.faults import broken
from visavis.server.system.flow import Channel, Tasks
from visavis.server.system.served import Served

log = logging.getLogger(__name__)

AHEAD: Final = ms(12_000)  # speech that is synthesized before it is taken
# How long before it sounds a clause is taken: late, so that a direction is heard soon.
TAKEN: Final = ms(3_000)
_LINGER: Final[Tick] = ms(800)  # how long a bracket after the last word is shown


class NothingToSay(EngineError):
    """The answer has no word that the voice can say."""


class Ahead(Protocol):
    """Speech that was synthesized before anybody asked for it."""

    async def find(self, text: str, prosody: Prosody) -> Sequence[Speech] | None:
        """All pieces of a line, as the voice makes them; None: it has to. Never fails."""
        ...


@dataclass(frozen=True, slots=True)
class Spoken:
    """A voice, what it has said already (None: nothing), and what it says when an answer failed."""

    voice: Served[Tts]
    ahead: Ahead | None = None
    apology: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class Speakers:
    """Who makes a reply: what is said, in which voice, and how.

    ahead: what that voice has said already; None: nothing. language: BCP 47, of the voice. abroad:
    who speaks another one, loaded when it is first asked for (raises EngineError); None: nobody.
    admit: a card as a page can show it; None: it may not be shown.
    """

    mind: Mind
    voice: Served[Tts]
    guide: Guide
    ahead: Ahead | None = None
    language: str = "en"
    abroad: Callable[[str], Awaitable[Spoken]] | None = None
    admit: Callable[[Card], Card | None] = lambda card: card


class _Question:
    """Implements `Question`: speculative until the visitor's turn is over."""

    def __init__(
        self, request: Request, history: Sequence[Remark], confirmed: asyncio.Event
    ) -> None:
        self.text, self.language, self.mood = request.text, request.language, request.felt
        self.staffed = request.staffed
        self.history, self._confirmed = history, confirmed

    @property
    def speculative(self) -> bool:
        return not self._confirmed.is_set()

    async def confirmed(self) -> None:
        await self._confirmed.wait()


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A clause that waits to be taken; `line` counts the lines, `first` begins one."""

    clause: Clause
    line: int
    first: bool
    prosody: Prosody


class Reply:
    """One answer in the making. It begins at once; its clauses wait until they are taken.

    A line is spoken anew when a direction has changed its prosody since. `confirm` says that the
    visitor has finished: until then a mind may think, but not act.
    """

    def __init__(
        self,
        request: Request,
        speakers: Speakers,
        active: Callable[[], Awaitable[ActiveStyles]],
        history: Sequence[Remark],
        tasks: Tasks,
        *,
        sentence: str = "",
    ) -> None:
        """sentence: said before the answer (see `disclosing`), and no part of it."""
        self.request = request
        self._opening = Opening(sentence, request.language)
        self.tool_calls: list[tuple[Call, str]] = []  # of the mind, with their results
        self.tool_seconds: list[float] = []
        self.unsaid: list[str] = []  # words of other scripts, which are left out
        self._written: list[Line] = []  # clauses so far, also those not yet spoken
        self._style = NOTHING
        self.complete = False  # whether that is the whole answer
        self.by = ""  # who answers in place of the mind that was asked
        self.sure: float | None = None  # that the question is whole, and this its answer
        self.assured: Callable[[float], None] = lambda sure: None  # told of it
        self._skip = request.skip
        self._acted = False  # whether the mind has used a tool, or done something
        self.farewell = False  # whether the conversation is over after it
        self.staff: Callable[[str], None] = lambda reason: None  # calls them, with the reason
        self._hand_over: str | None = None  # the reason, until it is confirmed
        self._confirmed = asyncio.Event()
        self._mind, self._guide = speakers.mind, speakers.guide
        self._speakers, self._admit = speakers, speakers.admit
        self._history, self._active = tuple(history), active
        self._markup, self._brackets, self._lines = (
            MarkupReader(),
            BracketReader(),
            Lines(request.language),
        )
        self._speech: Channel[_Prepared] = Channel(AHEAD, lambda p: len(p.clause.speech.pcm))
        self._task = tasks.start(self._make(), name="reply")

    async def clauses(self) -> AsyncGenerator[Clause, None]:
        """The answer in order, each clause as soon as it can be heard. Raises EngineError."""
        again = -1  # the line that was spoken anew
        async for prepared in self._speech:
            line = self._written[prepared.line]
            if prepared.line == again:
                continue
            prosody = await self._prosody(line) if prepared.first else prepared.prosody
            if prosody == prepared.prosody:
                yield prepared.clause
                continue
            again = prepared.line
            async with aclosing(self._voiced(line, prosody)) as clauses:
                async for clause in clauses:
                    yield clause

    @property
    def dropped(self) -> tuple[str, ...]:
        """What of the style and of brackets was not understood, so far."""
        return (*self._style.dropped, *self._lines.dropped)

    def rest(self, heard: int) -> str:
        """What is written after so many words, brackets included."""
        return said(self._written, heard)

    @property
    def before(self) -> int:
        """How many of its first words are no part of the answer."""
        return self._opening.words

    @property
    def written(self) -> str:
        """All of it so far, brackets included."""
        return self.rest(0)

    def left(self, heard: int) -> float:
        """How many words there are after so many; infinite while more may be written."""
        if not self.complete:
            return inf
        return sum(len(line.text.split()) for line in self._written) - heard

    def confirm(self) -> None:
        """The visitor has finished: this is the question."""
        self._confirmed.set()
        self._call_staff()

    async def confirmed(self) -> None:
        """Return once the visitor is known to have finished."""
        await self._confirmed.wait()

    def _call_staff(self) -> None:
        if self._hand_over is not None and self._confirmed.is_set():
            reason, self._hand_over = self._hand_over, None
            self.staff(reason)

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
        except Exception as error:  # noqa: BLE001 (whoever waits for clauses would wait for ever)
            self._speech.close(broken("reply", error))
        else:
            self._speech.close()

    async def _unheard(self) -> AsyncGenerator[Line, None]:
        async with aclosing(self._thoughts()) as thoughts:
            async for thought in thoughts:
                for line in self._opened(thought):
                    yield line
                for line in self._noted(await self._taken(thought)):
                    yield line
        rest = [*self._brackets.feed(self._markup.flush()), *self._brackets.flush()]
        last = self._noted([*await self._read(rest), *self._lines.flush()])
        self.complete = True
        answered = len(self._written) > self._opening.count
        if not answered and not self.request.skip and not self._acted:
            raise NothingToSay("the answer has no word that the voice can say")
        for line in last:
            yield line

    def _opened(self, thought: Thought) -> list[Line]:
        lines = self._opening.lines(thought, self._style.movements)
        self._written += lines
        return lines

    async def _taken(self, thought: Thought) -> list[Line]:
        """The lines that a thought completes; tools that were used are kept in `tool_calls`."""
        match thought:
            case Fragment(text=text, sure=sure, language=language, by=by):
                self.by = by or self.by
                if sure is not None and self.sure is None:
                    self.sure = sure
                    self.assured(sure)
                before = await self._turned_to(language or self.request.language)
                return [*before, *await self._read(self._brackets.feed(self._markup.feed(text)))]
            case Gesture(movement):
                return self._lines.movement(movement)
            case Show(card):
                self._acted = True
                admitted = self._admit(card)
                return self._lines.card(admitted) if admitted is not None else []
            case HandOver(reason):
                self._acted, self._hand_over = True, reason
                self._call_staff()
            case Farewell():
                self._acted = self.farewell = True
            case Call():
                self._acted = True
                self.tool_calls.append((thought, ""))
            case Result(id, content, seconds):
                self.tool_seconds.append(seconds)
                self.tool_calls = [(c, content if c.id == id else r) for c, r in self.tool_calls]
        return []

    async def _turned_to(self, language: str) -> list[Line]:
        """The lines that are complete because what follows is in this language."""
        if language == self._lines.language:
            return []
        rest = [*self._brackets.feed(self._markup.flush()), *self._brackets.flush()]
        return [*await self._read(rest), *self._lines.turn_to(language)]

    async def _read(self, pieces: Iterable[Words | Bracket]) -> list[Line]:
        lines: list[Line] = []
        for piece in pieces:
            if isinstance(piece, Words):
                lines += self._lines.text(piece.text)
            else:
                lines += self._lines.cue(piece.wish, await self._guide.understand(piece.wish))
        return lines

    def _noted(self, lines: Iterable[Line]) -> list[Line]:
        """Clauses less the words that cannot be said, and those of the answer to be skipped."""
        noted = []
        for line in lines:
            text, left = sayable(line.text, line.language)
            self.unsaid += left
            words = text.split()
            if line.text and not words and not line.movements and not line.cards:
                continue
            unheard = " ".join(words[self._skip :])
            self._skip = max(0, self._skip - len(words))
            if unheard or not words:
                noted.append(replace(line, text=unheard))
        if noted and not self._written:
            moves = (*self._style.movements, *noted[0].movements)
            noted[0] = replace(noted[0], movements=moves)
        self._written += noted
        return noted

    async def _thoughts(self) -> AsyncGenerator[Thought, None]:
        request = self.request
        if request.origin == "say":
            yield Fragment(request.text)
            return
        answer = self._mind.answer(_Question(request, self._history, self._confirmed))
        async with aclosing(answer):
            async for thought in answer:
                yield thought

    async def _prepare(self, line: Line, number: int) -> None:
        prosody = await self._prosody(line)
        first = True
        async with aclosing(self._voiced(line, prosody, awaited=number == 0)) as clauses:
            async for clause in clauses:
                await self._speech.put(_Prepared(clause, number, first, prosody))
                first = False

    def _directions(self, line: Line) -> tuple[Direction, ...]:
        return self.request.mood, self._style, line.cue

    async def _prosody(self, line: Line) -> Prosody:
        """How a line is to be spoken as things stand."""
        active = (await self._active()).directed(*self._directions(line))
        return active.demeanour.prosody

    async def _voiced(
        self, line: Line, prosody: Prosody, *, awaited: bool = False
    ) -> AsyncGenerator[Clause, None]:
        """The pieces of a line. Raises EngineError."""
        directions, movements, cards = self._directions(line), line.movements, line.cards
        if not line.text:
            yield Clause("", _silence(_LINGER), directions, movements, cards)
            return
        async with aclosing(self._pieces(line, prosody, awaited)) as pieces:
            async for speech in pieces:
                text = " ".join(word.text for word in speech.words)
                yield Clause(text, speech, directions, movements, cards)
                movements, cards = (), ()

    async def _pieces(
        self, line: Line, prosody: Prosody, awaited: bool
    ) -> AsyncGenerator[Speech, None]:
        spoken = await _voice_of(self._speakers, line.language)
        if spoken.ahead is not None and (known := await spoken.ahead.find(line.text, prosody)):
            for speech in known:
                yield speech
            return
        made = spoken.voice.stream(_synthesize, line.text, prosody, awaited=awaited)
        async with aclosing(made) as pieces:
            async for speech in pieces:
                yield speech


async def _voice_of(speakers: Speakers, language: str) -> Spoken:
    """Who speaks this language. Raises EngineError."""
    if speakers.abroad is None or code_of(language) == code_of(speakers.language):
        return Spoken(speakers.voice, speakers.ahead)
    return await speakers.abroad(language)


def _synthesize(tts: Tts, text: str, prosody: Prosody) -> Iterator[Speech]:
    for speech in tts.synthesize(text, prosody):
        if speech.pcm.dtype != np.int16 or speech.pcm.ndim != 1:
            # Every track that plays it would end, for good.
            raise EngineError(f"a voice made {speech.pcm.ndim}-dimensional {speech.pcm.dtype}")
        yield speech


def _silence(length: Tick) -> Speech:
    return Speech(np.zeros(length, np.int16), (Phoneme("", 0, length),), (), "espeak")
