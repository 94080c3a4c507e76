"""Two participants of a room of LiveKit without its server: an agent's side, and an avatar's.

A double of `livekit.rtc.Room` as livekit-agents' own classes use it: byte streams, RPC, events and
published tracks go from one side to the other as fast as the event loop turns.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

from livekit import rtc

AGENT, AVATAR = "agent-1", "avatar-1"


class Stream:
    """A byte stream as its reader sees it; None ends it, an exception breaks it off."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self.info = SimpleNamespace(attributes=attributes, stream_id="stream")
        self._chunks: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()

    async def write(self, data: bytes) -> None:
        self._chunks.put_nowait(data)

    async def aclose(self) -> None:
        self._chunks.put_nowait(None)

    def close(self) -> None:
        self._chunks.put_nowait(None)

    def breaks(self) -> None:
        self._chunks.put_nowait(rtc.StreamError("the room was left"))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._chunks.get()
        if chunk is None:
            raise StopAsyncIteration
        if isinstance(chunk, Exception):
            raise chunk
        return chunk


class Participant:
    """Of one side, as the side itself and as the other one sees it."""

    kind = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    state = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE

    def __init__(self, room: Room, identity: str) -> None:
        self._room, self.identity = room, identity
        self.attributes: dict[str, str] = {}
        self.track_publications: dict[str, Any] = {}
        self._rpc_handlers: dict[str, Callable[..., Any]] = {}
        self._numbers = itertools.count(1)

    def register_rpc_method(self, method: str, handler: Callable[..., Any]) -> None:
        self._rpc_handlers[method] = handler

    async def perform_rpc(
        self, *, destination_identity: str, method: str, payload: str, **_: Any
    ) -> str:
        await asyncio.sleep(0)
        other = self._room.other
        self._room.calls.append((asyncio.get_running_loop().time(), method, payload))
        if other is None or other.local_participant.identity != destination_identity:
            raise rtc.RpcError(rtc.RpcError.ErrorCode.RECIPIENT_NOT_FOUND, "nobody is there")
        handler = other.local_participant._rpc_handlers.get(method)
        if handler is None:
            raise rtc.RpcError(rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD, "unknown")
        data = SimpleNamespace(caller_identity=self.identity, method=method, payload=payload)
        answer = handler(data)
        return str(await answer if isinstance(answer, Awaitable) else answer)

    async def stream_bytes(
        self, *, name: str, topic: str, attributes: dict[str, str], **_: Any
    ) -> Stream:
        stream = Stream(attributes)
        if self._room.other is not None:
            self._room.other.receive(topic, stream, self.identity)
        return stream

    async def publish_track(self, track: Any, options: Any) -> Any:
        await asyncio.sleep(self._room.publishing)
        publication = SimpleNamespace(
            sid=f"TR_{next(self._numbers)}", track=track, kind=track.kind, source=options.source,
            wait_for_subscription=lambda: asyncio.sleep(0),
        )  # fmt: skip
        self.track_publications[publication.sid] = publication
        if self._room.other is not None:
            self._room.other.emit("track_published", publication, self)
        return publication


class Room(rtc.EventEmitter[str]):
    """One side. other: the other one; None: nobody else is there."""

    def __init__(self, identity: str, name: str = "room") -> None:
        super().__init__()
        self.name = name
        self.local_participant = Participant(self, identity)
        self.connection_state = rtc.ConnectionState.CONN_CONNECTED
        self.other: Room | None = None
        self.publishing = 0.0  # s that it takes to publish a track
        self.calls: list[tuple[float, str, str]] = []  # when, method, payload
        self._handlers: dict[str, Callable[..., None]] = {}

    @property
    def remote_participants(self) -> dict[str, Participant]:
        other = self.other
        return {} if other is None else {other.local_participant.identity: other.local_participant}

    def isconnected(self) -> bool:
        return self.connection_state == rtc.ConnectionState.CONN_CONNECTED

    def register_byte_stream_handler(self, topic: str, handler: Callable[..., None]) -> None:
        if topic in self._handlers:
            raise ValueError(topic)
        self._handlers[topic] = handler

    def unregister_byte_stream_handler(self, topic: str) -> None:
        self._handlers.pop(topic, None)

    def receive(self, topic: str, stream: Stream, sender: str) -> None:
        if topic in self._handlers:
            self._handlers[topic](stream, sender)

    def meet(self, other: Room) -> None:
        """Both are in the room from now on."""
        self.other, other.other = other, self
        for one, who in ((self, other), (other, self)):
            one.emit("participant_connected", who.local_participant)
            one.emit("participant_active", who.local_participant)

    def leave(self) -> None:
        """This side is gone for the other one."""
        other, self.other = self.other, None
        self.connection_state = rtc.ConnectionState.CONN_DISCONNECTED
        self.emit("connection_state_changed", self.connection_state)
        if other is not None:
            other.other = None
            other.emit("participant_disconnected", self.local_participant)

    async def disconnect(self) -> None:
        self.leave()


def pair(avatar: str = AVATAR) -> tuple[Room, Room]:
    """The agent's side and the avatar's, who is there in its name and has not met it yet."""
    here, there = Room(AGENT), Room(avatar)
    there.local_participant.attributes["lk.publish_on_behalf"] = AGENT
    return here, there
