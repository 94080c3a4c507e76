"""A session in a room of LiveKit, from the connection until its agent has left."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from livekit import rtc
from livekit.agents.types import ATTRIBUTE_PUBLISH_ON_BEHALF
from livekit.agents.voice.avatar import AudioReceiver, AvatarOptions, AvatarRunner

from visavis.engines.base import PLAY_RATE
from visavis.server.livekit.face import QUEUE, Face
from visavis.server.livekit.receiving import Receiving
from visavis.server.playout.messages import FRAME
from visavis.server.session.session import Session

log = logging.getLogger(__name__)

AWAY: Final = 30.0  # s that an agent may be away, or take to come
_CONNECTING: Final = 15.0  # s


class NoRoom(Exception):
    """A room of LiveKit cannot be joined; the text says what was tried."""


async def joined(url: str, token: str) -> rtc.Room:
    """The room that the token is for. Raises NoRoom, without a word of the token."""
    room = rtc.Room()
    try:
        async with asyncio.timeout(_CONNECTING):
            # Nobody is seen or heard by an avatar: its agent's voice comes as data.
            await room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
    except (rtc.ConnectError, TimeoutError) as error:
        msg = f"no room of LiveKit at {url}: is that its address, and is the token still valid?"
        raise NoRoom(msg) from error
    return room


async def perform(
    session: Session, room: rtc.Room, size: tuple[int, int], away: float = AWAY
) -> None:
    """Be the avatar of the agent in whose name the room was joined, until it has left.

    size: width and height of the session's pictures, px. away: s that the agent may be away.
    """
    agent = room.local_participant.attributes.get(ATTRIBUTE_PUBLISH_ON_BEHALF) or None
    presence = _Presence(room, agent)
    try:
        async with Performance(session, room, Receiving(room, agent), size):
            await presence.over(away)
    finally:
        presence.close()


class Performance:
    """A session as the pictures and the voice of a room's own participant, within a block."""

    def __init__(
        self, session: Session, room: rtc.Room, receiver: AudioReceiver, size: tuple[int, int]
    ) -> None:
        """receiver: what the agent's voice comes from."""
        self._session, self._face = session, Face(session)
        width, height = size
        options = AvatarOptions(width, height, PLAY_RATE / FRAME, PLAY_RATE, 1)
        self._runner = AvatarRunner(
            room, audio_recv=receiver, video_gen=self._face, options=options, _queue_size_ms=QUEUE
        )
        self._playing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> AvatarRunner:
        self._playing = self._session.add_outlet(self._face)
        await self._runner.start()
        return self._runner

    async def __aexit__(self, *exc: object) -> None:
        self._face.close()
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)
        await self._runner.aclose()


class _Presence:
    """Whether an agent is in the room. identity: None: any agent is meant."""

    def __init__(self, room: rtc.Room, identity: str | None) -> None:
        self._room, self._identity = room, identity
        self._changed = asyncio.Event()
        for event in ("participant_active", "participant_connected", "participant_disconnected",
                      "connection_state_changed"):  # fmt: skip
            room.on(event, self._on_change)

    def _on_change(self, _: object) -> None:
        self._changed.set()

    @property
    def _there(self) -> bool:
        others = self._room.remote_participants
        if self._identity is not None:
            return self._identity in others
        agent = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        return any(each.kind == agent for each in others.values())

    async def over(self, away: float) -> None:
        """Return when the agent has been away for so many s, or the room is left."""
        while self._room.connection_state != rtc.ConnectionState.CONN_DISCONNECTED:
            self._changed.clear()
            try:
                async with asyncio.timeout(None if self._there else away):
                    await self._changed.wait()
            except TimeoutError:
                log.info("an agent of LiveKit is away: its avatar leaves, too")
                return

    def close(self) -> None:
        for event in ("participant_active", "participant_connected", "participant_disconnected",
                      "connection_state_changed"):  # fmt: skip
            self._room.off(event, self._on_change)
