"""One worker as its parent sees it: its process, its link, its sessions, and how to reach it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from aiohttp import ClientSession, ClientTimeout, UnixConnector

from visavis.server.processes.link import Link, LinkError
from visavis.server.system.errors import LOADING

ANSWER: Final = ClientTimeout(total=60.0)  # s; an avatar or a voice may have to be loaded first

State = Literal["offered", "live", "resting", "over"]
STATES: Final[tuple[State, ...]] = get_args(State)
Why = Literal["ended", "killed", "hung", "start", "nonsense"]


@dataclass(slots=True)
class Distant:
    """A conversation in a worker, as far as its place is concerned: implements places.Holder."""

    state: State
    since: float
    begun: bool

    def becomes(self, state: Any, since: Any, begun: Any) -> None:
        """What the worker told last. Raises ValueError, TypeError."""
        if state not in STATES:
            raise ValueError("no such state")
        self.state, self.since, self.begun = (
            state,
            float(since),
            bool(begun),
        )


class Worker:
    """One process. names: of its sessions, from their offers on. missing: why it can begin none.

    beats: how often it has said that it lives, since it was last looked at. heard: when it last
    did, s of time.monotonic().
    """

    def __init__(self, slot: int, process: asyncio.subprocess.Process) -> None:
        self.slot, self.process = slot, process
        self.link: Link | None = None
        self.client: ClientSession | None = None
        self.missing: str | None = LOADING
        self.was_ready = self.is_over = False
        self.names: dict[str, Distant] = {}
        self.pending = 0  # offers on their way to it
        self.beats = 0
        self.heard = 0.0
        self.why: Why = "ended"

    @property
    def pid(self) -> int:
        """Of its process."""
        return self.process.pid

    @property
    def takes(self) -> bool:
        """Whether a session can begin in it."""
        return self.client is not None and not self.is_over and self.missing is None

    @property
    def load(self) -> int:
        """Its sessions, those on their way included."""
        return len(self.names) + self.pending

    def linked(self, link: Link, path: str) -> None:
        """It has found its parent."""
        self.link = link
        # A connection for each request: one that ends before its answer says that the worker died.
        connector = UnixConnector(path=path, force_close=True)
        self.client = ClientSession(connector=connector, timeout=ANSWER)

    def tell(self, kind: str, content: Any = None) -> None:
        """Lost when it does not listen: then it is as good as over."""
        if self.link is not None:
            with contextlib.suppress(LinkError):
                self.link.send(kind, content)

    def kill(self, why: Why) -> None:
        """End it now."""
        self.why = why
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)

    async def close(self) -> None:
        """It is over: nothing is asked of it any more."""
        self.is_over = True
        if self.link is not None:
            self.link.close()
        if self.client is not None:
            await self.client.close()
