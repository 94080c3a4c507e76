"""A reply that was told to stop, and its rest, which is said to whoever asks to go on."""

from __future__ import annotations

from dataclasses import replace

from visavis.server.playout.messages import PACKET, Request
from visavis.server.session.disclosing import without
from visavis.server.session.history import History
from visavis.server.session.obeying import last_answer
from visavis.server.session.performing import Platform
from visavis.server.session.replying import Replies
from visavis.server.session.turn_taking import TurnTaking


class Halting:
    """Of one session. halted: the rest of one that was to stop."""

    def __init__(
        self, replies: Replies, taking: TurnTaking, history: History, platform: Platform
    ) -> None:
        self._replies, self._taking, self._history = replies, taking, history
        self._clock, self._timeline = platform.clock, platform.timeline
        self._showing = platform.showing
        self.halted: Request | None = None

    def halt(self) -> bool:
        """Be silent at once, and keep the rest for `go_on`; whether anything was being said."""
        turn, at = self._replies.current, self._clock.now() + PACKET
        rest = turn.rest(at) if turn is not None else self._taking.stopped
        spoke = turn is not None or self._taking.stopped is not None
        self._replies.end("interrupted")
        self._timeline.cut(at, self._timeline.turn + 1)
        self._taking.settle()
        self.halted = rest or self.halted
        self._showing.attend("listening" if spoke else "idle")
        self._showing.move("acknowledge")
        return spoke

    def go_on(self) -> bool:
        """Say the rest of what was halted, from the word where it stopped; False: there is none."""
        rest, self.halted = self.halted or self._taking.stopped, None
        if rest is None:
            return self._replies.current is not None  # it goes on as it is
        if rest.origin != "say":
            self._history.drop_question(rest.text)  # it is asked again
        self._replies.start(replace(rest, origin_at=self._clock.now()))
        return True

    def repeat(self) -> bool:
        """Say the last answer once more, in full; False: there is none."""
        self._replies.end("interrupted")  # then it is part of the history
        answer = without(last_answer(self._history.remarks))
        if answer:
            self._taking.settle()
            self._replies.start(Request(answer, "say", self._clock.now()))
        return bool(answer)

    def clear(self) -> None:
        """Nothing is under way any more, and there is nothing to go on with."""
        self._replies.end("interrupted")
        self._taking.settle()
        self.halted = None
