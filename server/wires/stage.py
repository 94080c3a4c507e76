"""The sessions that players watch: one an avatar, there while anybody watches or speaks.

An operator has it speak by its name, `whep-AVATAR`; a voice comes to it by WHIP.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from visavis.engines.base import EngineError
from visavis.server.http.opening import Sessions
from visavis.server.http.wishes import Wish
from visavis.server.rtc.allowance import Limits
from visavis.server.rtc.broadcast import Broadcast
from visavis.server.rtc.hosted import Hosted
from visavis.server.system.errors import NotFound, NotReady

PREFIX: Final = "whep-"  # of their names
_LINGERS: Final = 15.0  # s without anybody: a player that reconnects finds what was said
_ENDLESS: Final = Limits()  # a face on a wall may be silent for days


class Stage:
    """One session and what is encoded of it."""

    def __init__(self, hosted: Hosted) -> None:
        self.hosted, self.broadcast = hosted, Broadcast(hosted.session)
        self.speaker: object | None = None  # whose voice it speaks with


class Stages:
    """Those of one process, by avatar."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._stages: dict[str, Stage] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        sessions.gone.append(self._gone)

    async def of(self, avatar: str, who: str) -> Stage:
        """The one of an avatar; opened if there is none. Raises what `Sessions.hosted` raises."""
        lock = self._opening.setdefault(avatar, asyncio.Lock())
        try:
            async with lock:
                stage = self._stages.get(avatar)
                if stage is None or stage.hosted.state == "over":
                    stage = self._stages[avatar] = Stage(await self._open(avatar, who))
                return stage
        finally:
            if not lock.locked() and avatar not in self._stages:
                self._opening.pop(avatar, None)

    async def _open(self, avatar: str, who: str) -> Hosted:
        """It says what it is told to, and speaks with a voice that is pushed."""
        try:
            mouth = await self._sessions.mouth()
        except EngineError as error:
            raise NotReady(str(error)) from error
        return await self._sessions.hosted(
            Wish(avatar=avatar, source="dialogue", door="whep"), who, name=PREFIX + avatar,
            lingers=_LINGERS, limits=_ENDLESS, adapt=lambda engines: replace(engines, pushed=mouth),
        )  # fmt: skip

    def there(self, avatar: str) -> Stage:
        """The one of an avatar. Raises NotFound."""
        stage = self._stages.get(avatar)
        if stage is None:
            raise NotFound("Nobody watches this avatar; the session may have ended.")
        return stage

    def _gone(self, name: str) -> None:
        avatar = name.removeprefix(PREFIX)
        stage = self._stages.get(avatar) if name.startswith(PREFIX) else None
        if stage is not None and stage.hosted.state == "over":
            del self._stages[avatar]
            self._opening.pop(avatar, None)
            stage.broadcast.close()
