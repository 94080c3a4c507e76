"""One conversation as the staff see and steer it: an outlet of its session that keeps no word.

What is said goes to those who look at it, as it is said. Who takes it over has a lease that their
page renews: a page that is gone gives the answers back by itself, and the visitor is told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Final, Literal

from visavis.engines.base import UNTOLD
from visavis.engines.language.phrasebook import LANGUAGES, phrase
from visavis.server import protocol
from visavis.server.http import streams
from visavis.server.http.streams import Told
from visavis.server.rtc.booth import Booth
from visavis.server.rtc.held import Held
from visavis.server.session import events
from visavis.server.session.attendance import Presence
from visavis.server.session.doors import Playout
from visavis.server.session.lipsync import Mouth
from visavis.server.staff.lines import Lines
from visavis.server.staff.rows import REASON, Doing, Row
from visavis.server.system.audit import Audit, Deed, Unaudited
from visavis.server.system.errors import Conflict
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics

log = logging.getLogger(__name__)

for _language in LANGUAGES:  # read while modules are imported: an event loop waits for no file
    phrase("staff.taken", _language)

LEASE: Final = 12.0  # s for which the answers are left to a page that says nothing more
_LOST: Final = 6.0  # s of it where its connection was seen to end: it may be a reload
_PATIENT: Final = 45.0  # s without anybody, after which a visitor who wants a person is told so
_GOODBYE: Final = 20.0  # s that the last words may take
_SILENT: Final = 3.0  # s without a sound, after which a microphone is said to be silent

# What those who look are told of what happens; how it is drawn and how long it took is not theirs.
_TELLING: Final = (
    events.Listening, events.Transcribed, events.Commanded, events.NotUnderstood, events.Thinking,
    events.ReplyStarted, events.ReplyHeld, events.ReplyResumed, events.Caption, events.ReplyEnded,
    events.Attended, events.StaffWanted, events.Farewell, events.Failure,
)  # fmt: skip

Back = Literal["done", "lost", "ended"]


@dataclass(frozen=True, slots=True)
class Member:
    """Of the staff: the page that they sit at, and how they call themselves."""

    desk: str
    name: str


class Attendant:
    """Of one conversation. presence: of the server. mouth: makes what speaks a person's own voice.

    changed: called when its row has.
    """

    def __init__(
        self,
        conversation: Held,
        presence: Presence,
        mouth: Callable[[], Awaitable[Mouth]],
        changed: Callable[[], None],
        metrics: Metrics,
        audit: Audit | None = None,
    ) -> None:
        self._conversation, self._session = conversation, conversation.session
        self._presence, self._mouth = presence, mouth
        self._changed, self._metrics = changed, metrics
        self._audit = audit or Unaudited()
        self._doing: Doing = "idle"
        self._mood = UNTOLD
        self._begun = monotonic()
        self._wanted: float | None = None
        self._watchers: list[Told] = []
        self._holder: Member | None = None
        self._lease: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._booth: Booth | None = None
        self._lines = Lines(self._session, lambda: self._doing == "hearing")
        self._tasks = Tasks()
        self._session.attendance.presence = presence
        self._session.add_outlet(self)
        self._session.watch(self, seen=False)

    # --- an outlet of the session ---------------------------------------------------------------

    async def play(self, playout: Playout) -> None:
        """Say the lines that wait."""
        playout.reader.close()
        await self._lines.run()

    def tell(self, event: events.Event) -> None:
        """What happens: to those who look, and what it means for the list."""
        if isinstance(event, events.StaffWanted):
            self._want()
        if isinstance(event, events.ReplyEnded) or _is_final(event):
            self._mood = self._session.mood  # read from all that was said, so not for each row
        doing = _doing(event, self._doing)
        if doing != self._doing:
            self._doing = doing
            self._changed()
        if self._watchers and isinstance(event, _TELLING):
            message = protocol.encode(event)
            for told in list(self._watchers):
                told.put(message)

    # --- what is seen ---------------------------------------------------------------------------

    @property
    def row(self) -> Row:
        """For the list."""
        session, holder, mood = self._session, self._holder, self._mood
        return Row(
            session.name, self._conversation.terms.avatar,
            session.source,
            session.language, self._conversation.state, self._doing, self._begun, self._wanted,
            (session.staff_wanted or "")[:REASON],
            (mood.frustration, mood.satisfaction, mood.urgency, mood.confidence),
            len(self._watchers),
            holder.name if holder else "", holder.desk if holder else "",
            ("speaking" if self._booth else "typing") if holder else "",
            self._booth is not None and self._booth.voice.silent() > _SILENT,
        )  # fmt: skip

    @contextmanager
    def watched(self, member: Member) -> Iterator[Told]:
        """Look at it: what was said, and from then on what is. The visitor's page is told."""
        told = Told()
        told.put(self._history())
        self._watchers.append(told)
        self._session.attendance.watch(True)
        self._changed()
        try:
            yield told
        finally:
            if told in self._watchers:
                self._watchers.remove(told)
                self._session.attendance.watch(False)
            if self._holder is not None and self._holder.desk == member.desk:
                self._renew(_LOST)
            self._changed()

    def _history(self) -> str:
        lines = [asdict(line) for line in self._session.said]
        captions = [asdict(caption) for caption in self._session.shown]
        return streams.text("history", history=lines, captions=captions, row=self._shown())

    def _shown(self) -> dict[str, object]:
        return self.row.shown(monotonic())

    def show(self) -> None:
        """Tell those who look how its row is now."""
        if self._watchers:
            message = streams.text("row", row=self._shown())
            for told in self._watchers:
                told.put(message)

    # --- what is done ---------------------------------------------------------------------------

    def say(self, member: Member, text: str, style: str = "") -> None:
        """Let the avatar say this next. Raises Conflict, TooMany."""
        self._may(member)
        if self._session.resting:
            raise Conflict("Nobody is there to hear it: the visitor is away.", "visitor-away")
        if self._booth is not None:
            raise Conflict("You speak with your own voice: switch it off to type.", "voice-on")
        self._lines.put(lambda: self._session.say(text, style))
        self._note("staff-said", who=member.name)

    def _own(self, key: str) -> None:
        """Let the avatar say a sentence of its own about this, after what it says now."""
        self._lines.put_own(lambda: self._session.reply(self._phrase(key)))

    def _phrase(self, key: str) -> str:
        return phrase(f"staff.{key}", self._session.language, self._session.timeline.turn)

    def hold(self, member: Member) -> None:
        """Take it over, or go on having it for LEASE s. Raises Conflict."""
        self._may(member)
        if not self._session.answers:
            raise Conflict("This avatar speaks what its visitor's microphone hears.", "no-words")
        if self._holder is None:
            self._take(member)
        self._renew(LEASE)

    def _take(self, member: Member) -> None:
        self._holder = member
        self._lines.drop()
        self._session.attendance.hold()
        if self._wanted is not None:
            self._metrics.staff_wait.observe(monotonic() - self._wanted)
        self._metrics.staff_taken_over.labels("no" if self._wanted is None else "yes").inc()
        self.answer_call()
        log.info("staff took over", extra={"session": self._session.name})
        self._note("staff-took-over", who=member.name)
        if not self._session.resting:
            self._own("taken")
        self._changed()

    def release(self, member: Member) -> None:
        """Hand it back to the mind. Raises Conflict."""
        self._may(member)
        if self._holder is not None:
            self._give_back("done")

    def _give_back(self, why: Back) -> None:
        self._holder = None
        self._end_lease()
        self._stop_voice()
        self._lines.drop()
        self._session.attendance.release()
        self._metrics.staff_handed_back.labels(why).inc()
        log.info("staff handed back", extra={"session": self._session.name, "why": why})
        self._note("staff-gave-back", why=why)
        if why != "ended":
            self._own("returned" if why == "done" else "lost")
        self._changed()

    def _note(self, what: Deed, **fields: str) -> None:
        avatar = self._conversation.terms.avatar
        self._audit.record(what, session=self._session.name, avatar=avatar, **fields)

    def answer_call(self) -> None:
        """Nobody is wanted any more: somebody came, or saw that it is not needed."""
        self._session.staff_wanted, self._wanted = None, None
        if self._patience is not None:
            self._patience.cancel()
        self._changed()

    async def end(self, member: Member, words: str = "") -> None:
        """Say goodbye and end the conversation for good. Raises Conflict."""
        self._may(member)
        words = words or self._phrase("goodbye")
        self._stop_voice()
        self._lines.drop()
        self._session.attendance.hold()  # nothing is answered any more
        if not self._session.resting and self._session.answers:
            await self._session.silence()
            self._session.say(words)
            try:
                async with asyncio.timeout(_GOODBYE):
                    await self._session.silence()
            except TimeoutError:
                pass
        await self._conversation.dismiss(words)

    # --- a voice of their own -------------------------------------------------------------------

    async def speak(self, member: Member, offer: str) -> str:
        """SDP offer -> SDP answer: the holder speaks from now on, and the face with them.

        Raises Conflict, EngineError, and what is wrong with an offer.
        """
        self._must_hold(member)
        voice = self._session.substitute(await self._mouth())
        terms = self._conversation.terms
        booth = Booth(self._session, voice, terms.ice, terms.network())
        try:
            answer = await booth.answer(offer, terms.reach)
            self._must_hold(member)
        except BaseException:
            await booth.close()
            raise
        self._stop_voice()
        self._booth = booth
        self._session.attendance.hold("speaking")
        self._note("staff-spoke", who=member.name)
        self._tasks.start(self._attend(booth), name="staff's voice")
        self._changed()
        return answer

    def hush(self, member: Member) -> None:
        """The holder types again. Raises Conflict."""
        self._must_hold(member)
        self._stop_voice()
        self._changed()

    async def _attend(self, booth: Booth) -> None:
        looking = asyncio.create_task(self._look_at(booth), name="staff's microphone")
        try:
            await booth.live()
        finally:
            looking.cancel()
            if self._booth is booth:
                self._stop_voice()
                self._changed()
            await booth.close()

    async def _look_at(self, booth: Booth) -> None:
        """Tell when the microphone falls silent, and when it is heard."""
        was = False
        while True:
            await asyncio.sleep(0.5)
            silent = booth.voice.silent() > _SILENT
            if silent != was:
                was = silent
                self._changed()

    def _stop_voice(self) -> None:
        booth, self._booth = self._booth, None
        if booth is not None:
            booth.ended.set()
            if self._session.attendance.held:
                self._session.attendance.hold("typing")

    # --- who may, and for how long --------------------------------------------------------------

    def _may(self, member: Member) -> None:
        """Raises Conflict when somebody else has it."""
        if self._holder is not None and self._holder.desk != member.desk:
            raise Conflict(f"{self._holder.name} has this conversation.", "held")

    def _must_hold(self, member: Member) -> None:
        """Raises Conflict."""
        self._may(member)
        if self._holder is None:
            raise Conflict("Take the conversation over first.", "not-held")

    def _renew(self, seconds: float) -> None:
        self._end_lease()
        loop = asyncio.get_running_loop()
        self._lease = loop.call_later(seconds, self._lapse)

    def _end_lease(self) -> None:
        if self._lease is not None:
            self._lease.cancel()
            self._lease = None

    def _lapse(self) -> None:
        if self._holder is not None:
            self._give_back("lost")

    # --- a visitor who wants a person -----------------------------------------------------------

    def _want(self) -> None:
        if not self._presence.offered or self._holder is not None:
            self._session.staff_wanted = None
            return
        there = self._presence.members > 0
        if self._wanted is None:
            self._wanted = monotonic()
            self._metrics.staff_wanted.labels("yes" if there else "no").inc()
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(_PATIENT, self._still_waiting)
        self._own("called" if there else "away")
        self._changed()

    def _still_waiting(self) -> None:
        if self._wanted is not None and self._presence.members:
            self._own("waiting")

    # --- its end --------------------------------------------------------------------------------

    async def close(self) -> None:
        """The conversation is over."""
        if self._holder is not None:
            self._give_back("ended")
        self.answer_call()
        ended = streams.text("ended")
        for told in self._watchers:
            told.put(ended)
            told.end()
        await self._tasks.close()


def _doing(event: events.Event, before: Doing) -> Doing:
    match event:
        case events.Listening(active):
            return "hearing" if active else ("idle" if before == "hearing" else before)
        case events.Thinking():
            return "thinking"
        case events.ReplyStarted() | events.ReplyResumed():
            return "speaking"
        case events.ReplyEnded():
            return before if before == "hearing" else "idle"
    return before


def _is_final(event: events.Event) -> bool:
    return isinstance(event, events.Transcribed) and event.final
