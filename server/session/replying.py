"""The replies of a session, one at a time: begun, performed, ended, and remembered as heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from visavis.engines.base import Remark
from visavis.engines.direction.styles import Direction
from visavis.engines.language.languages import is_english
from visavis.engines.language.phrasebook import voiced
from visavis.server.playout.messages import PACKET, Ending, Request, Tick
from visavis.server.session import events
from visavis.server.session.attendance import Attendance
from visavis.server.session.changeover import Changeover
from visavis.server.session.directing import Directing
from visavis.server.session.disclosing import Disclosure
from visavis.server.session.engines import Engines
from visavis.server.session.history import History
from visavis.server.session.performing import UNANSWERED, Performance, Platform
from visavis.server.session.receipt import Marks, publish
from visavis.server.session.speaking import Reply
from visavis.server.system.faults import fault, trace
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the replies of a session, whose name this is, are part of.

    begins: a turn does, so that nothing else is prepared or waits to be said.
    """

    name: str
    engines: Engines
    history: History
    directing: Directing
    changeover: Changeover
    attendance: Attendance
    disclosure: Disclosure
    begins: Callable[[], None]


class Replies:
    """Of one session.

    current: the one under way, thought of or spoken; last: the newest one, if it was said to its
    end. ended: when the newest one was over. stand_in: who gave the last answer in place of the
    mind that was asked.
    """

    def __init__(
        self, conversation: Conversation, platform: Platform, tasks: Tasks, metrics: Metrics
    ) -> None:
        self._conversation, self._platform = conversation, platform
        self._clock, self._timeline = platform.clock, platform.timeline
        self._engines, self._history = conversation.engines, conversation.history
        self._tasks, self._metrics = tasks, metrics
        self.current: Performance | None = None
        self.last: Performance | None = None
        self.ended: Tick = 0
        self.stand_in = ""

    # --- the one under way ----------------------------------------------------------------------

    @property
    def marks(self) -> Marks | None:
        """Its record."""
        return self.current.marks if self.current is not None else None

    @property
    def directions(self) -> tuple[Direction, ...]:
        """What holds for the words of it that sound now."""
        return self.current.directions if self.current is not None else ()

    @property
    def shown(self) -> tuple[events.Caption, ...]:
        """Its clauses that were begun, each as far as it was said."""
        return tuple(self.current.shown) if self.current is not None else ()

    @property
    def said(self) -> tuple[events.Line, ...]:
        """What visitor and avatar said, as it was heard, and the question that it answers."""
        lines = self._history.lines()
        turn = self.current
        if turn is not None and turn.reply.request.origin != "say":
            lines.append(events.Line(turn.number, "visitor", turn.reply.request.text))
        return tuple(lines)

    async def silence(self) -> None:
        """Return once there is none."""
        while self.current is not None and self.current.task is not None:
            await asyncio.wait([self.current.task])

    # --- from its beginning to its end ----------------------------------------------------------

    def prepare(self, request: Request) -> Reply:
        """One in the making, to these words in the mood that they tell of."""
        language = self._conversation.changeover.language
        if request.origin != "say":
            asked, guide = request.language or language, self._engines.speakers.guide
            felt = guide.felt(self._history.remarks, request.text, asked)
            words = request.text if is_english(asked) else ""
            mood = guide.answer(words, request.arousal, felt)
            staffed = self._conversation.attendance.presence.offered
            request = replace(request, mood=mood, felt=felt, staffed=staffed)
        request = replace(request, language=request.language or language)
        settled, history = self._conversation.directing.settled, self._history.remarks
        return Reply(
            request, self._engines.speakers, settled, history, self._tasks,
            sentence=self._sentence(request),
        )  # fmt: skip

    def _sentence(self, request: Request) -> str:
        """What a reply of the avatar's own is to begin with."""
        if request.origin == "say" and not request.passing:
            return ""
        if self.current is not None:
            self._heard(self.current, self._clock.now() + PACKET)
        return self._conversation.disclosure.due(request.language)

    def _heard(self, turn: Performance, until: Tick) -> None:
        words = self._timeline.heard_until(until, turn.number)
        self._conversation.disclosure.heard(turn.number, turn.reply.before, words)

    def remark(self, text: str) -> int:
        """Say a few words of the avatar's own that nobody need remember; the turn's number."""
        language = voiced(self._conversation.changeover.language)
        return self.start(Request(text, "say", self._clock.now(), passing=True, language=language))

    def start(self, request: Request, draft: Reply | None = None, confirmed: Tick = 0) -> int:
        """Begin a turn with this request; whatever was said before is cut. The turn's number.

        confirmed: when the visitor is sure to have finished.
        """
        self.end("interrupted")
        self._conversation.begins()
        number = self._timeline.turn + 1
        self._timeline.cut(self._clock.now() + PACKET, number)
        reply = draft or self.prepare(request)
        turn = Performance(number, request, reply, self._platform, confirmed)
        self.current, self.last = turn, None
        if request.origin != "say":
            self._conversation.changeover.to(reply.request.language)
        self._conversation.directing.appear()
        self._platform.showing.attend("thinking")
        self._platform.tell(events.Thinking(number))
        turn.task = self._tasks.start(self._perform(turn), name=f"turn-{number}")
        return number

    async def _perform(self, turn: Performance) -> None:
        try:
            sorry = (self._engines.speakers.guide.literal("sorry"),)
            regretful = [replace(clause, directions=sorry) for clause in self._engines.apology]
            ending = await turn.play(regretful)
            heard = self._timeline.heard_until(self._clock.now() + PACKET, turn.number)
            self._close(turn, ending, heard)
            self.last = turn
            self._platform.showing.attend("idle")
        except Exception as error:  # noqa: BLE001
            # No engine's fault, but a turn that is never over would hold up the session.
            extra = {
                "session": self._conversation.name,
                "fault": fault(error),
                "trace": trace(error),
            }
            log.error("a turn failed", extra=extra)  # noqa: TRY400
            self._metrics.engine_errors.labels("turn").inc()
            if self.current is turn:
                self._platform.tell(UNANSWERED)
                self.end("failed")
                self._platform.showing.attend("idle")

    def end(self, ending: Ending, heard: Tick | None = None, *, remember: bool = True) -> None:
        """Stop the one under way, in one step: nothing of it can sound or show after this.

        heard: until when the visitor heard it; None: until the cut. remember: whether question
        and answer are part of what was said.
        """
        turn = self.current
        if turn is None:
            return
        now = self._clock.now()
        until = now + PACKET if heard is None else heard
        words = self._timeline.heard_until(until, turn.number)
        turn.marks.interrupted = now
        self._timeline.cut(now + PACKET, turn.number + 1)
        self._platform.showing.cut(now + PACKET)
        turn.reply.cancel()
        if turn.task is not None:
            turn.task.cancel()
        self._close(turn, ending, words, remember=remember)

    def leave(self, heard: Tick) -> Request | None:
        """The visitor went away, and heard nothing since: be silent; what is left for later."""
        turn = self.current or self.last
        if turn is None or (turn is not self.current and (turn.at or 0) <= heard):
            return None
        rest = turn.rest(heard)
        if turn is self.current:
            self.end("interrupted", heard)
        else:  # it ended after they had gone
            self._history.drop(turn.number)
            self._heard(turn, heard)
            self._remember(turn, self._timeline.heard_until(heard, turn.number))
        return rest

    # --- what is left of it ---------------------------------------------------------------------

    def _close(
        self, turn: Performance, ending: Ending, heard: str, *, remember: bool = True
    ) -> None:
        self.current = None
        self.ended = self._clock.now()
        self._conversation.directing.appear()
        if turn.reply.dropped:
            self._platform.tell(self._conversation.directing.told((), turn.reply.dropped))
        turn.marks.ended = self._clock.now()
        self._conversation.disclosure.heard(turn.number, turn.reply.before, heard)
        self.stand_in = turn.reply.by if turn.reply.request.origin != "say" else self.stand_in
        if remember:
            self._remember(turn, heard)
        unsaid = tuple(turn.reply.unsaid)
        self._platform.tell(events.ReplyEnded(turn.number, ending, heard, unsaid))
        self._platform.tell(publish(turn.marks, ending, self._conversation.name, self._metrics))

    def _remember(self, turn: Performance, heard: str) -> None:
        number, reply = turn.number, turn.reply
        asked = reply.request.origin != "say"
        if reply.request.passing or (not asked and not heard):
            return
        visitor = [Remark(number, "visitor", reply.request.text)] if asked else []
        tools = [Remark(number, "tool", gave, name=call.name) for call, gave in reply.tool_calls]
        avatar = Remark(number, "avatar", reply.written, heard, sure=reply.sure)
        self._history.add([*visitor, *tools, avatar])
        if asked:
            self._engines.over(reply.request, reply.sure)
