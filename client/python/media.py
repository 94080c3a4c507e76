"""Sound and pictures as they come: numpy arrays with their times on the session's clock."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

import numpy as np
from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import AnyRtcpPacket, RtcpSrPacket
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

SOUND_RATE: Final = 48_000  # Hz
_NTP_EPOCH: Final = 2_208_988_800  # seconds from 1900 to 1970, RFC 5905
Form = Literal["rgb", "i420"]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """image: (height, width, 3) uint8 RGB, or (height * 3 // 2, width) uint8 I420.

    at_ms: the moment that it shows, on the session's clock, as in `ReplyStarted.at_ms`.
    """

    image: NDArray[np.uint8]
    at_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """pcm: (samples,) int16, mono, 48 kHz. at_ms: when it begins, on the session's clock."""

    pcm: NDArray[np.int16]
    at_ms: float


class Queue(Generic[Item]):
    """What one reader has not taken yet; the oldest goes when there are more than `most`."""

    def __init__(self, most: int, forget: Callable[[Queue[Item]], None]) -> None:
        self._items: deque[Item] = deque(maxlen=most)
        self._more = asyncio.Event()
        self._forget = forget
        self._over: BaseException | None = None
        self._is_over = False
        self.dropped = 0

    def put(self, item: Item) -> None:
        """One more."""
        self.dropped += len(self._items) == self._items.maxlen
        self._items.append(item)
        self._more.set()

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes; the reader is told why."""
        self._over, self._is_over = error, True
        self._more.set()

    def close(self) -> None:
        """The reader goes."""
        self._forget(self)

    async def get(self) -> Item:
        """The next one. Raises StopAsyncIteration at the end, or why it ended."""
        while not self._items:
            if self._is_over:
                raise self._over or StopAsyncIteration
            self._more.clear()
            await self._more.wait()
        return self._items.popleft()


class Reading(AsyncIterator[Item]):
    """An iterator over a queue that was begun when it was asked for, not with the first step."""

    def __init__(self, queue: Queue[Any], shown: Callable[[Any], Item]) -> None:
        self._queue, self._shown = queue, shown

    @property
    def dropped(self) -> int:
        """How many were lost because they were not taken in time."""
        return self._queue.dropped

    async def __anext__(self) -> Item:
        """The next one."""
        return self._shown(await self._queue.get())

    async def aclose(self) -> None:
        """Take no more."""
        self._queue.close()

    def __del__(self) -> None:
        self._queue.close()


class Readers(Generic[Item]):
    """All who read one stream."""

    def __init__(self, most: int) -> None:
        self._most, self._queues = most, set[Queue[Item]]()
        self._end: tuple[BaseException | None] | None = None

    def begin(self) -> Queue[Item]:
        """One more reader, of what comes from now on."""
        queue = Queue[Item](self._most, self._queues.discard)
        if self._end is not None:
            queue.end(*self._end)
        self._queues.add(queue)
        return queue

    def put(self, item: Item) -> None:
        """For all of them."""
        for queue in self._queues:
            queue.put(item)

    def end(self, error: BaseException | None) -> None:
        """Nothing more comes."""
        self._end = (error,)
        for queue in list(self._queues):
            queue.end(error)


class MediaClock:
    """RTP times of one receiver -> the session's clock, by the server's sender reports.

    Reports pair an RTP time with the moment at which it is to be seen or heard, which sound and
    picture share (server/rtc/sender.py).
    """

    def __init__(self, receiver: RTCRtpReceiver, rate: int) -> None:
        self._receiver, self._rate = receiver, rate
        self._paired: tuple[int, float] | None = None  # RTP time, s since 1970
        handle = receiver._handle_rtcp_packet

        async def handled(packet: AnyRtcpPacket) -> None:
            if isinstance(packet, RtcpSrPacket):
                info = packet.sender_info
                self._paired = info.rtp_timestamp, info.ntp_timestamp / 2**32 - _NTP_EPOCH
            await handle(packet)

        receiver._handle_rtcp_packet = handled  # type: ignore[method-assign]

    def seconds(self, pts: int) -> float | None:
        """s since 1970 by the server's clock; None before the first report.

        pts: aiortc's, RTP time since the first packet.
        """
        first: int | None = self._receiver._RTCRtpReceiver__timestamp_mapper._origin  # type: ignore[attr-defined]
        if self._paired is None or first is None:
            return None
        reported, when = self._paired
        behind = (first + pts - reported + (1 << 31)) % (1 << 32) - (1 << 31)
        return when + behind / self._rate


def unbuffered(receiver: RTCRtpReceiver) -> None:
    """Hand sound on as it comes: each packet has its time, and aiortc would keep four of them back.

    Packets are put in order all the same.
    """
    buffer = vars(receiver)["_RTCRtpReceiver__jitter_buffer"]
    if isinstance(buffer, JitterBuffer):
        buffer._prefetch = 1


def picture(frame: VideoFrame, at_ms: float, form: Form) -> Picture:
    """A decoded picture."""
    image = frame.to_ndarray(format="rgb24" if form == "rgb" else "yuv420p")
    return Picture(np.asarray(image, np.uint8), at_ms)


def sound(frame: AudioFrame, at_ms: float) -> Sound:
    """A decoded packet of sound; what comes as stereo is one voice twice."""
    samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
    return Sound(np.ascontiguousarray(samples.mean(axis=1).astype(np.int16)), at_ms)
