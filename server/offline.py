"""`visavis say`: a text to a video file, through the same stages as live, as fast as they go."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, TextIO

import av
import numpy as np

from visavis.engines.base import (
    I420,
    PLAY_RATE,
    FaceState,
    Motion,
    Pcm,
    Renderer,
    Speech,
    Tts,
)
from visavis.models import arkit
from visavis.server.clauses import Clauses
from visavis.server.messages import FRAME, ms

LEAD_IN: Final = ms(400)  # a face that is there before it speaks
TAIL: Final = ms(800)
_FPS: Final = PLAY_RATE // FRAME
_AAC_FRAME: Final = 1024
_AHEAD: Final = 8  # pictures drawn before they are encoded

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Script:
    """What is said when: mono int16 at PLAY_RATE, and the pieces with their start samples."""

    pcm: Pcm
    pieces: tuple[tuple[int, Speech], ...]

    @property
    def frames(self) -> int:
        """Pictures that cover all of it."""
        return -(-len(self.pcm) // FRAME)


def speak(text: str, tts: Tts, speed: float = 1.0) -> Script:
    """Text -> speech, with a silence before and after. Raises EngineError."""
    clauses = Clauses()
    parts: list[Pcm] = [np.zeros(LEAD_IN, np.int16)]
    pieces, at = [], LEAD_IN
    for clause in [*clauses.feed(text), *clauses.flush()]:
        for speech in tts.synthesize(clause, speed):
            pieces.append((at, speech))
            parts.append(speech.pcm)
            at += len(speech.pcm)
    return Script(np.concatenate([*parts, np.zeros(TAIL, np.int16)]), tuple(pieces))


def render(
    script: Script, motion: Motion, renderer: Renderer, out: Path,
    trace: TextIO | None = None, progress: Progress = lambda share: None,
) -> None:  # fmt: skip
    """Draw in one thread and encode in this one; MP4 with H.264 and AAC. Raises EngineError."""
    pictures: queue.Queue[I420 | BaseException] = queue.Queue(_AHEAD)
    gone = threading.Event()
    drawer = threading.Thread(
        target=_draw, args=(script, motion, renderer, trace, pictures, gone), name="render"
    )
    drawer.start()
    try:
        with av.open(str(out), "w") as container:
            _encode(container, script, renderer, _taken(pictures, script.frames), progress)
    finally:
        gone.set()
        drawer.join()


def _draw(
    script: Script, motion: Motion, renderer: Renderer, trace: TextIO | None,
    pictures: queue.Queue[I420 | BaseException], gone: threading.Event,
) -> None:  # fmt: skip
    try:
        for at, speech in script.pieces:
            motion.speak(at, speech)
        motion.attend(LEAD_IN, "speaking")
        motion.attend(len(script.pcm) - TAIL, "idle")
        for frame in range(script.frames):
            state = motion.state(frame * FRAME)
            if trace is not None:
                trace.write(_traced(frame, state, motion.phoneme_at(frame * FRAME)) + "\n")
            _offer(pictures, renderer.render(state), gone)
            if gone.is_set():
                return
    except Exception as error:  # noqa: BLE001 (handed to the encoding thread, which raises it)
        _offer(pictures, error, gone)


def _offer(
    pictures: queue.Queue[I420 | BaseException], item: I420 | BaseException, gone: threading.Event
) -> None:
    while not gone.is_set():
        try:
            pictures.put(item, timeout=0.2)
        except queue.Full:
            continue
        return


def _taken(pictures: queue.Queue[I420 | BaseException], count: int) -> Iterator[I420]:
    for _ in range(count):
        item = pictures.get()
        if isinstance(item, BaseException):
            raise item
        yield item


def _encode(
    container: av.container.OutputContainer, script: Script, renderer: Renderer,
    pictures: Iterator[I420], progress: Progress,
) -> None:  # fmt: skip
    video = container.add_stream("libx264", rate=_FPS, options={"preset": "veryfast", "crf": "18"})
    video.width, video.height, video.pix_fmt = renderer.width, renderer.height, "yuv420p"
    audio = container.add_stream("aac", rate=PLAY_RATE, layout="mono")
    for index, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = index, Fraction(1, _FPS)
        container.mux(video.encode(frame))
        progress((index + 1) / script.frames)
    container.mux(video.encode())
    for at in range(0, len(script.pcm), _AAC_FRAME):
        piece = script.pcm[at : at + _AAC_FRAME]
        sound = av.AudioFrame.from_ndarray(piece[None], format="s16", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = PLAY_RATE, at, Fraction(1, PLAY_RATE)
        container.mux(audio.encode(sound))
    container.mux(audio.encode())


def _traced(frame: int, state: FaceState, phoneme: str) -> str:
    """One line of the trace: seconds, coefficients that are not zero, pose, gaze, phoneme."""
    values = zip(arkit.NAMES, state.coefficients.tolist(), strict=True)
    return json.dumps(
        {
            "t": round(frame / _FPS, 3),
            "coefficients": {name: round(value, 4) for name, value in values},
            "pose": [round(v, 4) for v in state.pose.tolist()],
            "gaze": [round(v, 4) for v in state.gaze.tolist()],
            "phoneme": phoneme,
        },
        ensure_ascii=False,
    )
