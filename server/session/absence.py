"""A visitor goes away, and comes back: to the same session, or to one that goes on in its place."""

from __future__ import annotations

from typing import Final

from visavis.server.playout.messages import Tick, ms
from visavis.server.session.halting import Halting
from visavis.server.session.keepsake import Keepsake, names_of
from visavis.server.session.performing import Platform
from visavis.server.session.replying import Conversation, Replies
from visavis.server.session.turn_taking import TurnTaking

# Who comes back later than this has other things in mind than half of an answer.
_UNFINISHED: Final[Tick] = ms(30_000)


class Absence:
    """Of one session's visitor. since: when they went; None: they are there."""

    def __init__(
        self,
        conversation: Conversation,
        replies: Replies,
        taking: TurnTaking,
        halting: Halting,
        platform: Platform,
    ) -> None:
        self._conversation, self._replies = conversation, replies
        self._taking, self._halting = taking, halting
        self._clock, self._timeline = platform.clock, platform.timeline
        self._showing = platform.showing
        self.since: Tick | None = None

    def begin(self, heard: Tick) -> None:
        """They have heard nothing since `heard`: be quiet and draw nothing."""
        self._taking.stopped = self._replies.leave(heard)
        self._taking.drop_draft()
        self.since = self._clock.now()
        self._showing.rest()

    def end(self) -> None:
        """They are back: say what they missed of the answer that their absence broke off."""
        since, self.since = self.since, None
        self._showing.wake()
        if since is not None and self._clock.now() - since > _UNFINISHED:
            self._taking.stopped = None
        self._taking.resume()

    def left(self) -> Keepsake:
        """What another session needs to go on where this one is ended."""
        conversation = self._conversation
        return Keepsake(
            self._timeline.turn,
            conversation.history.remarks,
            names_of(conversation.directing.active),
            self._taking.stopped,
            self._halting.halted,
            conversation.changeover.language,
            conversation.changeover.follows,
            conversation.disclosure.told,
        )

    def restore(self, keepsake: Keepsake, away: Tick) -> None:
        """Go on from there, before the session runs: its visitor has been away for so long."""
        conversation = self._conversation
        conversation.history.remarks = keepsake.remarks
        conversation.disclosure.restore(told=keepsake.told)
        conversation.directing.active = keepsake.active()
        self._timeline.turn = keepsake.turn
        conversation.changeover.restore(keepsake.language, follows=keepsake.follows)
        self._taking.stopped, self._halting.halted = keepsake.unfinished, keepsake.halted
        conversation.directing.appear()
        self.since = self._clock.now() - away
        self._showing.rest()
