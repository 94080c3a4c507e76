"""One reply as it is played: its clauses in time, its captions, its hold while somebody speaks.

A reply that is held is silent, and keeps its turn and all that is left of it. It goes on with the
word that was cut, as it was synthesized, or its turn is ended by the session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from visavis.engines.base import Card, EngineError, Speech
from visavis.engines.direction.styles import Direction
from visavis.engines.language import saying
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import PACKET, Clause, Ending, Request, Spoken, Tick
from visavis.server.playout.remainder import unsaid
from visavis.server.playout.timeline import Timeline
from visavis.server.session import events
from visavis.server.session.receipt import Marks
from visavis.server.session.showing import EARLY, LEAD, Showing
from visavis.server.session.speaking import TAKEN, NothingToSay, Reply
from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

# The first sound of a reply comes this long after its first clause is known, in the next packet:
# not with the next picture, which is drawn already. The mouth joins in quicker.
START: Final[Tick] = PACKET
UNSAYABLE: Final = events.Failure(saying.NOTHING, saying.WHY)
UNANSWERED: Final = events.Failure("reply-failed", "The answer could not be made.")


@dataclass(frozen=True, slots=True)
class Platform:
    """What replies of a session are played on. appear: the directions in force have changed.

    call_staff: a human being is wanted, and why.
    """

    clock: Clock
    timeline: Timeline
    showing: Showing
    tell: Callable[[events.Event], None]
    appear: Callable[[], None]
    call_staff: Callable[[str], None]


@dataclass(slots=True)
class _Piece:
    """A clause on the timeline, or what was left of one: `said` words of `text` came before.

    shown: its place among the captions, None until it has one.
    """

    spoken: Spoken
    text: str
    said: int = 0
    shown: int | None = None
    caption: asyncio.Task[None] | None = None


class Performance:
    """A reply with its turn's number, its record and the task that plays it."""

    def __init__(
        self, number: int, request: Request, reply: Reply, platform: Platform, confirmed: Tick = 0
    ) -> None:
        """request: what the reply was at last asked with; a draft knew less of it.

        confirmed: when the visitor is sure to have finished, unless it is held then.
        """
        self.number, self.reply = number, reply
        self._confirmed = confirmed
        self.marks = Marks(number, request, reply.tool_seconds)
        self.task: asyncio.Task[None] | None = None
        self.at: Tick | None = None  # where its next clause goes; None until it sounds
        self.shown: list[events.Caption] = []  # the newest one of each clause
        # what holds for the words that sound now
        self.directions: tuple[Direction, ...] = (reply.request.mood,)
        self._platform, self._clock, self._timeline = platform, platform.clock, platform.timeline
        self._tasks = asyncio.TaskGroup()
        self._pieces: list[_Piece] = []  # that have not ended
        self._held: Tick | None = None  # since when
        self._free = asyncio.Event()
        self._free.set()
        reply.staff = platform.call_staff

    @property
    def sounding(self) -> bool:
        """Whether any of it was placed in time."""
        return self.at is not None

    @property
    def held(self) -> bool:
        """Whether it waits for `go_on`."""
        return self._held is not None

    @property
    def heard(self) -> Tick:
        """For how long it sounded so far; 0 until a word of it was heard."""
        until = self._clock.now() if self._held is None else self._held
        starts = self.marks.starts
        if starts is None or not self._timeline.heard_until(until, self.number):
            return 0
        return max(until - starts, 0)

    @property
    def words_left(self) -> float:
        """How many words were not heard yet; infinite while more may be written."""
        until = self._clock.now() if self._held is None else self._held
        return self.reply.left(len(self._timeline.heard_until(until, self.number).split()))

    async def play(self, apology: Iterable[Clause]) -> Ending:
        """Place it all in time and return when the last word has sounded; how it ended.

        apology: what is said when it cannot be made.
        """
        ending: Ending = "done"
        async with self._tasks:
            self._tasks.create_task(self._confirm())
            try:
                async for clause in self.reply.clauses():
                    await self._until(TAKEN)  # late, so that a direction is heard soon
                    self._begin(clause)
            except NothingToSay:  # the text's doing, and no engine failed
                log.warning("a reply had nothing to say", extra={"turn": self.number})
                ending = await self._excused(UNSAYABLE, apology)
            except EngineError as error:
                extra = {"turn": self.number, "fault": fault(error)}
                log.error("a reply failed", extra=extra)  # noqa: TRY400 (its text may quote)
                ending = await self._excused(UNANSWERED, apology)
            await self._until(0)
        if self.reply.farewell and ending == "done":
            self._platform.tell(events.Farewell(self.number))
        return ending

    async def _excused(self, notice: events.Failure, apology: Iterable[Clause]) -> Ending:
        self._platform.tell(notice)
        await self._until(TAKEN)
        for clause in apology:
            self._begin(clause)
        return "failed"

    def hold(self) -> None:
        """Be silent from the next packet on; nothing more sounds until `go_on`."""
        if self.held:
            return
        self._held = self._clock.now() + PACKET
        self._free.clear()
        for piece in self._pieces:
            if piece.caption is not None:
                piece.caption.cancel()
        self._timeline.hold(self._held)
        self._platform.showing.cut(self._held)
        self._platform.tell(events.ReplyHeld(self.number))

    def go_on(self) -> None:
        """Say what is left, from the word that was cut."""
        if self._held is None:
            return
        held, self._held = self._held, None
        if not self.sounding:
            self._platform.showing.attend("thinking")
            self._platform.tell(events.Thinking(self.number))
        else:
            self._timeline.go_on()
            self._say_on(held)
        self._free.set()

    def rest(self, until: Tick) -> Request | None:
        """What is left after `until`, as a request; None when nothing is."""
        heard = self._timeline.heard_until(until, self.number).split()
        request = self.reply.request
        # What is not written yet has to be asked for again; what a tool has done is not done twice.
        if not self.reply.complete and not self.reply.tool_calls:
            answered = max(0, len(heard) - self.reply.before)
            return replace(request, skip=request.skip + answered)
        before = self.reply.before
        rest = self.reply.rest(max(len(heard), before) if 2 * len(heard) >= before else 0)
        if not rest:
            return None
        return Request(rest, "say", self._clock.now(), style=request.style, mood=request.mood)

    async def _confirm(self) -> None:
        await self._clock.sleep_until(self._confirmed)
        await self._free.wait()
        self.reply.confirm()

    # --- in time --------------------------------------------------------------------------------

    async def _until(self, lead: Tick) -> None:
        """Until so long before the place of the next clause, wherever holds move it."""
        while True:
            await self._free.wait()
            at = self.at or 0
            await self._clock.sleep_until(at - lead)
            if not self.held and at == (self.at or 0):
                return

    def _begin(self, clause: Clause) -> None:
        """Fix when a clause plays: after the one before it, or as soon as its lips can move."""
        now = self._clock.now()
        first = not self.sounding
        soonest = now + (START - _hush(clause.speech) if first else LEAD)
        at = self._place(clause, clause.text, soonest)
        if first:
            self.marks.starts, self.marks.first_clause = at, now
            self._platform.showing.attend("speaking")
            self._platform.tell(events.ReplyStarted(self.number, at))

    def _say_on(self, held: Tick) -> None:
        """Place again what was not said by `held`."""
        left = [(piece, _left(piece, held)) for piece in self._pieces]
        self._pieces = []
        start = self._clock.now() + START
        self.at, begins = start, None
        for piece, rest in left:
            if rest is not None:
                speech, said = rest
                clause = replace(piece.spoken.clause, speech=speech)
                at = self._place(clause, piece.text, start, piece.said + said, piece.shown)
                begins = at if begins is None else begins
        self._platform.showing.attend("speaking")
        self._platform.tell(events.ReplyResumed(self.number, start if begins is None else begins))

    def _place(
        self, clause: Clause, text: str, soonest: Tick, said: int = 0, shown: int | None = None
    ) -> Tick:
        at = max(soonest, self.at or 0, self._timeline.end)
        spoken = Spoken(self.number, at, clause)
        self.at = spoken.end
        self._timeline.put(spoken)
        self._platform.showing.speak(at, clause.speech)
        self._pieces = [each for each in self._pieces if each.spoken.end > self._clock.now()]
        piece = _Piece(spoken, text, said, shown)
        self._pieces.append(piece)
        piece.caption = self._tasks.create_task(self._caption(piece))
        return at

    # --- what goes with the words ---------------------------------------------------------------

    async def _caption(self, piece: _Piece) -> None:
        spoken, clause = piece.spoken, piece.spoken.clause
        await self._clock.sleep_until(spoken.at - EARLY)
        if spoken.turn != self._timeline.turn:
            return
        if piece.shown is None:
            self._perform_directions(clause)
            piece.shown = len(self.shown)
            self.shown.append(events.Caption(spoken.turn, piece.text, 0))
        heard = len(" ".join(piece.text.split()[: piece.said]))
        for word in clause.speech.words:
            await self._clock.sleep_until(spoken.at + word.start)
            if spoken.turn != self._timeline.turn:
                return
            heard = min(heard + len(word.text) + (heard > 0), len(piece.text))
            self._show(piece.shown, heard)

    def _show(self, which: int, heard: int) -> None:
        """A word that is begun again is no news."""
        caption = self.shown[which]
        if heard > caption.heard:
            self.shown[which] = replace(caption, heard=heard)
            self._platform.tell(self.shown[which])

    def _perform_directions(self, clause: Clause) -> None:
        """What a reply's style and brackets say comes into force with the clause."""
        if clause.directions != self.directions:
            self.directions = clause.directions
            self._platform.appear()
        for movement in clause.movements:
            self._platform.showing.move(movement)
        for card in clause.cards:
            self._tasks.create_task(self._show_card(card))

    async def _show_card(self, card: Card) -> None:
        await self.reply.confirmed()
        self._platform.tell(events.CardShown(self.number, card))


def _hush(speech: Speech) -> Tick:
    """How long it is silent at first; START at most."""
    silent = bool(speech.phonemes) and not speech.phonemes[0].symbol
    return min(speech.phonemes[0].end, START) if silent else 0


def _left(piece: _Piece, at: Tick) -> tuple[Speech, int] | None:
    return unsaid(piece.spoken.clause.speech, at - piece.spoken.at)
