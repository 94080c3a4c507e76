"""Outlet: a session as one stream to an address of FFmpeg's: RTMP, RTMPS, or SRT.

Pictures that the network does not take in time are left out before they are encoded; sound is not.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any, Final

import av
import numpy as np

from visavis.engines.base import I420, PLAY_RATE, Pcm
from visavis.server.playout.messages import FRAME, Tick
from visavis.server.publishing.again import Broken, Refused, until_refused
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event
from visavis.server.system.errors import ConfigError
from visavis.server.system.thread import Thread

FPS: Final = PLAY_RATE // FRAME
KEYFRAME: Final = 2 * FPS  # pictures from one to the next: what platforms ask for
_BEHIND: Final[Tick] = FRAME  # as of a recording: what was shown late is there, too
_AAC_FRAME: Final = 1024  # samples
_FULL: Final = 10  # pictures that wait: the network is too slow for more
_HANGS: Final = 10.0  # s that one write may take
_OPENS: Final = 10.0  # s that a connection may take
_SOUND: Final = 128_000  # bit/s
_FORMATS: Final = {"rtmp": "flv", "rtmps": "flv", "srt": "mpegts"}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a stream goes. shown: the same without what may be a key. rate: bit/s of pictures."""

    url: str
    rate: int

    @property
    def scheme(self) -> str:
        """Of the address."""
        return self.url.partition(":")[0].lower()

    @property
    def shown(self) -> str:
        """The address without what is behind its host: platforms put the key there."""
        scheme, _, rest = self.url.partition("://")
        host, slash, _ = rest.partition("?")[0].partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{'/...' if slash else ''}"


def check(target: Target) -> None:
    """Raises ConfigError for an address that this FFmpeg cannot send to."""
    if target.scheme not in _FORMATS:
        raise ConfigError(f"{target.shown}: write an address with rtmp://, rtmps:// or srt://")
    if target.scheme == "srt" and not _has_srt():
        raise ConfigError(
            "this PyAV was built without SRT, as those from its makers are: send RTMP (--rtmp), or "
            "build PyAV against an FFmpeg with libsrt (pip install --no-binary av av)"
        )


def _has_srt() -> bool:
    try:
        # Nobody is there: what matters is whether the protocol is known at all.
        av.open("srt://127.0.0.1:1?connect_timeout=1", format="mpegts").close()
    except av.ProtocolNotFoundError:
        return False
    except (av.FFmpegError, OSError):
        return True
    return True


class StreamPublisher:
    """say: is told, in a line, what happens.

    fault: why it ended by itself, or that it ended before the server was reached.
    """

    def __init__(self, target: Target, say: Callable[[str], None] = print) -> None:
        self._target, self._say = target, say
        self.left_out = 0  # pictures
        self.fault = ""
        self._reached = False

    def tell(self, event: Event) -> None:
        """Words are not sent."""

    async def play(self, playout: Playout) -> None:
        """Until cancelled."""
        try:
            await until_refused(lambda: self._attempt(playout), self._say, self._target.shown)
        except Refused as error:
            self.fault = str(error)
        finally:
            if not self._reached and not self.fault:
                self.fault = f"{self._target.shown} was not reached: nothing was sent"

    async def _attempt(self, playout: Playout) -> None:
        """One connection, to its end. Raises Broken."""
        thread = Thread("publish")
        muxer = _Muxer(self._target, playout.still)
        jobs = _Jobs(thread)
        try:
            await jobs.run(muxer.open, _OPENS + 1)
            self._reached = True
            self._say(f"{self._target.shown}: publishing")
            await self._write(playout, muxer, jobs)
        except (OSError, av.FFmpegError) as error:
            raise Broken(_why(error)) from error
        except TimeoutError as error:
            raise Broken("it takes nothing any more") from error
        finally:
            thread.submit(muxer.close)
            thread.shutdown(wait=False)  # a write that hangs is left behind

    async def _write(self, playout: Playout, muxer: _Muxer, jobs: _Jobs) -> None:
        clock, reader, image = playout.clock, playout.reader, playout.still
        at = first = clock.now() // FRAME * FRAME + FRAME
        while True:
            await clock.sleep_until(at + _BEHIND)
            if clock.now() - at > PLAY_RATE:  # the process stood still: go on with what is now
                at = clock.now() // FRAME * FRAME
            if (picture := reader.picture(at)) is not None:
                image = picture.image
            sound = reader.audio(at, FRAME)
            jobs.check(_HANGS)
            is_full = jobs.count >= _FULL
            self.left_out += is_full
            jobs.add(partial(muxer.write, None if is_full else image, sound, at - first))
            at += FRAME


