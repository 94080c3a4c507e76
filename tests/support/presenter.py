"""A presenter and a meeting around `visavis camera`: what goes in, what comes out, and when."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from visavis.engines import load
from visavis.engines.base import PLAY_RATE, FaceState, Pcm
from visavis.models.avatar.file import SHIPPED, load_avatar
from visavis.models.bake.photo import find_face
from visavis.models.quality.subject import as_rgb
from visavis.server.avatars.store import AvatarStore
from visavis.server.camera.libpulse import Playing, Recording
from visavis.server.playout.messages import FRAME, PACKET, Tick, ms
from visavis.server.system.errors import DeviceError

_FRAGMENT: Final = ms(10)
Picture = np.ndarray[Any, np.dtype[np.uint8]]
Doubles = np.ndarray[Any, np.dtype[np.float64]]


class Recorder:
    """As a meeting records a source; `sound` is what it heard, from the tick `began` on."""

    def __init__(self, source: str) -> None:
        self._source, self._pieces, self._ended = source, list[tuple[Tick, Pcm]](), False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        stream = Recording(self._source, _FRAGMENT)
        while not self._ended:
            pcm = stream.read(_FRAGMENT)
            heard = int(time.monotonic() * PLAY_RATE) - stream.latency()
            self._pieces.append((heard - len(pcm), pcm))
        stream.close()

    def end(self) -> tuple[Tick, Pcm]:
        """Where it began, and all of it; lengths follow the first fragments' median time."""
        self._ended = True
        self._thread.join(2)
        at = np.array([at for at, _ in self._pieces])
        steps = np.arange(len(at)) * _FRAGMENT
        return int(np.median(at - steps)), np.concatenate([pcm for _, pcm in self._pieces])


def speak(sink: str, pcm: Pcm) -> None:
    """Say it into a sink, in real time; returns at its end."""
    stream = Playing(sink, ms(200))
    for start in range(0, len(pcm), PACKET):
        stream.write(pcm[start : start + PACKET])
    time.sleep(0.3)
    stream.close()


def lag(heard: tuple[Tick, Pcm], said: tuple[Tick, Pcm], most: Tick = PLAY_RATE) -> Tick:
    """How much later than it was said the same sound was heard."""
    begin = max(heard[0], said[0])
    count = min(heard[0] + len(heard[1]), said[0] + len(said[1])) - begin
    one = heard[1][begin - heard[0] :][:count].astype(float)
    other = said[1][begin - said[0] :][:count].astype(float)
    size = 1 << (2 * count - 1).bit_length()
    found = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    return int(found[:most].argmax())


@dataclass
class Film:
    """A .y4m file as it was written: pictures, and when, s of time.monotonic()."""

    width: int
    height: int
    at: list[float] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.at)

    def since(self, first: int) -> Film:
        """From that picture on."""
        return Film(self.width, self.height, self.at[first:], self.pictures[first:])


def film(path: Path) -> Film:
    """All of it that is whole."""
    with path.open("rb") as file:
        head = file.readline().split()
        words = {word[:1]: word[1:] for word in head[1:]}
        found = Film(int(words[b"W"]), int(words[b"H"]))
        size = found.width * found.height * 3 // 2
        while line := file.readline():
            data = file.read(size)
            if len(data) < size:
                break
            found.at.append(float(line.split(b"Xat=")[1]))
            found.pictures.append(
                np.frombuffer(data, np.uint8).reshape(found.height * 3 // 2, found.width)
            )
    return found


_LIPS: Final = (59, 60)  # px high and wide that are looked at, of the avatar mira at 512 px
_SMOOTH: Final = 25  # pictures over which a head moves, and a mouth does not
_STEP: Final = 0.005  # s
_APART: Final = 0.3  # s that are looked through


@cache
def mouth() -> tuple[slice, slice]:
    """Where lips of mira open, in a picture of 512 px: below the line between her mouth corners."""
    still = as_rgb(load.drawing(load_avatar(SHIPPED / "mira.avatar"), 512, 512)(FaceState()))
    face = find_face(still)
    x, y = (int(v) for v in face.points[[61, 291], :2].mean(0))
    high, wide = _LIPS
    return slice(y - high // 3, y - high // 3 + high), slice(x - wide // 2, x + wide // 2)


def opening(pictures: Iterable[Picture]) -> Doubles:
    """How far the mouth is open in each picture, in no unit; a head that moves is left out."""
    dark: Doubles = np.array([picture[mouth()].astype(float).std() for picture in pictures])
    padded = np.concatenate([dark[:1].repeat(_SMOOTH // 2), dark, dark[-1:].repeat(_SMOOTH // 2)])
    return np.asarray(dark - np.convolve(padded, np.ones(_SMOOTH) / _SMOOTH, "valid"))


def lips_after_sound(
    shot: Film, heard: tuple[Tick, Pcm], said: Pcm, home: Path
) -> tuple[float, float]:
    """How much later than their sound the lips were shown, s, and how alike they are to those of
    the same sound performed without haste, where both lie on one timeline."""
    began = (heard[0] + lag(heard, (heard[0], said), len(heard[1]))) / PLAY_RATE
    wanted, times = performed(said, home)
    at = np.arange(_APART, len(said) / PLAY_RATE - _APART, _STEP)
    other, shown = np.interp(at, times, wanted), opening(shot.pictures)
    lags = np.arange(-_APART, _APART, _STEP)
    alike = [
        np.corrcoef(np.interp(began + at + late, shot.at, shown), other)[0, 1] for late in lags
    ]
    best = int(np.argmax(alike))
    return float(lags[best]), float(alike[best])


def performed(said: Pcm, home: Path) -> tuple[Doubles, Doubles]:
    """Mouths of a recording that nobody waits for, and when, s from its beginning."""
    avatar = load_avatar(AvatarStore(home).path("mira"))
    draw, motion, lips = load.drawing(avatar, 512, 512), load.motion(0), load.lips()
    motion.attend(0, "speaking")
    at = 0
    for piece in (*lips.feed(said), *lips.flush()):
        motion.speak(at, piece)
        at += len(piece.pcm)
    ticks = range(0, len(said), FRAME)
    return opening([draw(motion.state(tick)) for tick in ticks]), np.array(ticks) / PLAY_RATE


class Room:
    """What a loudspeaker plays is heard by a microphone: half as loud, and some 50 ms later.

    The sound server's own loopback goes to and fro in time, as no room does.
    """

    def __init__(self, loudspeaker: str, microphone: str) -> None:
        self._from, self._to, self._ended = f"{loudspeaker}.monitor", microphone, False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        heard, plays = Recording(self._from, _FRAGMENT), Playing(self._to, ms(200))
        plays.write(np.zeros(ms(50), np.int16))
        with suppress(DeviceError):  # the sound server has ended
            while not self._ended:
                plays.write(heard.read(_FRAGMENT) // 2)
        heard.close()
        plays.close()

    def end(self) -> None:
        self._ended = True
        self._thread.join(2)
