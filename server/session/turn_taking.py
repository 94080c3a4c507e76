"""Whose turn it is: what a visitor's speech does to replies, from its first sound to its last word.

The answer is made while the visitor may still go on, and told as early as the silence allows. Who
then speaks on takes it back: before a word of it was heard as if it had never been begun, and
within its first two seconds if what follows makes one sentence with what was said before. For that
the ear hears both again together, so either is understood as part of it. All that the visitor said
is one remark then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from visavis.engines.language.phrasebook import voiced
from visavis.engines.language.phrases import goes_on, joined, words_of
from visavis.server.playout.messages import (
    PACKET,
    Drafted,
    Heard,
    Request,
    SpeechResumed,
    SpeechStarted,
    Tick,
    ms,
)
from visavis.server.session import events
from visavis.server.session.attendance import Attendance
from visavis.server.session.hearing import Hearing
from visavis.server.session.history import History
from visavis.server.session.overlap import leaves_the_turn
from visavis.server.session.performing import Performance, Platform
from visavis.server.session.regret import Regret, Sorry
from visavis.server.session.speaking import Reply
from visavis.server.session.switching import Switching
from visavis.server.system.metrics import Metrics

# An answer of which less was heard may be taken back by the rest of a sentence: pauses in one last
# up to 1.5 s, of which 0.2 to 0.9 pass before the answer.
_BARELY: Final[Tick] = ms(2000)
# Silence after which a mind may act on what it was asked: less may be a pause in a sentence.
CONFIRMED: Final[Tick] = ms(400)


@dataclass(frozen=True, slots=True)
class Floor:
    """What a session does with replies. current: the one under way; prepare: one in the making.

    start(request, draft, confirmed): begin a turn, in which a mind may act from `confirmed` on; its
    number. end(remember): stop the reply under way. is_command: whether words tell the conversation
    something, and not a mind; obeyed: it was done. attendance: to whom else answers may be left.
    """

    current: Callable[[], Performance | None]
    prepare: Callable[[Request], Reply]
    start: Callable[[Request, Reply | None, Tick], int]
    end: Callable[[bool], None]
    is_command: Callable[[str], bool]
    obeyed: Callable[[str], bool]
    attendance: Attendance


class TurnTaking:
    """One visitor's turns. stopped: the rest of a reply that speech broke off."""

    def __init__(
        self,
        floor: Floor,
        platform: Platform,
        history: History,
        switching: Switching,
        metrics: Metrics,
    ) -> None:
        self._floor, self._clock, self._timeline = floor, platform.clock, platform.timeline
        self._showing, self._tell = platform.showing, platform.tell
        self._history, self._switching, self._metrics = history, switching, metrics
        self.ear: Hearing | None = None
        self.stopped: Request | None = None
        self._draft: Reply | None = None
        # What they had said of their remark before the words that are heard now.
        self._before = ""
        self._resumed = False  # the words that come have what was said before in them
        self._broken_off: Performance | None = None  # a reply that had barely begun, by this turn
        self._too_long = -1  # the turn that was begun while they spoke on
        self._regret = Regret(switching)
        self._language = "en"  # of what is heard

    # --- what is heard --------------------------------------------------------------------------

    def on_speech(self, event: SpeechStarted | SpeechResumed) -> None:
        """Somebody speaks: a reply under way is held until it is clear what for."""
        self.stopped = None
        self._resumed = isinstance(event, SpeechResumed)
        if not self._resumed:
            self._before, self._broken_off = "", None
        if (turn := self._floor.current()) is not None:
            turn.hold()
            if not self._resumed and _barely_heard(turn) and self.ear is not None:
                self.ear.take_up()
        self._showing.attend("listening")
        self._tell(events.Listening(active=True))

    def on_draft(self, draft: Drafted) -> None:
        """Words at a pause: an answer to them is prepared."""
        self._language = draft.language or "en"
        if self._leaves_the_turn(draft.text):
            if self.ear is not None:  # unless more words follow
                self.ear.end_soon()
            return
        if not draft.text or self._is_answered(draft):
            return
        self._take_the_turn(draft)
        if draft.foreign:  # nothing to think about, and nothing to show
            self.drop_draft()
            return
        text = self._whole(draft)
        self._tell(events.Transcribed(self._timeline.turn + 1, text, final=False))
        self._showing.move("brows" if text.rstrip().endswith("?") else "acknowledge")
        if self._floor.attendance.held:
            self.drop_draft()
            return
        if self._floor.is_command(draft.text):  # nothing for a mind to think about
            self.drop_draft()
            if self.ear is not None:
                self.ear.assure(draft.text, 1.0)
            return
        if self._draft is None or self._draft.request.text != text:
            self.drop_draft()
            language = self._switching.of(text, draft.language)
            self._draft = self._floor.prepare(
                Request(text, "speech", draft.ended, None, draft.arousal, language=language)
            )
        self._assure(self._draft, draft.text)

    def on_turn_end(self, heard: Heard) -> None:
        """The visitor has finished: answer."""
        self._language = heard.language or "en"
        if self._leaves_the_turn(heard.text) or self._is_answered(heard):
            self._go_on()
            return
        self._take_the_turn(heard)
        self._tell(events.Listening(active=False))
        held = self._floor.attendance.held
        sorry = None if held else self._regret.at(heard)
        if sorry is not None or not heard.text:
            self._without_words(sorry)
            return
        if self._floor.attendance.takes(heard.text, again=self._resumed):
            self.drop_draft()
            return
        if self._floor.obeyed(heard.text):
            return
        text = self._whole(heard)
        language = self._switching.of(text, heard.language)
        request = Request(
            text, "speech", heard.ended, heard.transcribed, heard.arousal, language=language
        )
        draft, self._draft = self._draft, None
        if draft is not None and (draft.request.text, draft.request.language) != (text, language):
            draft.cancel()
            draft = None
        turn = self._floor.start(request, draft, heard.ended + CONFIRMED)
        self._too_long = turn if heard.cut else -1
        self._tell(events.Transcribed(turn, text, final=True))

    def _without_words(self, sorry: Sorry | None) -> None:
        """There was nothing to answer; it may be said that nothing was understood."""
        if self._draft is not None:  # words that turned out to be none
            self._tell(events.Transcribed(self._timeline.turn + 1, "", final=True))
        self.drop_draft()
        if sorry is None:
            self.resume()
            return
        language = voiced(self._switching.language)
        request = Request(sorry.text, "say", self._clock.now(), passing=True, language=language)
        turn = self._floor.start(request, None, 0)
        self._tell(events.NotUnderstood(turn, sorry.why))

    # --- whose turn it is -----------------------------------------------------------------------

    def _leaves_the_turn(self, text: str) -> bool:
        """Whether a reply is held, and what was said over it leaves the turn to the avatar."""
        turn = self._floor.current()
        return turn is not None and turn.held and leaves_the_turn(text, turn, self._language)

    def _is_answered(self, words: Drafted | Heard) -> bool:
        """Whether the reply that is held answers just these words: what came after was none."""
        turn = self._floor.current()
        return (
            turn is not None
            and turn.held
            and self._resumed
            and words_of(turn.reply.request.text) == words_of(self._whole(words))
        )

    def _go_on(self) -> None:
        """Say what is left of the reply that is held; what was heard over it is forgotten."""
        self._resumed = False
        if self.ear is not None:
            self.ear.disregard()
        self._tell(events.Listening(active=False))
        if (turn := self._floor.current()) is not None:
            turn.go_on()

    def _take_the_turn(self, words: Drafted | Heard) -> None:
        """End the reply that is held: the visitor has the turn."""
        turn = self._floor.current()
        if turn is None or not turn.held:
            self._join_late(words)
            return
        if self._continues(turn, words):
            self._take_back(turn)
            return
        rest = turn.rest(self._clock.now() + PACKET)
        self._broken_off = turn if _barely_heard(turn) else None
        self._floor.end(True)
        self.stopped = rest

    def _continues(self, turn: Performance, words: Drafted | Heard) -> bool:
        """Whether the visitor goes on with what the reply that is held would answer."""
        if not words.text or not _may_be_taken_back(turn):
            return False
        if self._resumed or not turn.heard or turn.number == self._too_long:
            return True
        asked = turn.reply.request.text
        return _barely_heard(turn) and (
            bool(words.one) or goes_on(asked, words.text, self._language)
        )

    def _take_back(self, turn: Performance) -> None:
        """The answer began too early: it and its question are as if they had never been."""
        if not self._resumed:
            self._before = turn.reply.request.text
        self._metrics.taken_back.inc()
        self._floor.end(False)
        self._tell(events.Transcribed(turn.number, "", final=True))

    def _join_late(self, words: Drafted | Heard) -> None:
        """What seemed to be another remark turns out to be the rest of the one before."""
        turn = self._broken_off
        if turn is None or not words.one:
            return
        self._broken_off = self.stopped = None
        self._before = turn.reply.request.text
        self._metrics.taken_back.inc()
        self._history.drop(turn.number)
        self._tell(events.Transcribed(turn.number, "", final=True))

    def _whole(self, words: Drafted | Heard) -> str:
        """All that the visitor has said of their remark."""
        if not self._before:
            return words.text
        if words.one:
            return words.one
        if goes_on(self._before, words.text, self._language):
            return joined(self._before, words.text, self._language)
        return f"{self._before} {words.text}"

    # --- what is prepared -----------------------------------------------------------------------

    def drop_draft(self) -> None:
        """Nobody waits for the answer that is prepared."""
        if self._draft is not None:
            self._draft.cancel()
            self._draft = None

    def resume(self) -> None:
        """Say what is left of the reply that was broken off."""
        rest, self.stopped = self.stopped, None
        if self._floor.current() is not None:  # an operator made it speak meanwhile
            return
        if rest is None:
            self._showing.attend("idle")
            return
        if rest.origin != "say":
            self._history.drop_last()  # the question is asked again
        self._floor.start(replace(rest, origin_at=self._clock.now()), None, 0)

    def let_go(self) -> None:
        """A turn begins: nothing else is prepared, and nothing is left to be said."""
        self.drop_draft()
        self.stopped = None

    def settle(self) -> None:
        """Something else than the visitor's words began a turn: what they said is over."""
        self.let_go()
        if self.ear is not None:
            self.ear.settle()

    def _assure(self, reply: Reply, text: str) -> None:
        """Let the ear know how sure the answer to these words is, now or once it is known."""
        if self.ear is None:
            return
        if reply.sure is None:
            reply.assured = partial(self.ear.assure, text)
        else:
            self.ear.assure(text, reply.sure)


def _may_be_taken_back(turn: Performance) -> bool:
    """Whether it answers what was said, from its beginning."""
    request = turn.reply.request
    return request.origin == "speech" and not request.skip


def _barely_heard(turn: Performance) -> bool:
    """Whether so little of it was heard that it may have been too early."""
    return _may_be_taken_back(turn) and turn.heard < _BARELY
