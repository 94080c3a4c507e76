"""What is spoken on a connection's data channel: our own protocol, or that of another system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from visavis.server import protocol


@dataclass(frozen=True, slots=True)
class Read:
    """What one message of a viewer means.

    asks: what is asked of the session, None: nothing. tag: goes back with what is answered to it.
    answers: texts that are sent back at once. leaves: whether the viewer says that they go.
    """

    asks: protocol.FromClient | None = None
    tag: str = ""
    answers: tuple[str, ...] = ()
    leaves: bool = False


class Dialect(Protocol):
    """Of one connection: it may remember what was told there.

    label: of the data channel that is taken for it. ping: s within which something must come over
    the channel, once something has: else nobody is taken to look; None: there is no such rule.
    """

    label: str
    ping: float | None

    def greet(self, ready: protocol.Ready) -> Sequence[str]:
        """What is sent when the channel has opened."""
        ...

    def write(self, message: protocol.FromServer) -> Sequence[str]:
        """A message as texts for the channel; none where the other system has no word for it."""
        ...

    def answer(self, message: protocol.FromServer | None, tag: str) -> Sequence[str]:
        """The same for what was asked with that tag; None: it was done without a word."""
        ...

    def read(self, data: str | bytes) -> Read:
        """A viewer's message. Raises ProtocolError with words for them."""
        ...


class Ours:
    """The protocol of `server/protocol.py`."""

    label = protocol.LABEL
    ping: float | None = None

    def greet(self, ready: protocol.Ready) -> Sequence[str]:
        """`ready` itself."""
        return self.write(ready)

    def write(self, message: protocol.FromServer) -> Sequence[str]:
        """One text each."""
        return (protocol.encode(message),)

    def answer(self, message: protocol.FromServer | None, tag: str) -> Sequence[str]:
        """An answer is a message like others."""
        return () if message is None else self.write(message)

    def read(self, data: str | bytes) -> Read:
        """Raises ProtocolError."""
        return Read(protocol.decode(data))
