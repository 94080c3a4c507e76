"""What is encoded once for many viewers, as each of their connections takes it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from visavis.server.rtc.congestion import Congestion

_PICTURES: Final = 6  # that wait for one connection; more, and it begins anew with a keyframe
_PACKETS: Final = 10  # of sound: 200 ms


@dataclass(frozen=True, slots=True)
class Ready:
    """One frame as it leaves: RTP payloads, their time in the codec's clock.

    key: whether a receiver can begin with it. level: of sound, dBov, -127 .. 0.
    """

    payloads: list[bytes]
    timestamp: int
    key: bool = True
    level: int | None = None


class Source(Protocol):
    """Who encodes for them."""

    def joins(self, track: SharedTrack) -> None:
        """A connection takes it from now on, and its codec is known."""
        ...

    def leaves(self, track: SharedTrack) -> None:
        """It does not any more; safe to call of who never joined."""
        ...

    def keyframe(self, track: SharedTrack) -> None:
        """A receiver cannot go on without one."""
        ...


class SharedTrack(MediaStreamTrack):
    """One connection's share. codec: lower case, such as "h264"; known once it has joined.

    ntp_origin: as of every track, see sender.py.
    """

    def __init__(self, kind: Literal["audio", "video"], source: Source, ntp_origin: int) -> None:
        super().__init__()
        self.kind, self.ntp_origin, self._source = kind, ntp_origin, source
        self.codec = ""
        self.congestion: Congestion | None = None
        most = _PICTURES if kind == "video" else _PACKETS
        self._queue: asyncio.Queue[Ready | None] = asyncio.Queue(most + 1)
        self._most = most
        self.waits = kind == "video"  # for a keyframe

    def join(self, codec: str, congestion: Congestion) -> None:
        """The connection's codec and what it goes by are known: it begins."""
        if not self.codec:
            self.codec, self.congestion = codec, congestion
            self._source.joins(self)

    def put(self, frame: Ready) -> None:
        """The next frame; left out while a keyframe is waited for."""
        if self.waits and not frame.key:
            return
        if self._queue.qsize() >= self._most:
            self.begin_anew()
            return
        self.waits = False
        self._queue.put_nowait(frame)

    def begin_anew(self) -> None:
        """What waits is too old; go on with the next keyframe."""
        while not self._queue.empty():
            self._queue.get_nowait()
        if self.kind == "video":
            self.waits = True
            self._source.keyframe(self)

    def ask_keyframe(self) -> None:
        """The receiver needs one."""
        if self.codec:
            self._source.keyframe(self)

    async def recv(self) -> Ready:  # type: ignore[override]
        """The next frame. Raises MediaStreamError when it is over."""
        frame = await self._queue.get() if self.readyState == "live" else None
        if frame is None:
            raise MediaStreamError
        return frame

    def stop(self) -> None:
        """See MediaStreamTrack."""
        if self.readyState == "live":
            super().stop()
            self._source.leaves(self)
            if self._queue.full():
                self._queue.get_nowait()
            self._queue.put_nowait(None)
