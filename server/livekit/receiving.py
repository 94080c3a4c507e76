"""What an agent sends to its avatar, and what it is told of it: one end for each segment.

livekit-agents' receiver, but for what goes wrong with it: it ends for good with the first stream
that it cannot read and with an agent that does not answer, plays segments that waited when their
agent cleared them, and tells nothing of those of which the runner had no sound yet.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Final

from livekit import rtc
from livekit.agents import utils
from livekit.agents.voice.avatar import AudioSegmentEnd, DataStreamAudioReceiver
from livekit.agents.voice.avatar import _datastream_io as names
from livekit.agents.voice.io import PlaybackFinishedEvent

from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

_FRAME: Final = 20  # ms of sound that are passed on at once: the first word waits for the first
_MOST: Final = 3000  # of them that wait for the runner: a minute
_PAUSE: Final = 0.1  # s between tries to tell the agent
_TRIES: Final = 3

Clear = Callable[[rtc.RpcInvocationData], str]


class Receiving(DataStreamAudioReceiver):
    """Of one room and one agent; sender: its identity, None: the first agent that is there."""

    def __init__(self, room: rtc.Room, sender: str | None) -> None:
        super().__init__(room, sender_identity=sender, frame_size_ms=_FRAME)
        self._starting: asyncio.Task[None] | None = None
        self._open = 0  # segments that were begun, and of which no end was told
        self._handed = False  # the runner has sound of one of them
        self._others = 0  # that were cleared with that one
        self.on("clear_buffer", self._on_clear)

    async def start(self) -> None:
        """At once, so that the avatar is seen before its agent comes."""
        self._starting = asyncio.create_task(super().start(), name="waiting for an agent")

    async def aclose(self) -> None:
        """No more comes."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        self._room.unregister_byte_stream_handler(names.AUDIO_STREAM_TOPIC)
        await super().aclose()

    @classmethod
    def _register_clear_buffer_rpc(
        cls, room: rtc.Room, *, caller_identity: str, handler: Clear
    ) -> None:
        """Theirs has one for all rooms of a process in which an agent has the same identity."""
        room.local_participant.register_rpc_method(names.RPC_CLEAR_BUFFER, handler)

    # --- sound -----------------------------------------------------------------------------------

    async def _recv_task(self) -> None:
        while True:
            await self._stream_reader_changed.wait()
            self._stream_reader_changed.clear()
            while self._stream_readers:
                self._current_reader = reader = self._stream_readers.pop(0)
                self._current_reader_cleared = False
                self._current_reader_superseded.clear()
                self._open += 1
                try:
                    await self._read(reader)
                except (rtc.StreamError, ValueError) as error:
                    log.warning("an agent's sound broke off", extra={"fault": fault(error)})
                self._current_reader = None
                if not self._current_reader_cleared:
                    self._data_ch.send_nowait(AudioSegmentEnd())

    async def _read(self, reader: rtc.ByteStreamReader) -> None:
        attributes = reader.info.attributes or {}
        rate, channels = (int(attributes.get(each, 0)) for each in ("sample_rate", "num_channels"))
        if rate <= 0 or channels <= 0:
            raise ValueError
        stream = utils.audio.AudioByteStream(rate, channels, rate * _FRAME // 1000)
        async for data in self._iter_reader(reader):
            if self._current_reader_cleared:
                return
            for frame in stream.push(data):
                self._data_ch.send_nowait(frame)
            # Their channel says nothing when it becomes shorter.
            while self._data_ch.qsize() > _MOST and not self._current_reader_cleared:  # noqa: ASYNC110
                await asyncio.sleep(_PAUSE)
        if not self._current_reader_cleared:
            for frame in stream.flush():
                self._data_ch.send_nowait(frame)

    async def __anext__(self) -> rtc.AudioFrame | AudioSegmentEnd:
        while True:
            frame = await super().__anext__()
            if isinstance(frame, rtc.AudioFrame):
                self._handed = True
            elif not self._handed:  # the runner tells no end of what had no sound
                self.notify_playback_finished(0.0, interrupted=False)
                continue
            return frame

    # --- what the agent is told ------------------------------------------------------------------

    def _on_clear(self) -> None:
        """Before the runner knows, who tells the end of the segment of which it has sound."""
        waited, self._stream_readers = self._stream_readers, []
        for reader in waited:
            reader.close()
        self._others = self._open + len(waited) - self._handed
        self._open = 0
        if not self._handed:
            self._tell_others()
        self._handed = False

    def _tell_others(self) -> None:
        for _ in range(self._others):
            super().notify_playback_finished(0.0, interrupted=True)
        self._others = 0

    def notify_playback_finished(self, playback_position: float, interrupted: bool) -> None:
        """Of the segment that sounds; with it of those that waited, if it was cleared."""
        super().notify_playback_finished(playback_position, interrupted)
        if interrupted:
            self._tell_others()
        else:
            self._open, self._handed = max(self._open - 1, 0), False

    async def _send_task(self) -> None:
        async for event in self._rpc_send_ch:
            if isinstance(event, PlaybackFinishedEvent):
                told = {
                    "playback_position": event.playback_position,
                    "interrupted": event.interrupted,
                }
                await self._tell(names.RPC_PLAYBACK_FINISHED, json.dumps(told))
            else:
                await self._tell(names.RPC_PLAYBACK_STARTED, "")

    async def _tell(self, method: str, payload: str) -> None:
        assert self._remote_participant is not None
        for _ in range(_TRIES):
            try:
                await self._room.local_participant.perform_rpc(
                    destination_identity=self._remote_participant.identity,
                    method=method,
                    payload=payload,
                )
            except rtc.RpcError as error:
                if error.code == rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD:
                    return  # agents need not want to know of beginnings
                await asyncio.sleep(_PAUSE)
            else:
                return
        log.warning("an agent could not be told of what was played", extra={"method": method})
