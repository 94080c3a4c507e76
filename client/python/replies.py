"""Which reply belongs to which text: turns begin in the order in which texts were sent."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, TypeVar

from visavis.remote.errors import NoReply, RemoteError
from visavis.remote.messages import (
    Commanded,
    Failure,
    FromServer,
    Ready,
    ReplyEnded,
    ReplyStarted,
    SayText,
    Text,
    Thinking,
    Transcribed,
)

# Failures of a text, told as it is read.
_REFUSALS: Final = {
    "empty-text", "no-words", "nothing-to-say", "bad-message", "too-many-messages", "failed",
}  # fmt: skip
Told = TypeVar("Told")


class Reply:
    """What is said to one text. turn: its number, None before it begins."""

    def __init__(self, message: Text | SayText) -> None:
        self.message = message
        self.turn: int | None = None
        loop = asyncio.get_running_loop()
        self._started: asyncio.Future[ReplyStarted] = loop.create_future()
        self._ended: asyncio.Future[ReplyEnded] = loop.create_future()

    async def started(self, within: float = 30.0) -> ReplyStarted:
        """When its first sound plays. Raises NoReply, Ended, Lost, TimeoutError."""
        return await _told(self._started, within)

    async def ended(self, within: float = 120.0) -> ReplyEnded:
        """How it went, once its last word was heard. Raises NoReply, Ended, Lost, TimeoutError."""
        return await _told(self._ended, within)

    @property
    def over(self) -> bool:
        """Whether there is nothing to wait for."""
        return self._ended.done()

    def take(self, event: ReplyStarted | ReplyEnded) -> None:
        """It began, or ended."""
        if isinstance(event, ReplyEnded):
            self._ended.set_result(event)
        elif not self._started.done():
            self._started.set_result(event)

    def fail(self, error: RemoteError) -> None:
        """There is none."""
        for future in (self._started, self._ended):
            if not future.done():
                future.set_exception(error)
                future.exception()  # nobody need ask


class Replies:
    """Of one session."""

    def __init__(self) -> None:
        self._waiting = deque[Reply]()
        self._begun: dict[int, Reply] = {}
        # What a lost link broke off: the rest of it is said as another turn, if there is any.
        self._broken: Reply | None = None

    def expect(self, message: Text | SayText) -> Reply:
        """A text is sent."""
        reply = Reply(message)
        self._waiting.append(reply)
        return reply

    def take(self, event: FromServer) -> None:
        """The server tells something."""
        match event:
            case Ready(resumed=True):
                self._resume(event)
            case Thinking(turn):
                self._begin(turn)
            case Transcribed(turn, text, True) if turn in self._begun:
                if not _asked(self._begun[turn], text):  # somebody spoke meanwhile: their turn
                    self._waiting.appendleft(self._begun.pop(turn))
            case Commanded():
                self._refuse(Text, NoReply("command", "the words told the conversation something"))
            case Failure(code, message) if code in _REFUSALS:
                self._refuse(object, NoReply(code, message))
            case ReplyStarted(turn) | ReplyEnded(turn):
                self._went(turn, event)

    def _begin(self, turn: int) -> None:
        if self._broken is not None:
            self._begun[turn], self._broken = self._broken, None
        elif self._waiting:
            self._begun[turn] = self._waiting.popleft()
        else:
            return
        self._begun[turn].turn = turn

    def _went(self, turn: int, event: ReplyStarted | ReplyEnded) -> None:
        if turn not in self._begun and self._broken is not None:
            self._begin(turn)  # that it is thought of was told before there was a link again
        if (reply := self._begun.get(turn)) is not None:
            reply.take(event)
        if isinstance(event, ReplyEnded):
            self._begun.pop(turn, None)

    def _resume(self, ready: Ready) -> None:
        begun = sorted(self._begun)
        heard = {line.turn: line.text for line in ready.history if line.who == "avatar"}
        for turn in begun[:-1]:
            self._begun.pop(turn).take(ReplyEnded(turn, "interrupted", heard.get(turn, "")))
        if begun:
            self._broken = self._begun.pop(begun[-1])
            if ready.captions:
                self._begin(ready.captions[0].turn)

    def end(self, error: RemoteError) -> None:
        """No more replies."""
        broken = [self._broken] if self._broken is not None else []
        for reply in (*broken, *self._begun.values(), *self._waiting):
            reply.fail(error)
        self._broken = None
        self._begun.clear()
        self._waiting.clear()

    def _refuse(self, kind: type, error: NoReply) -> None:
        if self._waiting and isinstance(self._waiting[0].message, kind):
            self._waiting.popleft().fail(error)


def _asked(reply: Reply, text: str) -> bool:
    return isinstance(reply.message, Text) and reply.message.text.strip() == text


async def _told(future: asyncio.Future[Told], within: float) -> Told:
    async with asyncio.timeout(within):
        return await asyncio.shield(future)
