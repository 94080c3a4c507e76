"""One conversation: a clock, a timeline, a turn, and the tasks that serve them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Literal

from visavis.engines.base import Mood, Pcm
from visavis.models.avatar.file import Card
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import (
    Drafted,
    Fluency,
    Heard,
    Request,
    SpeechResumed,
    SpeechStarted,
    Tick,
)
from visavis.server.playout.timeline import Timeline
from visavis.server.session import events
from visavis.server.session.absence import Absence
from visavis.server.session.attendance import ASKED, Attendance
from visavis.server.session.changeover import Changeover
from visavis.server.session.directing import Directing
from visavis.server.session.disclosing import Disclosure
from visavis.server.session.doors import Inlet, Outlet, Outlets
from visavis.server.session.engines import Engines
from visavis.server.session.halting import Halting
from visavis.server.session.hearing import Ear, Hearing
from visavis.server.session.hearing import Event as HearingEvent
from visavis.server.session.history import History
from visavis.server.session.keepsake import Keepsake
from visavis.server.session.lipsync import Mouth
from visavis.server.session.listening import Listening, Sound
from visavis.server.session.obeying import Obeying
from visavis.server.session.performing import Platform
from visavis.server.session.played import Played
from visavis.server.session.pushing import Pushed
from visavis.server.session.relayed import Relayed
from visavis.server.session.relaying import Relay
from visavis.server.session.replying import Conversation, Replies
from visavis.server.session.showing import Showing
from visavis.server.session.speaking import Reply
from visavis.server.session.substitute import Substitute
from visavis.server.session.switching import Switching
from visavis.server.session.turn_taking import Floor, TurnTaking
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics

_CARD_STAYS: Final = 2  # turns, as pages have it: until the next reply but one begins


class Session:
    """A conversation. Whoever made it calls `run`; doors may come and go while it runs.

    voice: to which a program pushes sound where that is the session's `source`.
    """

    def __init__(self, name: str, engines: Engines, metrics: Metrics, clock: Clock) -> None:
        self.name, self._engines, self._metrics, self.clock = name, engines, metrics, clock
        self.timeline = Timeline(engines.finishing.sound)
        self._switching = Switching(engines.language, engines.languages, follows=engines.follows)
        self._closed = False
        self._tasks = Tasks()
        still = engines.first
        self._showing = Showing(
            clock, self.timeline, engines.motion, engines.sitting, still, metrics, engines.finishing
        )
        self._outlets = Outlets(
            self._tasks,
            lambda: self._played.playout(clock, self.timeline, still, engines.double),
            self._showing.look,
        )
        self._showing.changed = lambda fluency: self._outlets.tell(events.Pictures(fluency))
        self._relayed = Relayed(self.timeline, self._showing)
        self._ear = Sound(
            clock, self.timeline, self._tasks, self._on_heard, self._relayed,
            self._outlets.tell, metrics,
        ).to(engines.ear)  # fmt: skip
        self._listening = Listening(self._ear, clock, self._outlets.tell, metrics)
        hearing = self._ear if isinstance(self._ear, Hearing) else None
        self._changeover = Changeover(
            self._switching, hearing, engines.hears, self._tasks, self._outlets.tell
        )
        self.source = engines.source
        self.answers = self.source == "dialogue"  # else it speaks the sound of somebody
        self.history = History()
        self.staff_wanted: str | None = None  # why a human being is, since one was asked for
        self._directing = Directing(
            engines.speakers.guide, self._showing, lambda: self._replies.directions
        )
        self._played = Played(
            metrics, lambda: self._replies.marks, lambda *sent: self.voice.sound_sent(*sent)
        )
        self._platform = Platform(
            clock, self.timeline, self._showing, self._outlets.tell, self._directing.appear,
            self.call_staff,
        )  # fmt: skip
        self.voice = Pushed(self._platform, engines.pushed, self._tasks, metrics)
        self.attendance = Attendance(self._platform, self.history, lambda: self._halting.clear())
        self.disclosure = Disclosure(engines.finishing.label, spoken=engines.discloses)
        conversation = Conversation(
            name, engines, self.history, self._directing, self._changeover, self.attendance,
            self.disclosure, lambda: self._taking.let_go(),
        )  # fmt: skip
        self._replies = Replies(conversation, self._platform, self._tasks, metrics)
        self._obeying = Obeying(
            self, engines.commands, self._changeover, self.attendance, self._platform,
            lambda: self.replying or self._taking.stopped is not None,
        )  # fmt: skip
        self._taking = TurnTaking(
            Floor(
                lambda: self._replies.current,
                self._replies.prepare,
                self._answer,
                lambda remember: self._replies.end("interrupted", remember=remember),
                self._obeying.understands,
                self._obeyed,
                self.attendance,
            ),
            self._platform,
            self.history,
            self._switching,
            metrics,
        )
        self._taking.ear = hearing
        self._halting = Halting(self._replies, self._taking, self.history, self._platform)
        self._absence = Absence(
            conversation, self._replies, self._taking, self._halting, self._platform
        )
        self._stirred: Tick = 0  # when somebody last asked for something or spoke

    async def run(self) -> None:
        """Keep the face alive until cancelled; then every door is closed."""
        try:
            await self._showing.run()
        finally:
            await self.close()

    async def close(self) -> None:
        """End the turn and every door, once; for a session that never ran, too."""
        if self._closed:
            return
        self._closed = True
        self.voice.clear()
        self._replies.end("interrupted")
        self._taking.drop_draft()
        await self._tasks.close()
        self._engines.give_back()

    # --- coming and going -----------------------------------------------------------------------

    @property
    def card(self) -> Card | None:
        """Of its avatar, with the consent to it; None: a face that nobody made a file of."""
        return self._engines.card

    @property
    def forbidden(self) -> str:
        """Why the consent to its face is over, in words; empty: it is not."""
        return self._engines.forbidden()

    def fail(self, failure: events.Failure) -> None:
        """Tell whoever is there what went wrong outside."""
        self._outlets.tell(failure)

    @property
    def resting(self) -> bool:
        """Whether nobody is there."""
        return self._absence.since is not None

    def rest(self, heard: Tick) -> None:
        """The visitor is away, and has heard nothing since `heard`: be quiet and draw nothing."""
        self._absence.begin(heard)

    def wake(self) -> None:
        """The visitor is back: say what they missed of the answer that their absence broke off."""
        self._stirred = self.clock.now()
        self._absence.end()

    def left(self) -> Keepsake:
        """What another session needs to go on where this one, which rests, is ended."""
        return self._absence.left()

    def restore(self, keepsake: Keepsake, away: Tick) -> None:
        """Go on from there, before it runs: its visitor has been away for so long."""
        self._absence.restore(keepsake, away)

    @property
    def quiet(self) -> Tick:
        """For how long nothing was asked for, said or answered."""
        if self.replying or self.attendance.held:
            return 0
        voiced = max(self._relayed.voiced, self.voice.voiced)
        return self.clock.now() - max(self._stirred, self._replies.ended, voiced)

    @property
    def delay(self) -> Tick:
        """From sound that is listened to, to the same sound played; 0 where it is answered."""
        return self._ear.delay if isinstance(self._ear, Relay) else 0

    @property
    def replying(self) -> bool:
        """Whether a reply is under way: thought of, or spoken and not at its end."""
        return self._replies.current is not None

    @property
    def shown(self) -> tuple[events.Caption, ...]:
        """The clauses of the reply under way that were begun, each as far as it was said."""
        return self._replies.shown

    @property
    def card_shown(self) -> events.CardShown | None:
        """What the avatar shows beside its words now, for who joins late; None: nothing."""
        card = self._outlets.card
        return card if card is not None and self.timeline.turn < card.turn + _CARD_STAYS else None

    @property
    def mood(self) -> Mood:
        """How the visitor feels, as far as their words tell it."""
        return self._engines.speakers.guide.felt(self.history.remarks, "", self.language)

    @property
    def reads_voice(self) -> bool:
        """Whether the voice, too, tells of the mood."""
        return isinstance(self._ear, Hearing) and self._ear.reads_mood

    @property
    def said(self) -> tuple[events.Line, ...]:
        """What visitor and avatar said, as it was heard, the question under way included."""
        return self._replies.said

    @property
    def stand_in(self) -> str:
        """Who gave the last answer in place of the mind that was asked; "": nobody."""
        return self._replies.stand_in

    # --- doors ----------------------------------------------------------------------------------

    @property
    def size(self) -> tuple[int, int]:
        """px of the face's picture, across and down."""
        return self._engines.size

    @property
    def matte(self) -> int:
        """Row at which the matte begins, where pictures are double; 0: they are not."""
        return self._engines.matte

    def add_inlet(self, inlet: Inlet) -> asyncio.Task[None]:
        """Let it feed this session; cancel the task to close it."""
        return self._tasks.start(inlet.feed(self), name="inlet")

    def add_outlet(self, outlet: Outlet) -> asyncio.Task[None]:
        """Let it play this session; cancel the task to close it."""
        return self._outlets.add(outlet)

    def watch(self, outlet: Outlet, *, seen: bool) -> None:
        """An outlet tells whether anybody sees the pictures there; few are drawn if nobody does."""
        self._outlets.watch(outlet, seen=seen)

    @property
    def pictures(self) -> str:
        """How they are drawn: by their fluency, or `unseen`."""
        return self._showing.step

    @property
    def fluency(self) -> Fluency:
        """How fluent the face is, for those who see it."""
        return self._showing.fluency

    @property
    def undrawn(self) -> int:
        """How often a picture could not be made so far."""
        return self._showing.failures

    async def listen(self, mic: AsyncIterator[Pcm]) -> None:
        """Hear the visitor, or speak their sound: 48 kHz mono packets until they end."""
        await self._listening.run(mic)

    def sound_refused(self, samples: Tick, packets: int = 0) -> None:
        """A visitor's sound was left out, or packets of it: more than a microphone makes."""
        self._listening.refused(samples, packets)

    # --- what a visitor or an operator asks for -------------------------------------------------

    def ask(self, text: str) -> None:
        """Answer typed words, or do what they tell the conversation to do."""
        if self.attendance.takes(text, typed=True) or self._obeyed(text):
            return
        self._halting.halted = None
        self._taking.settle()
        request = Request(text, "text", self.clock.now(), language=self._switching.of(text))
        turn = self._replies.start(request)
        self._outlets.tell(events.Transcribed(turn, text, final=True))

    def say(self, text: str, style: str = "") -> None:
        """Speak exactly this."""
        self._taking.settle()
        self._replies.start(Request(text, "say", self.clock.now(), style=style))

    def attend(self, what: Literal["idle", "listening"]) -> None:
        """What the face does while it is silent, for a program that knows who speaks."""
        self._showing.attend(what)

    def interrupt(self) -> None:
        """Stop speaking; the rest is said only to who asks for it."""
        self.voice.clear()
        self.halt()
        self._showing.attend("idle")

    # --- its language -----------------------------------------------------------------------------

    @property
    def language(self) -> str:
        """BCP 47, of what is said and answered."""
        return self._switching.language

    @language.setter
    def language(self, language: str) -> None:
        self._switching.language = language

    def speak(self, language: str) -> events.Failure | None:
        """Go over to a language (BCP 47), or with AUTO to whichever the visitor speaks."""
        return self._changeover.speak(language)

    # --- what they tell the conversation itself (obeying.Obedient) --------------------------------

    def _obeyed(self, text: str) -> bool:
        """Whether a visitor's words were a command; then it is done."""
        if not self._obeying.obeyed(text):
            return False
        self._stirred = self.clock.now()
        return True

    def halt(self) -> bool:
        """Be silent at once, and keep the rest for `go_on`; whether anything was being said."""
        return self._halting.halt()

    def go_on(self) -> bool:
        """Say the rest of what was halted, from the word where it stopped; False: there is none."""
        return self._halting.go_on()

    def repeat(self) -> bool:
        """Say the last answer once more, in full; False: there is none."""
        return self._halting.repeat()

    def reply(self, text: str) -> None:
        """Say a few words of its own that nobody need remember."""
        self._replies.remark(text)

    def call_staff(self, reason: str) -> None:
        """Ask for a human being, and say why in a few words for them."""
        self.staff_wanted = reason
        self._outlets.tell(events.StaffWanted(self.timeline.turn, reason))

    def substitute(self, mouth: Mouth) -> Substitute:
        """Somebody who can speak through this face with a voice of their own."""
        ear = self._engines.ear if isinstance(self._engines.ear, Ear) else None
        return Substitute(self._platform, self.attendance, mouth, ear, self._tasks, self._metrics)

    def want_staff(self) -> bool:
        """A visitor asks for a person; whether one may come, so that there is nothing to answer."""
        if self.attendance.presence.offered:
            self.call_staff(ASKED)
        return self.attendance.presence.members > 0

    def steer(self, prompt: str) -> None:
        """Take a direction, for what is said from now on, and tell what was understood."""
        self._tasks.start(self._steer(prompt), name="direct")

    async def _steer(self, prompt: str) -> None:
        self._outlets.tell(await self.direct(prompt))

    async def silence(self) -> None:
        """Return once no reply is under way."""
        await self._replies.silence()

    async def direct(self, prompt: str) -> events.Directed:
        """Take a direction in plain words; what was understood of it."""
        self._stirred = self.clock.now()
        return await self._directing.direct(prompt)

    def mic(self, on: bool) -> None:
        """Open or close the ear."""
        self._listening.switch(on)

    # --- hearing --------------------------------------------------------------------------------

    def _on_heard(self, event: HearingEvent) -> None:
        match event:
            case SpeechStarted() | SpeechResumed():
                self._stirred = self.clock.now()
                self._taking.on_speech(event)
            case Drafted():
                self._taking.on_draft(event)
            case Heard():
                self._taking.on_turn_end(event)
            case _:
                self._outlets.tell(event)

    def _answer(self, request: Request, draft: Reply | None, confirmed: Tick) -> int:
        self._halting.halted = None
        return self._replies.start(request, draft, confirmed)
