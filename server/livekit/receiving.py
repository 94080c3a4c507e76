"""What an agent sends to its avatar, for as long as the agent is there.

livekit-agents' own receiver ends for good with the first stream that it cannot read (one that was
broken off, one without a rate) and with an agent that does not answer. A new one then takes over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Final

from livekit import rtc
from livekit.agents.voice.avatar import AudioReceiver, AudioSegmentEnd, DataStreamAudioReceiver
from livekit.agents.voice.avatar._datastream_io import AUDIO_STREAM_TOPIC, RPC_CLEAR_BUFFER

from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

_FRAME: Final = 20  # ms of sound that are passed on at once: the first word waits for the first
_PAUSE: Final = 0.5  # s before another receiver

Clear = Callable[[rtc.RpcInvocationData], str]


class _OfRoom(DataStreamAudioReceiver):
    """Theirs has one handler for all rooms of a process in which an agent has the same identity."""

    @classmethod
    def _register_clear_buffer_rpc(
        cls, room: rtc.Room, *, caller_identity: str, handler: Clear
    ) -> None:
        room.local_participant.register_rpc_method(RPC_CLEAR_BUFFER, handler)


class Receiving(AudioReceiver):
    """Of one room and one agent; sender: its identity, None: the first agent that is there."""

    def __init__(self, room: rtc.Room, sender: str | None) -> None:
        super().__init__()
        self._room, self._sender = room, sender
        self._receiver: DataStreamAudioReceiver | None = None
        self._received: asyncio.Queue[rtc.AudioFrame | AudioSegmentEnd] = asyncio.Queue(1)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """At once, so that the avatar is seen before the agent comes."""
        self._task = asyncio.create_task(self._receive(), name="receiving of LiveKit")

    async def _receive(self) -> None:
        while True:
            try:
                await self._until_it_ends()
            except Exception as error:  # noqa: BLE001 (whatever a stream was, the next one is read)
                log.warning("an agent's sound broke off", extra={"fault": fault(error)})
            await self._received.put(AudioSegmentEnd())
            await asyncio.sleep(_PAUSE)

    async def _until_it_ends(self) -> None:
        receiver = _OfRoom(self._room, sender_identity=self._sender, frame_size_ms=_FRAME)
        receiver.on("clear_buffer", self._clear)
        try:
            await receiver.start()
            self._receiver = receiver
            async for frame in receiver:
                await self._received.put(frame)
        finally:
            self._receiver = None
            self._room.unregister_byte_stream_handler(AUDIO_STREAM_TOPIC)
            await receiver.aclose()

    def _clear(self) -> None:
        while not self._received.empty():
            self._received.get_nowait()
        self.emit("clear_buffer")

    def notify_playback_started(self) -> None:
        """Tell the agent."""
        if self._receiver is not None:
            self._receiver.notify_playback_started()

    def notify_playback_finished(self, playback_position: float, interrupted: bool) -> None:
        """Tell the agent."""
        if self._receiver is not None:
            self._receiver.notify_playback_finished(playback_position, interrupted)

    def __aiter__(self) -> AsyncIterator[rtc.AudioFrame | AudioSegmentEnd]:
        return self._frames()

    async def _frames(self) -> AsyncIterator[rtc.AudioFrame | AudioSegmentEnd]:
        while True:
            yield await self._received.get()

    async def aclose(self) -> None:
        """No more comes."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