class _Jobs:
    """Work of a thread, in order."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._pending: deque[tuple[float, Future[object]]] = deque()

    @property
    def count(self) -> int:
        """How many wait, the one under way included."""
        return len(self._pending)

    def add(self, job: Callable[[], object]) -> None:
        """After the others."""
        self._pending.append((time.monotonic(), self._thread.submit(job)))

    async def run(self, job: Callable[[], object], within: float) -> None:
        """A job that is waited for. Raises what it raises, TimeoutError."""
        async with asyncio.timeout(within):
            await asyncio.wrap_future(self._thread.submit(job))

    def check(self, hangs: float) -> None:
        """Raises what a job raised, and TimeoutError when one takes longer than so many s."""
        while self._pending and self._pending[0][1].done():
            self._pending.popleft()[1].result()
        if self._pending and time.monotonic() - self._pending[0][0] > hangs:
            raise TimeoutError


class _Muxer:
    """The container and its two encoders; all calls come from one thread."""

    def __init__(self, target: Target, still: I420) -> None:
        self._target = target
        self._height, self._width = still.shape[0] * 2 // 3, still.shape[1]
        self._container: av.container.OutputContainer | None = None
        self._sound = np.zeros(0, np.int16)  # not yet a whole frame of the encoder
        self._samples: Tick | None = None  # where that begins

    def open(self) -> None:
        """Connect. Raises OSError, FFmpegError."""
        options = {"flvflags": "no_duration_filesize"}
        self._container = av.open(
            self._target.url, "w", format=_FORMATS[self._target.scheme],
            options=options if self._target.scheme != "srt" else {}, timeout=_OPENS,
        )  # fmt: skip
        rate = self._target.rate
        self._video = self._container.add_stream(
            "libx264", rate=FPS,
            options={
                "preset": "superfast", "tune": "zerolatency", "g": str(KEYFRAME),
                "keyint_min": str(KEYFRAME), "sc_threshold": "0", "maxrate": str(rate),
                "bufsize": str(rate), "profile": "main",
            },
        )  # fmt: skip
        self._video.width, self._video.height = self._width, self._height
        self._video.pix_fmt, self._video.bit_rate = "yuv420p", rate
        self._audio = self._container.add_stream("aac", rate=PLAY_RATE, layout="stereo")
        self._audio.bit_rate = _SOUND
        self._container.start_encoding()

    def write(self, image: I420 | None, sound: Pcm, at: Tick) -> None:
        """A picture, or None, and the samples that play with it. Raises FFmpegError."""
        assert self._container is not None
        if image is not None:
            frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
            frame.pts, frame.time_base = at // FRAME, Fraction(1, FPS)
            self._container.mux(self._video.encode(frame))
        if self._samples is None or abs(at - self._samples - len(self._sound)) > FRAME:
            self._samples, self._sound = at, self._sound[:0]  # begins, or was left out
        self._sound = np.concatenate([self._sound, sound])
        while len(self._sound) >= _AAC_FRAME:
            piece, self._sound = self._sound[:_AAC_FRAME], self._sound[_AAC_FRAME:]
            self._container.mux(self._sounded(piece))

    def _sounded(self, piece: Pcm) -> list[av.Packet[Any]]:
        assert self._samples is not None
        stereo = np.repeat(piece, 2)[None]  # players of such streams expect two channels
        frame = av.AudioFrame.from_ndarray(stereo, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = PLAY_RATE, self._samples
        frame.time_base = Fraction(1, PLAY_RATE)
        self._samples += len(piece)
        return self._audio.encode(frame)

    def close(self) -> None:
        """Disconnect. Raises OSError, FFmpegError."""
        container, self._container = self._container, None
        if container is not None:
            container.close()


def _why(error: Exception) -> str:
    if isinstance(error, av.ProtocolNotFoundError):
        return "this FFmpeg does not know the protocol"
    return str(getattr(error, "strerror", None) or type(error).__name__)
