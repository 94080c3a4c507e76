"""Outlet: a session's sound and pictures, written to an MP4 or WebM file as they play."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO

import av
import numpy as np

from visavis.engines.base import I420, PLAY_RATE, Pcm
from visavis.models import arkit
from visavis.models.files import PRIVATE, private_folder
from visavis.server.playout.messages import FRAME, Picture, Tick, ms
from visavis.server.provenance.films import Signing
from visavis.server.provenance.signing import Outcome
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event
from visavis.server.system.faults import fault
from visavis.server.system.thread import Thread

log = logging.getLogger(__name__)

FPS: Final = PLAY_RATE // FRAME
# A picture is looked for this long after its time: what the viewer was shown late is there, too.
_BEHIND: Final[Tick] = FRAME
_PATIENCE: Final[Tick] = ms(1000)  # for a first picture
_AHEAD: Final = 8  # pictures that wait to be encoded
# Behind the clock from which pictures are left out: sound that has played is kept for 2 s only.
_LATE: Final[Tick] = ms(600)
_FRAGMENT: Final = FPS  # pictures: what a crash may cost
_AAC_FRAME: Final = 1024  # samples
_OPUS_FRAME: Final = 960
WEBM: Final = ".webm"
_CLOSE: Final = 5.0  # s that closing a file may take before nobody waits for it any more
_SIGN: Final = 60.0  # s for closing and signing: a gigabyte is read, a time stamp may be asked for


@dataclass(frozen=True, slots=True)
class Quality:
    """How x264 encodes: its preset, and its constant rate factor (smaller is better).

    fragmented: the file is whole up to its last second at any moment; else it has an index, which
    more programs can read, and is whole once it is closed.
    """

    preset: str
    crf: int
    fragmented: bool

    @property
    def container(self) -> dict[str, str]:
        """Options of the MP4 muxer."""
        if not self.fragmented:
            return {"movflags": "faststart"}
        # A fragment is complete in itself, and flushed: nothing has to be written at the end.
        return {
            "movflags": "frag_keyframe+delay_moov+default_base_moof",
            "flush_packets": "1",
        }

    @property
    def encoder(self) -> dict[str, str]:
        """Options of x264."""
        keyframes = {"g": str(_FRAGMENT)} if self.fragmented else {}
        return {"preset": self.preset, "crf": str(self.crf), **keyframes}

    @property
    def webm(self) -> tuple[dict[str, str], dict[str, str]]:
        """Options of its muxer, and of libvpx for VP8: a cluster a second, written at once."""
        container = {"cluster_time_limit": "1000", "flush_packets": "1"}
        speed = "8" if self.fragmented else "2"
        encoder = {"deadline": "realtime", "cpu-used": speed, "g": str(_FRAGMENT)}
        return container, {**encoder, "crf": str(self.crf // 2), "b": "2M"}


LIVE: Final = Quality("superfast", 23, fragmented=True)  # beside a conversation
FINE: Final = Quality("veryfast", 18, fragmented=False)


class Recorder:
    """One file.

    longest: ticks after which it ends by itself. trace: gets one line of JSON a picture. private:
    nobody else on this machine may read the file, nor look into a folder that is made for it.
    signing: signs the file once it is closed; None: nobody does.
    """

    def __init__(
        self,
        path: Path,
        quality: Quality = LIVE,
        longest: Tick | None = None,
        trace: TextIO | None = None,
        *,
        private: bool = False,
        signing: Signing | None = None,
    ) -> None:
        self.path = path
        self.began, self.length = 0, 0  # ticks: of the first picture, and what is written
        self.fault = ""  # why it ended before its time
        self._quality, self._longest, self._trace = quality, longest, trace
        self._private, self._signing = private, signing
        self.signed = Outcome("it is not finished") if signing else Outcome("nobody signs it")
        self.progress: Callable[[Tick], None] = lambda length: None  # told after each picture
        self._now: Callable[[], Tick] = lambda: 0
        self._end: Tick | None = None  # what plays from here on is not written

    def tell(self, event: Event) -> None:
        """Words are not kept."""

    def stop(self) -> None:
        """End with the picture that plays now; `play` returns when the file is closed."""
        if self._end is None:
            self._end = self._now()

    async def play(self, playout: Playout) -> None:
        """Write what plays from the next picture on. A file that cannot be written ends it."""
        self._now = playout.clock.now
        thread = Thread("record")
        file = _File(self.path, playout.seen(playout.still), self._quality, private=self._private)
        jobs = _Jobs(thread)
        try:
            await jobs.add(file.open)
            if self._signing is not None:
                await jobs.add(partial(self._signing.begin, self.path))
            await self._write(playout, file, jobs)
        except (OSError, av.FFmpegError) as error:
            self._failed(_unwritable(self.path, error))
        except Exception as error:  # noqa: BLE001 (else it would be called done)
            self._failed(f"{self.path} was broken off: {fault(error)}")
        finally:
            closing = thread.submit(file.close)
            thread.submit(self._sign, closing)
            thread.shutdown(wait=False)
            patience = _SIGN if self._signing else _CLOSE
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.get_running_loop().run_in_executor(None, thread.join, patience)
            if closing.done() and (late := closing.exception()) is not None:
                self._failed(_unwritable(self.path, late))

    def _sign(self, closing: Future[object]) -> None:
        """In the file's thread, after it was closed; what could not be written is not signed."""
        if self._signing is not None and closing.exception() is None and not self.fault:
            self.signed = self._signing.finish(self.path)

    def _failed(self, why: str) -> None:
        """Note the first fault: what comes after it comes of it."""
        if not self.fault:
            self.fault = why
            log.warning("a recording failed", extra={"file": str(self.path), "why": why})

    async def _write(self, playout: Playout, file: _File, jobs: _Jobs) -> None:
        reader, image = playout.reader, playout.seen(playout.still)
        first, picture = await _first(playout)
        at = self.began = first
        while self._goes_on(at):
            if picture is not None:
                image = playout.seen(picture.image)
                await self._note(picture, self.length, jobs)
            sound = reader.audio(at, FRAME)
            shown = None if self._is_late(at) and at > first else image
            await jobs.add(partial(file.write, shown, sound))
            at += FRAME
            self.length = at - first
            self.progress(self.length)
            await playout.clock.sleep_until(at + _BEHIND)
            picture = reader.picture(at)
        await jobs.wait()

    def _goes_on(self, at: Tick) -> bool:
        """Whether there is more to write: a slow encoder is still behind when it is stopped."""
        if self._longest is not None and self.length >= self._longest:
            return False
        return self._end is None or at + _BEHIND < self._end

    def _is_late(self, at: Tick) -> bool:
        """Whether the encoder cannot keep up with what plays. A fine file waits for it instead."""
        return self._quality.fragmented and self._now() - at > _LATE

    async def _note(self, picture: Picture, at: Tick, jobs: _Jobs) -> None:
        if self._trace is not None and picture.state is not None:
            await jobs.add(partial(self._trace.write, traced(picture, at) + "\n"))


