"""One viewer: a clock, a timeline, a turn, and the tasks of one conversation. No sockets here."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from visavis.engines.base import (
    I420,
    EchoCanceller,
    EngineError,
    Exchange,
    Lips,
    Motion,
    Pcm,
    Speech,
    Transcript,
    Vad,
)
from visavis.engines.direction.styles import Direction, Stance
from visavis.server import protocol
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import (
    FRAME,
    PACKET,
    Clause,
    Drafted,
    Ending,
    Heard,
    Request,
    SpeechStarted,
    Spoken,
    Tick,
    ms,
    to_ms,
)
from visavis.server.playout.timeline import Timeline
from visavis.server.session.endpointing import Endpointing
from visavis.server.session.hearing import Event, Hearing
from visavis.server.session.receipt import Marks, publish
from visavis.server.session.relaying import Relay
from visavis.server.session.showing import EARLY, LEAD, Paint, Showing
from visavis.server.session.speaking import TAKEN, Guided, Minded, Reply, Voiced
from visavis.server.system.flow import Tasks, Worker
from visavis.server.system.metrics import Metrics

log = logging.getLogger(__name__)

# A reply begins this long after its first clause is known: less than a picture's lead, so that its
# first sound does not wait for the pictures that are drawn already; the mouth joins in quicker.
START: Final[Tick] = FRAME
_HISTORY: Final = 20  # exchanges that the dialogue is given
_PAUSE: Final[Tick] = ms(2000)  # of a voice that is relayed; the avatar is idle after it


@dataclass(frozen=True, slots=True)
class Engines:
    """What one session is made of; the first three and `lips` are its own, the rest are shared.

    paint: draws its avatar. give_back: to be called when the session is over, whether it began or
        not: another one may then have what was lent to it.
    lips: for a session whose avatar speaks what comes in over the microphone; None: it answers.
    """

    echo: EchoCanceller
    vad: Vad
    motion: Motion
    paint: Paint
    give_back: Callable[[], None]
    transcribe: Callable[[Pcm], Awaitable[Transcript]]
    mind: Minded
    guide: Guided
    voice: Voiced
    apology: tuple[Clause, ...]
    still: I420
    endpointing: Endpointing
    lips: Lips | None = None


@dataclass(slots=True)
class _Turn:
    """The reply under way: its making, its record and the task that plays it."""

    number: int
    reply: Reply
    marks: Marks
    directions: tuple[Direction, ...] = ()  # what holds for the words that sound now
    task: asyncio.Task[None] | None = None
    at: Tick | None = None  # where its next clause goes


class Session:
    """A conversation. `send` hands a message to the client and must not block."""

    def __init__(
        self,
        name: str,
        engines: Engines,
        send: Callable[[protocol.FromServer], None],
        metrics: Metrics,
    ) -> None:
        self.name, self._engines, self._send, self._metrics = name, engines, send, metrics
        self.answers = engines.lips is None  # else it speaks what the microphone hears
        self.clock = Clock()
        self.timeline = Timeline()
        self._tasks = Tasks()
        self._moving = Worker(f"motion-{name}", media=True)
        self._showing = Showing(
            self.clock, self.timeline, engines.motion, self._moving, engines.paint, metrics
        )
        self._ear = (
            Relay(self.clock, engines.lips, name, self._on_relayed) if engines.lips
            else Hearing(
                self.clock, self.timeline, engines.echo, engines.vad, engines.transcribe,
                self._on_heard, self._tasks, engines.endpointing,
            )
        )  # fmt: skip
        self.still = engines.still  # to be seen until the first picture is drawn
        self.history: deque[Exchange] = deque(maxlen=_HISTORY)
        self._stance = Stance()  # what directions have made so far
        self._directing = asyncio.Lock()  # whoever needs the stance waits for directions before
        self._current: _Turn | None = None
        self._draft: Reply | None = None
        self._stopped: Request | None = None  # the rest of a reply that speech broke off
        self._voiced: Tick = -_PAUSE  # the end of the last speech that was relayed

    async def run(self) -> None:
        """Keep the face alive until cancelled."""
        try:
            await self._showing.run()
        finally:
            self._end_turn("interrupted")
            self._drop_draft()
            await self._tasks.close()
            self._moving.close()

    async def listen(self, mic: AsyncIterator[Pcm]) -> None:
        """Hear the visitor, or speak their sound: 48 kHz mono packets until they end."""
        await self._ear.run(mic)

    # --- what a visitor or an operator asks for -------------------------------------------------

    def ask(self, text: str) -> None:
        """Answer typed words."""
        turn = self._start(Request(text, "text", self.clock.now()))
        self._send(protocol.TranscriptOf(turn, text, final=True))

    def say(self, text: str, style: str = "") -> None:
        """Speak exactly this."""
        self._start(Request(text, "say", self.clock.now(), style=style))

    def interrupt(self) -> None:
        """Stop speaking, for good."""
        self._end_turn("interrupted")
        self._drop_draft()
        self._stopped = None
        self._showing.attend("idle")

    async def direct(self, prompt: str) -> protocol.Directed:
        """Take a direction in plain words; what was understood of it."""
        async with self._directing:
            direction = await self._engines.guide.understand(prompt)
            self._stance = self._stance.directed(direction)
        self._appear()
        for movement in direction.movements:
            self._showing.move(movement)
        return self._directed(direction.styles, direction.dropped)

    def _directed(self, styles: tuple[str, ...], dropped: tuple[str, ...]) -> protocol.Directed:
        known = self._engines.guide.director.names if dropped or not styles else ()
        return protocol.Directed(styles, dropped, known)

    async def _settled(self) -> Stance:
        """The stance, once the directions that came before are understood."""
        async with self._directing:
            return self._stance

    def _appear(self) -> None:
        """Show the stance with what holds for the words that are being spoken."""
        directions = self._current.directions if self._current is not None else ()
        self._showing.feel(self._stance.directed(*directions).demeanour)

    def pong(self, t: float) -> protocol.Pong:
        """Answer a ping."""
        return protocol.Pong(t, to_ms(self.clock.now()))

    def mic(self, on: bool) -> None:
        """Open or close the ear."""
        self._ear.switch(on)

    def _on_relayed(self, at: Tick, speech: Speech) -> None:
        self.timeline.put(Spoken(self.timeline.turn, at, Clause("", speech)))
        self._showing.speak(at, speech)
        if any(phoneme.symbol for phoneme in speech.phonemes):
            self._voiced = at + len(speech.pcm)
        self._showing.attend("speaking" if at < self._voiced + _PAUSE else "idle")

    # --- hearing --------------------------------------------------------------------------------

    def _on_heard(self, event: Event) -> None:
        if isinstance(event, SpeechStarted):
            self._on_speech()
        elif isinstance(event, Drafted):
            self._on_draft(event)
        else:
            self._on_turn_end(event)

    def _on_speech(self) -> None:
        self._stopped = None
        if self._current is not None:
            rest = self._rest_of(self._current)
            self._end_turn("interrupted")
            self._stopped = rest
        self._showing.attend("listening")
        self._send(protocol.Listening(active=True))

    def _on_draft(self, draft: Drafted) -> None:
        self._send(protocol.TranscriptOf(self.timeline.turn + 1, draft.text, final=False))
        asked = draft.text.rstrip().endswith("?")
        self._showing.move("brows" if asked else "acknowledge")
        if self._draft is None or self._draft.request.text != draft.text:
            self._drop_draft()
            request = Request(draft.text, "speech", draft.ended, None, draft.arousal)
            self._draft = self._prepare(request)

    def _on_turn_end(self, heard: Heard) -> None:
        self._send(protocol.Listening(active=False))
        if not heard.text:
            if self._draft is not None:  # words that turned out to be none
                self._send(protocol.TranscriptOf(self.timeline.turn + 1, "", final=True))
            self._drop_draft()
            self._resume()
            return
        request = Request(heard.text, "speech", heard.ended, heard.transcribed, heard.arousal)
        draft, self._draft = self._draft, None
        if draft is not None and draft.request.text != heard.text:
            draft.cancel()
            draft = None
        turn = self._start(request, draft)
        self._send(protocol.TranscriptOf(turn, heard.text, final=True))

    def _resume(self) -> None:
        """What broke the reply off was no speech: go on at the word where it stopped."""
        rest, self._stopped = self._stopped, None
        if self._current is not None:  # an operator made it speak meanwhile
            return
        if rest is None:
            self._showing.attend("idle")
            return
        if rest.origin != "say":
            self.history.pop()  # the question is asked again
        self._start(replace(rest, origin_at=self.clock.now()))

    def _rest_of(self, turn: _Turn) -> Request | None:
        heard = self.timeline.heard_until(self.clock.now() + PACKET, turn.number).split()
        request = turn.reply.request
        if not turn.reply.complete:  # what is not written yet has to be asked for again
            return replace(request, skip=request.skip + len(heard))
        rest = turn.reply.rest(len(heard))
        now = self.clock.now()
        return Request(rest, "say", now, style=request.style, mood=request.mood) if rest else None

    def _drop_draft(self) -> None:
        if self._draft is not None:
            self._draft.cancel()
            self._draft = None

    # --- one reply ------------------------------------------------------------------------------

    def _prepare(self, request: Request) -> Reply:
        engines = self._engines
        if request.origin != "say":
            mood = engines.guide.rapport.answer(request.text, request.arousal)
            request = replace(request, mood=mood)
        return Reply(
            request, engines.mind, engines.voice, engines.guide, self._settled, self.history,
            self._tasks,
        )  # fmt: skip

    def _start(self, request: Request, draft: Reply | None = None) -> int:
        """Begin a turn with this request; whatever was said before is cut."""
        self._end_turn("interrupted")
        self._drop_draft()
        self._stopped = None
        number = self.timeline.turn + 1
        self.timeline.cut(self.clock.now() + PACKET, number)
        reply = draft or self._prepare(request)
        turn = _Turn(number, reply, Marks(number, request), (reply.request.mood,))
        self._current = turn
        self._appear()
        self._showing.attend("thinking")
        self._send(protocol.Thinking(number))
        turn.task = self._tasks.start(self._perform(turn), name=f"turn-{number}")
        return number

    async def _perform(self, turn: _Turn) -> None:
        ending: Ending = "done"
        async with asyncio.TaskGroup() as tasks:
            try:
                async for clause in turn.reply.clauses():
                    await self.clock.sleep_until((turn.at or 0) - TAKEN)
                    tasks.create_task(self._caption(self._place(turn, clause)))
            except EngineError:
                log.exception("a reply failed", extra={"session": self.name})
                self._metrics.engine_errors.labels("reply").inc()
                ending = "failed"
                self._send(protocol.Failure("reply-failed", "The answer could not be made."))
                sorry = (self._engines.guide.director.literal("sorry"),)
                for clause in self._engines.apology:
                    regretful = replace(clause, directions=sorry)
                    tasks.create_task(self._caption(self._place(turn, regretful)))
        if turn.at is not None:
            await self.clock.sleep_until(turn.at)
        self._close(turn, ending)
        self._showing.attend("idle")

    def _place(self, turn: _Turn, clause: Clause) -> Spoken:
        """Fix when a clause plays: after the one before it, or as soon as its lips can move."""
        now = self.clock.now()
        soonest = now + START if turn.at is None else now + LEAD
        spoken = Spoken(turn.number, max(soonest, turn.at or 0, self.timeline.end), clause)
        if turn.at is None:
            turn.marks.starts, turn.marks.first_clause = spoken.at, now
            self._showing.attend("speaking")
            self._send(protocol.ReplyStarted(turn.number, to_ms(spoken.at)))
        turn.at = spoken.end
        self.timeline.put(spoken)
        self._showing.speak(spoken.at, clause.speech)
        return spoken

    async def _caption(self, spoken: Spoken) -> None:
        await self.clock.sleep_until(spoken.at - EARLY)
        if spoken.turn != self.timeline.turn or self._current is None:
            return
        self._perform_directions(self._current, spoken.clause)
        heard = 0
        for word in spoken.clause.speech.words:
            await self.clock.sleep_until(spoken.at + word.start)
            if spoken.turn != self.timeline.turn:
                return
            heard = min(heard + len(word.text) + (heard > 0), len(spoken.clause.text))
            self._send(protocol.Caption(spoken.turn, spoken.clause.text, heard))

    def _perform_directions(self, turn: _Turn, clause: Clause) -> None:
        """What a reply's style and brackets say comes into force with the clause."""
        if clause.directions != turn.directions:
            turn.directions = clause.directions
            self._appear()
        for movement in clause.movements:
            self._showing.move(movement)

    def _end_turn(self, ending: Ending) -> None:
        """Stop the reply under way, in one step: nothing of it can sound or show after this."""
        turn = self._current
        if turn is None:
            return
        now = self.clock.now()
        turn.marks.interrupted = now
        self.timeline.cut(now + PACKET, turn.number + 1)
        self._showing.cut(now + PACKET)
        turn.reply.cancel()
        if turn.task is not None:
            turn.task.cancel()
        self._close(turn, ending)

    def _close(self, turn: _Turn, ending: Ending) -> None:
        self._current = None
        self._appear()
        if turn.reply.dropped:
            self._send(self._directed((), turn.reply.dropped))
        now = self.clock.now()
        turn.marks.ended = now
        heard = self.timeline.heard_until(now + PACKET, turn.number)
        if turn.reply.request.origin != "say" or heard:
            self.history.append(Exchange(self._visitor_words(turn), heard))
        self._send(protocol.ReplyEnded(turn.number, ending, heard))
        self._send(publish(turn.marks, ending, self.name, self._metrics))

    @staticmethod
    def _visitor_words(turn: _Turn) -> str:
        request = turn.reply.request
        return "" if request.origin == "say" else request.text

    def sound_sent(self, at: Tick, now: Tick) -> None:
        """A packet that plays at `at` was handed over."""
        if self._current is not None:
            self._current.marks.sound_sent(at, now, PACKET)

    def picture_sent(self, at: Tick, now: Tick, new: bool) -> None:
        """The picture for `at` was handed over: a new one, or the last one again."""
        self._metrics.frames.inc()
        if not new:
            self._metrics.late.inc()
        if self._current is not None:
            self._current.marks.picture_sent(at, now)
