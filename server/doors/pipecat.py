"""Pipecat: the avatar as a video service in a pipeline, between a voice and a transport.

    async with House.open(load({"avatar": "mira"})) as house:
        face = VisavisVideoService(house)
        pipeline = Pipeline([transport.input(), stt, user, llm, tts, face, transport.output(), ...])

It takes the sound of the voice and gives sound and pictures that belong together. What follows the
voice's sound in the pipeline (the end of its speech, the end of an answer) is passed on once that
was heard, so a transcript is not ahead of the face and an end does not cut the last word.
Written after pipecat-ai 1.14.0.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np

from visavis.doors.faces import Faces, Performer
from visavis.doors.in_order import InOrder
from visavis.doors.pacing import Paced
from visavis.engines.base import I420, PLAY_RATE, EngineError, Pcm
from visavis.models.errors import ModelError
from visavis.remote import RemoteError
from visavis.server.playout.messages import PACKET, TICK_RATE, Tick
from visavis.server.session.events import Event, Failure, SegmentEnded
from visavis.server.session.resampling import Resampled
from visavis.server.system.errors import NotFound, SoundError
from visavis.server.system.faults import fault

try:
    from pipecat.frames.frames import (
        CancelFrame,
        EndFrame,
        Frame,
        InterruptionFrame,
        OutputImageRawFrame,
        SpeechOutputAudioRawFrame,
        StartFrame,
        SystemFrame,
        TTSAudioRawFrame,
        TTSStartedFrame,
        TTSStoppedFrame,
    )
    from pipecat.processors.frame_processor import FrameDirection
    from pipecat.services.ai_service import AIService
    from pipecat.services.settings import ServiceSettings
except ModuleNotFoundError as error:
    raise ImportError(
        'visavis.doors.pipecat needs Pipecat: pip install "visavis[pipecat]"'
    ) from error

log = logging.getLogger(__name__)

_ALL: Final = sys.maxsize  # a segment's number after all others


@dataclass
class VisavisVideoSettings(ServiceSettings):
    """None that change on the way: see `VisavisVideoService.direct`."""


class VisavisVideoService(AIService):
    """One avatar in one pipeline; any number of them share a house, or a `DistantHouse`.

    sync_with_audio: pictures go through the transport's queue of sound, so lips and voice leave it
    together. A transport whose `video_out_is_live` is on has no such way: it must be off there.
    """

    Settings = VisavisVideoSettings

    def __init__(
        self, house: Faces, *, avatar: str = "", sync_with_audio: bool = True, **kwargs: Any
    ) -> None:
        """avatar: by name; "": the house's. kwargs: as of every Pipecat service."""
        super().__init__(settings=VisavisVideoSettings(model=None), **kwargs)
        self._house, self._avatar, self._synchronised = house, avatar, sync_with_audio
        self._session: Performer | None = None
        self._ends = AsyncExitStack()
        self._started = asyncio.Event()  # downstream knows of the start: frames may come
        behind = 0 if sync_with_audio else PACKET  # about as long as sound waits in the transport
        self._paced = Paced(self._heard, self._seen, self._told, behind)
        self._resampled: Resampled | None = None
        self._sounding = False  # the segment being pushed has sound
        self._kept = False  # what sounds must not be interrupted
        self._order: InOrder[Frame] = InOrder()
        # Segments that were heard, and what went wrong.
        self._over: asyncio.Queue[int | Failure] = asyncio.Queue()
        self._destination: str | None = None
        self._measuring = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of every picture, px: what a transport's `video_out_*` must be."""
        return self._house.size

    def can_generate_metrics(self) -> bool:
        """Time from a voice's first sound to the avatar's."""
        return True

    async def direct(self, prompt: str) -> tuple[str, ...]:
        """Tell the avatar in plain words how to look, such as "warm, and a little tired".

        What was understood of it: styles in words, none when nothing was.

        Raises NotFound before the pipeline has started.
        """
        if self._session is None:
            raise NotFound("The pipeline has not started: there is nobody to direct.")
        return (await self._session.direct(prompt)).styles

    # --- its life -------------------------------------------------------------------------------

    async def start(self, frame: StartFrame) -> None:
        """Open the session; a fault is told to the pipeline, as Pipecat has it."""
        await super().start(frame)
        try:
            opening = self._house.session(self._paced, avatar=self._avatar)
            self._session = await self._ends.enter_async_context(opening)
        except (EngineError, ModelError, NotFound, RemoteError, TimeoutError) as error:
            await self.push_error(f"no avatar: {error}", exception=error)
            return
        passing = self.create_task(self._pass_on())
        self._ends.push_async_callback(self.cancel_task, passing)

    async def stop(self, frame: EndFrame) -> None:
        """After the last word."""
        await super().stop(frame)
        await self._close()

    async def cancel(self, frame: CancelFrame) -> None:
        """At once."""
        await super().cancel(frame)
        await self._close()

    async def cleanup(self) -> None:
        """Whatever came before."""
        await super().cleanup()  # type: ignore[no-untyped-call]  # theirs has no annotations
        await self._close()

    async def _close(self) -> None:
        self._session = None
        await self._ends.aclose()

    # --- what comes in --------------------------------------------------------------------------

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """See FrameProcessor."""
        if isinstance(frame, EndFrame) and self._session is not None:
            await self._said_all(self._session)
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            await self._interrupt()
        if direction is FrameDirection.UPSTREAM or isinstance(frame, SystemFrame):
            await self.push_frame(frame, direction)
            if isinstance(frame, StartFrame):
                self._started.set()
        elif self._session is None:
            await self.push_frame(frame, direction)  # without a face there is still a voice
        elif isinstance(frame, TTSAudioRawFrame):
            await self._speak(self._session, frame)
        else:
            await self._follow(self._session, frame)

    async def _speak(self, session: Performer, frame: TTSAudioRawFrame) -> None:
        """Waits while the avatar has much to say: who makes the sound waits, too."""
        self._destination = frame.transport_destination
        try:
            pcm = self._as_played(frame)
        except SoundError as error:
            await self.push_error(f"sound was left out: {error}", exception=error)
            return
        if not pcm.size:
            return
        self._sounding, self._kept = True, not frame.interruptible
        await session.voice.push(pcm)

    def _as_played(self, frame: TTSAudioRawFrame) -> Pcm:
        """(n,) int16 at 48 kHz. Raises SoundError."""
        last, kind = self._resampled, (frame.sample_rate, frame.num_channels)
        if last is None or (last.rate, last.channels) != kind:
            self._resampled = Resampled(*kind)
            before = last.flush() if last is not None else np.zeros(0, np.int16)
            return np.concatenate([before, self._resampled.feed(frame.audio)])
        return last.feed(frame.audio)

    async def _follow(self, session: Performer, frame: Frame) -> None:
        """Pass on what is no sound, in its order to what is."""
        if isinstance(frame, TTSStartedFrame):
            self._measuring = True
            await self.start_ttfb_metrics()
        if isinstance(frame, TTSStoppedFrame):
            await self._end(session)
        if self._order.put(frame):
            await self.push_frame(frame)

    async def _end(self, session: Performer) -> None:
        """The segment is over; what comes next waits until it was heard."""
        if not self._sounding:
            return
        self._sounding = False
        if self._resampled is not None:
            await session.voice.push(self._resampled.flush())
        self._order.follows(session.voice.end())

    async def _said_all(self, session: Performer) -> None:
        await self._end(session)
        await session.voice.silence()
        await self._release(_ALL)

    async def _interrupt(self) -> None:
        """Silence, and nothing that was to follow what is not said any more."""
        session = self._session
        if session is None or (self._kept and session.voice.sounds):
            return
        session.voice.clear()
        self._paced.hush()
        self._sounding = False
        if self._resampled is not None:
            self._resampled.reset()
        for frame in self._order.cleared(lambda frame: not frame.interruptible):
            await self.push_frame(frame)

    # --- what goes out --------------------------------------------------------------------------

    async def _heard(self, pcm: Pcm, at: Tick) -> None:
        await self._started.wait()
        if self._measuring and pcm.any():
            self._measuring = False
            await self.stop_ttfb_metrics()
        frame = SpeechOutputAudioRawFrame(pcm.tobytes(), PLAY_RATE, 1)
        frame.transport_destination, frame.pts = self._destination, _nanoseconds(at)
        frame.interruptible = not self._kept
        await self.push_frame(frame)

    async def _seen(self, image: I420, at: Tick) -> None:
        await self._started.wait()
        rgb = cv2.cvtColor(image, cv2.COLOR_YUV2RGB_I420)
        size = rgb.shape[1], rgb.shape[0]
        frame = OutputImageRawFrame(rgb.tobytes(), size, "RGB")
        frame.sync_with_audio = self._synchronised
        frame.transport_destination, frame.pts = self._destination, _nanoseconds(at)
        await self.push_frame(frame)

    def _told(self, event: Event) -> None:
        if isinstance(event, SegmentEnded) and not event.interrupted:
            self._over.put_nowait(event.segment)
        elif isinstance(event, Failure):
            self._over.put_nowait(event)

    async def _pass_on(self) -> None:
        """What followed a segment, when it is over."""
        while True:
            what = await self._over.get()
            try:
                if isinstance(what, Failure):
                    await self.push_error(what.message)
                else:
                    await self._release(what)
            except Exception as error:  # noqa: BLE001 (others wait behind it)
                log.error("frames were not passed on", extra={"fault": fault(error)})  # noqa: TRY400

    async def _release(self, segment: int) -> None:
        for frame in self._order.over(segment):
            await self.push_frame(frame)


def _nanoseconds(at: Tick) -> int:
    return at * 1_000_000_000 // TICK_RATE
