"""Sessions in the process of another program: engines are loaded once, and no port is opened.

async with House.open(load({"avatar": "mira"})) as house:
    async with house.session(outlet) as session:
        await session.voice.push(sound)
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Final, Self

from visavis.models.avatar.consent import Use
from visavis.server.services.configured import avatars, services
from visavis.server.services.engines import Services
from visavis.server.services.stamp import session_class
from visavis.server.session.doors import Outlet
from visavis.server.session.events import Failure
from visavis.server.session.session import Session
from visavis.server.system.audit import Audit, Unaudited, audit_log
from visavis.server.system.config import Config, Source
from visavis.server.system.flow import Tasks
from visavis.server.system.metrics import Metrics

OVER: Final = "consent-over"  # code of the failure that outlets are told then
_LOOK: Final = 1.0  # s between two looks at whether the consent to a face is over


class House:
    """Engines, and any number of sessions, one after the other or at once."""

    def __init__(
        self,
        config: Config,
        engines: Services,
        metrics: Metrics,
        audit: Audit | None = None,
        door: str = "embedded",
    ) -> None:
        """engines: opened already. Who makes it otherwise than by `open` closes them."""
        self._config, self._engines, self._metrics = config, engines, metrics
        self._audit, self._door = audit or Unaudited(), door
        self._numbers = itertools.count(1)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, config: Config, *, wordless: bool = True, door: str = "embedded"
    ) -> AsyncIterator[Self]:
        """Load the engines and warm them, which takes some seconds.

        wordless: only what sessions of the source "voice" need. door: what it is for, as the audit
        log calls it. Raises ConfigError, EngineError,
        AvatarError, ManifestError, NotFound.
        """
        metrics, store = Metrics(), avatars(config)
        make = partial(services, wordless=wordless, session=session_class(door))
        engines = await asyncio.to_thread(make, config, store, metrics)  # a key may be made
        tasks, audit = Tasks(), audit_log(config, door, metrics)
        try:
            await engines.open()
            tasks.start(engines.watch(), name="consents")
            yield cls(config, engines, metrics, audit, door)
        finally:
            await tasks.close()
            engines.close()
            await asyncio.to_thread(audit.close)  # which waits for the disk

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of every picture, px."""
        return self._config.width, self._config.height

    @asynccontextmanager
    async def session(
        self, *outlets: Outlet, avatar: str = "", source: Source = "voice", language: str = "",
        uses: tuple[Use, ...] = ("live",),
    ) -> AsyncIterator[Session]:  # fmt: skip
        """One that lives until the block is left; nothing of it is heard or seen after that.

        Nor after the consent to its face is over: outlets are told Failure("consent-over") then,
        and `session.forbidden` says why. outlets: who plays it, from its beginning. avatar: by
        name, "": the setting's. language: BCP 47, "": the setting's. uses: what the consent must
        be for. Raises EngineError, AvatarError, NotFound (NotAllowed, Ended).
        """
        engines = await self._engines.lend(
            avatar or self._config.avatar,
            self._config.voice,
            source,
            language or self._config.language,
            uses=uses,
        )
        name = f"embedded-{next(self._numbers)}"
        async with AsyncExitStack() as ends:
            session = Session(name, engines, self._metrics, engines.clock())
            ends.push_async_callback(session.close)
            for outlet in outlets:
                session.add_outlet(outlet)
            running = asyncio.create_task(session.run(), name=name)
            ends.push_async_callback(_ended, running)
            guarding = asyncio.create_task(_guard(session, running), name=f"{name} guarded")
            ends.push_async_callback(_ended, guarding)
            ends.enter_context(self._noted(name, avatar or self._config.avatar, source))
            yield session

    @contextmanager
    def _noted(self, session: str, avatar: str, source: Source) -> Iterator[None]:
        begun = time.monotonic()
        self._audit.record(
            "session-opened", session=session, avatar=avatar, source=source, door=self._door
        )
        try:
            yield
        finally:
            seconds = round(time.monotonic() - begun, 1)
            self._audit.record("session-closed", session=session, avatar=avatar, seconds=seconds)


async def _guard(session: Session, running: asyncio.Task[None]) -> None:
    """End it when the consent to its face is over."""
    # It is asked, for lists of consents are files that another program writes.
    while not (why := session.forbidden):  # noqa: ASYNC110
        await asyncio.sleep(_LOOK)
    session.fail(Failure(OVER, why))
    running.cancel()
    await session.close()


async def _ended(running: asyncio.Task[None]) -> None:
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
