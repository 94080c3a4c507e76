"""Our face in a pipeline of Pipecat, before its own SmallWebRTC transport and a viewer over WebRTC.

    python -m bench.live.pipecat.face [--utterances N] [--interruptions N] [--segments N] [--minutes N]

From sound that enters the service to the picture that matches it, at the service's end and at the
viewer; lips against sound there; from an interruption to silence; segments that come out. Which
picture a viewer has is found by its content among those that were drawn, so all of it is judged by
what was seen and heard. The voice is joe's; --paced gives its sound in real time instead of at once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from pipecat.frames.frames import (
    Frame,
    OutputImageRawFrame,
    SpeechOutputAudioRawFrame,
    TTSStoppedFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from bench.live.pipecat.thumbs import thumb
from visavis.engines.base import Pcm
from visavis.server.session.events import Event

RATE: Final = 24_000  # of the sound that is given
OUT: Final = Path("out/bench/pipecat")
TEXTS: Final = (
    "Breakfast is from seven until ten, in the garden room.",
    "Of course. May I ask for how many people?",
    "The pool is open all day, and towels are beside the door.",
    "My pleasure, have a wonderful evening.",
)


@dataclass
class Log:
    """pictures: (tick, when they left, thumb); sound: (when, samples); events: (when, event)."""

    pictures: list[tuple[float, Any]] = field(default_factory=list)
    sound: list[tuple[float, Pcm]] = field(default_factory=list)
    events: list[tuple[float, Event]] = field(default_factory=list)
    stopped: int = 0


class Tap(FrameProcessor):
    """Between the face and the transport."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Note it, and pass it on."""
        await super().process_frame(frame, direction)
        now = time.monotonic()
        if isinstance(frame, OutputImageRawFrame):
            rgb = np.frombuffer(frame.image, np.uint8).reshape(frame.size[1], frame.size[0], 3)
            self._log.pictures.append((now, thumb(rgb)))
        elif isinstance(frame, SpeechOutputAudioRawFrame):
            self._log.sound.append((now, np.frombuffer(frame.audio, np.int16)))
        elif isinstance(frame, TTSStoppedFrame):
            self._log.stopped += 1
        await self.push_frame(frame, direction)
