"""Sound and pictures that come over a network, kept until they are due on a clock of ours."""

from __future__ import annotations

import sys
from collections import deque
from typing import Final

import numpy as np

from visavis.engines.base import I420, Pcm
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import PACKET, Picture, Tick, ms

_MARGIN: Final[Tick] = ms(40)  # later than the latest of them usually is: the next may be later
_SEEN: Final = 100  # arrivals by which it is judged how late they come: 2 to 4 s
_FLOOR: Final = 16  # of 32768: what a codec makes of silence
_KEPT: Final[Tick] = ms(2000)


class Buffer:
    """What a `Playout` reads. Times that come are of the server's session, in ms.

    delay: from when the server plays something to when it is due here, as far as is known.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._late: dict[str, deque[Tick]] = {
            "picture": deque(maxlen=_SEEN),
            "sound": deque(maxlen=_SEEN),
        }
        self._offset: Tick = 0  # what is added to a time of the server's
        self._sound: deque[tuple[Tick, Pcm]] = deque()
        self._pictures: deque[Picture] = deque()
        self._shown: Tick = -1
        self._settles: Tick = 0  # when that may be done again
        self._cut: Tick = 0  # until then nothing is heard
        self._cuts = 0  # that the server has not answered

    def cut(self) -> None:
        """The server was told to be silent: until it says when it was, nothing is heard."""
        self._cuts += 1
        self._cut = sys.maxsize

    def silent(self, at_ms: float) -> None:
        """What plays there from then on is heard again, once every cut was answered."""
        self._cuts -= 1
        if self._cuts == 0:
            self._cut = ms(at_ms) + self._offset

    @property
    def delay(self) -> Tick:
        """Never negative."""
        first = min((each for late in self._late.values() for each in late), default=0)
        return max(self._offset - first, 0)

    def settle(self) -> None:
        """Choose the delay anew, once a second: not while anybody speaks, for time jumps."""
        if self._clock.now() < self._settles:
            return
        self._settles = self._clock.now() + ms(1000)
        usual = [int(np.percentile(late, 90)) for late in self._late.values() if late]
        wanted = max(usual, default=0) + _MARGIN
        if abs(wanted - self._offset) > PACKET:
            self._offset = wanted
            self._sound.clear()
            self._pictures.clear()

    def see(self, image: I420, at_ms: float) -> None:
        """A picture."""
        self._pictures.append(Picture(self._due("picture", at_ms), image))
        while self._pictures[0].at < self._pictures[-1].at - _KEPT:
            self._pictures.popleft()

    def hear(self, pcm: Pcm, at_ms: float) -> None:
        """The next piece of sound."""
        if int(np.abs(pcm.astype(np.int32)).max(initial=0)) > _FLOOR:
            self._sound.append((self._due("sound", at_ms), pcm))
        else:
            self._due("sound", at_ms)

    def audio(self, at: Tick, count: int = PACKET) -> Pcm:
        """(count,) int16 from `at`; silence where nothing came. `at` grows from call to call."""
        out = np.zeros(count, np.int16)
        while self._sound and self._sound[0][0] + len(self._sound[0][1]) <= at:
            self._sound.popleft()
        if at < self._cut:
            return out
        for begin, pcm in self._sound:
            first, last = max(at, begin), min(at + count, begin + len(pcm))
            if first < last:
                out[first - at : last - at] = pcm[first - begin : last - begin]
        return out

    def picture(self, at: Tick) -> Picture | None:
        """The newest one due by `at` that was not given yet."""
        due = [each for each in self._pictures if self._shown < each.at <= at]
        if not due:
            return None
        self._shown = due[-1].at
        return Picture(at, due[-1].image)

    def close(self) -> None:
        """Nothing is held open."""

    def _due(self, kind: str, at_ms: float) -> Tick:
        """When it is due, and a note of how late it came."""
        sent = ms(at_ms)
        self._late[kind].append(self._clock.now() - sent)
        return sent + self._offset
