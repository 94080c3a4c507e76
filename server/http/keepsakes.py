"""What is left of sessions that ended without a goodbye, for two minutes and under their tokens.

It is in memory only, bounded in number and bytes, taken out once, and gone when its time is over.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, Protocol

SECONDS: Final = 120.0  # that one is kept, from when its visitor was last there
_NUMBER: Final = 256  # sessions
_BYTES: Final = 4_000_000  # of all of them


@dataclass(frozen=True, slots=True)
class Kept:
    """One session's: `content` is written JSON, `until` s of time.monotonic() of this machine.

    proof: what `proof_of` made of its token.
    """

    proof: str
    until: float
    content: str = field(repr=False)


def proof_of(token: str) -> str:
    """By which a token is known again; the token does not follow from it."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def name_of(token: str) -> str:
    """The session that a token is of."""
    return token.partition(".")[0]


class Memory(Protocol):
    """Who keeps them: a server that is one process, or the parent of all its workers."""

    def keep(self, name: str, kept: Kept) -> None:
        """Until its time is over, it is recalled, or there are too many."""
        ...

    async def recall(self, token: str) -> Kept | None:
        """What that token's session left, once; None: there is nothing."""
        ...


class Keepsakes:
    """Those of one server."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Kept, asyncio.TimerHandle]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, name: str, kept: Kept) -> None:
        """See Memory; the oldest make room."""
        self.forget(name)
        left = kept.until - monotonic()
        if left <= 0:
            return
        timer = asyncio.get_running_loop().call_later(left, self.forget, name)
        self._kept[name] = kept, timer
        self._bytes += _size(kept)
        while len(self._kept) > _NUMBER or self._bytes > _BYTES:
            self.forget(next(iter(self._kept)))

    def has(self, name: str) -> bool:
        """Whether a session of that name left something."""
        return name in self._kept

    def take(self, token: str) -> Kept | None:
        """See Memory.recall."""
        name = name_of(token)
        kept, _timer = self._kept.get(name, (None, None))
        if kept is None or not hmac.compare_digest(kept.proof, proof_of(token)):
            return None
        self.forget(name)
        return kept

    def forget(self, name: str) -> None:
        """Let go of what that session left; safe to call twice."""
        kept, timer = self._kept.pop(name, (None, None))
        if kept is not None and timer is not None:
            timer.cancel()
            self._bytes -= _size(kept)

    def clear(self) -> None:
        """Let go of everything."""
        for name in list(self._kept):
            self.forget(name)


class OwnMemory:
    """A Memory in the process of the sessions themselves."""

    def __init__(self) -> None:
        self._keepsakes = Keepsakes()

    def keep(self, name: str, kept: Kept) -> None:
        """See Memory."""
        self._keepsakes.keep(name, kept)

    async def recall(self, token: str) -> Kept | None:
        """See Memory."""
        return self._keepsakes.take(token)


def _size(kept: Kept) -> int:
    return len(kept.content.encode("utf-8", "surrogatepass"))
