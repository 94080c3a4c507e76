"""A session shown in a room of LiveKit, whose voice comes another way than through the room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livekit import rtc
from livekit.agents.voice.avatar import AudioReceiver, AudioSegmentEnd

from visavis.server.livekit.joining import NoRoom, Performance, joined
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
    try:
        room, left = await joined(url, token), asyncio.Event()
    except NoRoom as error:
        raise NotReady(str(error)) from error

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