def _unwritable(path: Path, error: BaseException) -> str:
    return f"{path} cannot be written: {getattr(error, 'strerror', None) or type(error).__name__}"


async def _first(playout: Playout) -> tuple[Tick, Picture | None]:
    """The tick to begin with: of the next picture, or soon if none comes."""
    clock, picture = playout.clock, None
    at = began = clock.now() // FRAME * FRAME
    while picture is None and at < began + _PATIENCE:
        at += FRAME
        await clock.sleep_until(at + _BEHIND)
        picture = playout.reader.picture(at)
    return at, picture


class _Jobs:
    """Work in a thread, a few jobs ahead of whoever asks for it."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._pending: deque[Future[object]] = deque()

    async def add(self, job: Callable[[], object]) -> None:
        """Begin a job; waits for the oldest while too many are pending, and raises its fault."""
        self._pending.append(self._thread.submit(job))
        if len(self._pending) > _AHEAD:
            await self._oldest()

    async def wait(self) -> None:
        """Until all are done."""
        while self._pending:
            await self._oldest()

    async def _oldest(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self._pending.popleft().result)


class _File:
    """The container and its two encoders; all calls come from one thread."""

    def __init__(self, path: Path, still: I420, quality: Quality, *, private: bool) -> None:
        self._path, self._quality, self._private = path, quality, private
        self._height, self._width = still.shape[0] * 2 // 3, still.shape[1]
        self._container: av.container.OutputContainer | None = None
        self._sound = np.zeros(0, np.int16)  # not yet a whole frame of the encoder
        self._pictures = self._samples = 0
        self._piece = _AAC_FRAME

    def open(self) -> None:
        """Raises OSError, FFmpegError."""
        if self._private:
            private_folder(self._path.parent)
            self._path.touch(PRIVATE, exist_ok=False)  # the container opens it as it is
        else:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        is_webm = self._path.suffix.lower() == WEBM
        options, encoder = self._quality.container, self._quality.encoder
        if is_webm:
            options, encoder = self._quality.webm
        self._piece = _OPUS_FRAME if is_webm else _AAC_FRAME
        # Absolute: FFmpeg takes what stands before a colon for a protocol.
        container = av.open(str(self._path.absolute()), "w", options=options)
        self._video = container.add_stream(
            "libvpx" if is_webm else "libx264", rate=FPS, options=encoder
        )
        self._video.width, self._video.height = self._width, self._height
        self._video.pix_fmt = "yuv420p"
        self._audio = container.add_stream(
            "libopus" if is_webm else "aac", rate=PLAY_RATE, layout="mono"
        )
        try:
            container.start_encoding()
        except (OSError, av.FFmpegError):  # as of a full disk: another packet would end the process
            container.close()
            raise
        self._container = container

    def write(self, image: I420 | None, sound: Pcm) -> None:
        """One picture and the (FRAME,) samples that play with it. Raises FFmpegError.

        image: None leaves it out; the one before it stays on the screen.
        """
        assert self._container is not None
        if image is not None:
            frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
            frame.pts, frame.time_base = self._pictures, Fraction(1, FPS)
            self._container.mux(self._video.encode(frame))
        self._pictures += 1
        self._sound = np.concatenate([self._sound, sound])
        while len(self._sound) >= self._piece:
            piece, self._sound = self._sound[: self._piece], self._sound[self._piece :]
            self._container.mux(self._sounded(piece))

    def _sounded(self, piece: Pcm) -> list[av.Packet[Any]]:
        """Its packets."""
        frame = av.AudioFrame.from_ndarray(piece[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = PLAY_RATE, self._samples
        frame.time_base = Fraction(1, PLAY_RATE)
        self._samples += len(piece)
        return self._audio.encode(frame)

    def close(self) -> None:
        """Write what the encoders hold back, and the index. Raises OSError, FFmpegError."""
        container, self._container = self._container, None
        if container is None:
            return
        try:
            if self._sound.size:
                container.mux(self._sounded(self._sound))
            for stream in (self._video, self._audio):
                container.mux(stream.encode())
        finally:
            container.close()


def traced(picture: Picture, at: Tick) -> str:
    """One line of JSON: seconds, coefficients, pose, gaze, phoneme; of a picture with its state."""
    state = picture.state
    assert state is not None
    values = zip(arkit.NAMES, state.coefficients.tolist(), strict=True)
    return json.dumps(
        {
            "t": round(at / PLAY_RATE, 3),
            "coefficients": {name: round(value, 4) for name, value in values},
            "pose": [round(v, 4) for v in state.pose.tolist()],
            "gaze": [round(v, 4) for v in state.gaze.tolist()],
            "phoneme": picture.phoneme,
        },
        ensure_ascii=False,
    )
