"""A session of a server's shown in a room of LiveKit that somebody else has named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from livekit import rtc
from livekit.agents.voice.avatar import AudioReceiver, AudioSegmentEnd

from visavis.server.livekit.joining import NoRoom, Performance, joined, perform
from visavis.server.session.session import Session
from visavis.server.system.errors import NotReady


class Unspoken(AudioReceiver):
    """Nothing comes through the room, and nobody there is told how it was heard."""

    def notify_playback_started(self) -> None:
        """See AudioReceiver."""

    def notify_playback_finished(self, playback_position: float, interrupted: bool) -> None:
        """See AudioReceiver."""

    async def __aiter__(self) -> AsyncIterator[rtc.AudioFrame | AudioSegmentEnd]:
        await asyncio.Event().wait()
        yield AudioSegmentEnd()  # never


@asynccontextmanager
async def shown(
    session: Session, url: str, token: str, size: tuple[int, int]
) -> AsyncIterator[asyncio.Event]:
    """Be in the room within a block; the event is set when the room was left. Raises NotReady.

    size: width and height of the session's pictures, px.
    """
    room, left = await _entered(url, token), asyncio.Event()

    def changed(state: object) -> None:
        if state == rtc.ConnectionState.CONN_DISCONNECTED:
            left.set()

    room.on("connection_state_changed", changed)
    try:
        async with Performance(session, room, Unspoken(), size):
            yield left
    finally:
        room.off("connection_state_changed", changed)
        await room.disconnect()


async def performing(
    session: Session, url: str, token: str, size: tuple[int, int]
) -> Coroutine[Any, Any, None]:
    """Enter the room; then, to be awaited: be its agent's avatar until that has left.

    Raises NotReady.
    """
    return _performed(session, await _entered(url, token), size)


async def _performed(session: Session, room: rtc.Room, size: tuple[int, int]) -> None:
    try:
        await perform(session, room, size)
    finally:
        await room.disconnect()


async def _entered(url: str, token: str) -> rtc.Room:
    """Raises NotReady."""
    try:
        return await joined(url, token)
    except NoRoom as error:
        raise NotReady(str(error)) from error
