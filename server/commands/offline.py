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
    Demeanour,
    FaceState,
    Motion,
    Movement,
    Pcm,
    Renderer,
    Speech,
    Tts,
)
from visavis.engines.direction.director import Director
from visavis.engines.direction.lines import Line, Lines
from visavis.engines.direction.styles import Stance
from visavis.engines.language.brackets import BracketReader, Words
from visavis.models import arkit
from visavis.server.playout.messages import FRAME, ms
from visavis.server.session.showing import EARLY

LEAD_IN: Final = ms(400)  # a face that is there before it speaks
TAIL: Final = ms(800)
_FPS: Final = PLAY_RATE // FRAME
_AAC_FRAME: Final = 1024
_AHEAD: Final = 8  # pictures drawn before they are encoded

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Script:
    """What is said when: mono int16 at PLAY_RATE, and the pieces with their start samples.

    moods and movements: how the face is from a sample on, and what it does once; dropped: the
    words of directions of which nothing was understood.
    """

    pcm: Pcm
    pieces: tuple[tuple[int, Speech], ...]
    moods: tuple[tuple[int, Demeanour], ...] = ()
    movements: tuple[tuple[int, Movement], ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        """Pictures that cover all of it."""
        return -(-len(self.pcm) // FRAME)


def speak(text: str, tts: Tts, director: Director | None = None, style: str = "") -> Script:
    """Text, with directions in brackets -> speech, with a silence before and after.

    style: a direction for all of it. Raises EngineError.
    """
    director = director or Director()
    whole = director.understand(style)
    lines = _lines(text, director)
    parts: list[Pcm] = [np.zeros(LEAD_IN, np.int16)]
    pieces, at = [], LEAD_IN
    moods = [(0, Stance().directed(whole).demeanour)]
    movements = [(0, movement) for movement in whole.movements]
    for line in lines.spoken:
        mood = Stance().directed(whole, line.cue).demeanour
        if mood != moods[-1][1]:
            moods.append((max(0, at - EARLY), mood))
        movements += [(max(0, at - EARLY), movement) for movement in line.movements]
        for speech in tts.synthesize(line.text, mood.delivery) if line.text else ():
            pieces.append((at, speech))
            parts.append(speech.pcm)
            at += len(speech.pcm)
    return Script(
        np.concatenate([*parts, np.zeros(TAIL, np.int16)]), tuple(pieces), tuple(moods),
        tuple(movements), (*whole.dropped, *lines.dropped),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Read:
    spoken: list[Line]
    dropped: list[str]


def _lines(text: str, director: Director) -> _Read:
    brackets, lines = BracketReader(), Lines()
    spoken: list[Line] = []
    for piece in [*brackets.feed(text), *brackets.flush()]:
        if isinstance(piece, Words):
            spoken += lines.text(piece.text)
        else:
            spoken += lines.cue(piece.wish, director.understand(piece.wish))
    return _Read([*spoken, *lines.flush()], lines.dropped)


def tell(motion: Motion, script: Script) -> None:
    """Everything that a face is to do for a script."""
    for at, mood in script.moods:
        motion.feel(at, mood.affect, mood.bearing)
    for at, movement in script.movements:
        motion.move(at, movement)
    for at, speech in script.pieces:
        motion.speak(at, speech)
    motion.attend(LEAD_IN, "speaking")
    motion.attend(len(script.pcm) - TAIL, "idle")


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
        tell(motion, script)
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
