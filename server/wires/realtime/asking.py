"""When a client wants an answer, and to what: `response.create` and `response.cancel`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

from visavis.server.session.session import Session
from visavis.server.wires.realtime.guidance import Guidance
from visavis.server.wires.realtime.incoming import Respond
from visavis.server.wires.realtime.items import Item
from visavis.server.wires.realtime.refusals import Refused
from visavis.server.wires.realtime.settings import Settings
from visavis.server.wires.realtime.telling import Teller

# What is asked where a client wants a response to nothing; no part of what was said.
OPENING: Final = "Hello!"
GO_ON: Final = "Please go on."
_ACTIVE: Final = "A response is under way: cancel it, or wait for response.done."
_NOTHING: Final = "There is nothing to answer: add an item with what the visitor says, or sound."


class Asking:
    """Of one client. pending: what the visitor said and nobody has answered."""

    def __init__(self, session: Session, teller: Teller, guidance: Guidance) -> None:
        self._session, self._teller, self._guidance = session, teller, guidance
        self.pending: list[Item] = []
        self._hearing: set[str] = set()  # items whose words are not known yet
        self._known = asyncio.Event()
        self._waits = False  # whether a response waits for them
        self._unsaid: set[int] = set()  # turns whose question nobody said

    async def understand(self, item: Item, words: Awaitable[tuple[str, float]]) -> None:
        """An item's words come; they are pending until then, too."""
        self.pending.append(item)
        self._hearing.add(item.id)
        try:
            self._teller.transcribed(item, *await words)
        finally:
            self._hearing.discard(item.id)
            self._known.set()

    def check(self) -> None:
        """Raises Refused when no response can begin."""
        if self._teller.response is not None or self._waits:
            raise Refused("conversation_already_has_active_response", _ACTIVE)

    async def respond(self, wanted: Respond, settings: Settings) -> None:
        """Begin a response. Raises Refused."""
        self.check()
        guidance, teller = self._guidance, self._teller
        guidance.instructions, teller.wanted = wanted.instructions, wanted
        if guidance.waiting:
            teller.begin(self._session.timeline.turn)
            guidance.go_on()
        elif teller.withheld is not None:
            teller.begin(teller.withheld)
            guidance.may_answer.set()
        else:
            await self._hear()
            self._ask(settings)

    async def _hear(self) -> None:
        """Wait until all words are known."""
        self._waits = True
        try:
            while self._hearing:
                self._known.clear()
                await self._known.wait()
        finally:
            self._waits = False

    def _ask(self, settings: Settings) -> None:
        """Raises Refused."""
        items, self.pending = self.pending, []
        text = " ".join(item.text for item in items if item.text)
        said = bool(text)
        if not said:
            text = self._opener(settings)
            items = [*items, Item("")]
        self._guidance.may_answer.set()
        self._teller.asking = items
        try:
            self._session.ask(text)
        finally:
            self._teller.asking = []
        turn = self._session.timeline.turn
        if not said:
            self._unsaid.add(turn)
        if self._teller.response is None:  # it was a command, or is left to the staff
            self._teller.begin(turn)
            self._teller.finish()

    def _opener(self, settings: Settings) -> str:
        """Raises Refused."""
        told = self._guidance.instructions or settings.instructions
        if self._session.history.remarks:
            if settings.guided and told:
                return GO_ON
            raise Refused("nothing_to_answer", _NOTHING)
        return OPENING

    def ended(self, turn: int) -> None:
        """A reply is over: what nobody said is no part of what was said."""
        self._guidance.instructions = None
        if turn in self._unsaid:
            self._unsaid.discard(turn)
            self._session.history.forget(turn, "visitor")

    def cancel(self, response: str) -> None:
        """Break it off. Raises Refused."""
        active = self._teller.response
        if active is None and not self._guidance.waiting:
            raise Refused("response_cancel_not_active", "No response is under way.")
        if active is not None and response not in ("", active.id):
            raise Refused("response_cancel_not_active", "It is over already.", "response_id")
        self.stop()

    def stop(self) -> None:
        """Be silent, in the client's name."""
        self._teller.cancelling = True
        try:
            self._session.interrupt()
        finally:
            self._teller.cancelling = False
