"""The face of a server elsewhere, played here: a visitor's connection with a camera behind it.

Sound and pictures come with their times on the server's clock. All of them are put on a timeline of
ours, the same while later, so what belongs together stays together.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import numpy as np

from visavis.engines.base import PLAY_RATE, Pcm, Speech
from visavis.engines.settings import Labelled
from visavis.remote import RemoteError, connect
from visavis.remote.face import Face as Connection
from visavis.server.camera.faces import told
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import FRAME, Clause, Picture, Spoken, Tick, ms
from visavis.server.playout.timeline import MEMORY, Timeline
from visavis.server.session.doors import Outlet, Playout
from visavis.server.system.errors import DeviceError
from visavis.server.system.flow import Tasks

_AHEAD: Final[Tick] = ms(50)  # before it plays a sound is here, as networks are
_LEAST: Final[Tick] = ms(30)  # with less it would come too late for whoever plays it
_LOOKS: Final = 500  # packets, 10 s, in which it always came too early
_NEUTRAL: Final = 16, 128  # black, in YUV


class Meeting:
    """The server's times and ours. `here`: when something is to be played that comes now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._later: Tick | None = None  # how much later than the server's clock ours is
        self._spare: Tick = 0  # of the sounds since, the least time before they play
        self._looks = 0

    def sound(self, at_ms: float, *, quiet: bool) -> Tick:
        """Where it goes; moves where sounds come too late, or always too early and it is quiet."""
        at, now = ms(at_ms), self._clock.now()
        if self._later is None or at + self._later < now + _LEAST:
            self._later = _whole(now + _AHEAD - at)
            self._looks = 0
        spare = at + self._later - now
        self._spare = min(self._spare, spare) if self._looks else spare
        self._looks += 1
        if self._looks >= _LOOKS and quiet:
            self._later -= _whole(max(0, self._spare - _AHEAD - FRAME))
            self._looks = 0
        return at + self._later

    def picture(self, at_ms: float) -> Tick | None:
        """Where it goes; None before the first sound."""
        if self._later is None:
            return None
        # Told to a millisecond: one that is a little early or late keeps its place.
        return round(ms(at_ms) / FRAME) * FRAME + self._later


def _whole(later: Tick) -> Tick:
    """In whole pictures, so that theirs are due when ours are: one would wait 20 ms for it."""
    return -(-later // FRAME) * FRAME


class RemoteFace:
    """faces.Face over visavis.remote. size: of its pictures, px."""

    def __init__(self, connection: Connection, tasks: Tasks, lost: Callable[[str], None]) -> None:
        self._connection, self._tasks, self._lost = connection, tasks, lost
        self._clock, self._timeline = Clock(), Timeline()
        self._meeting = Meeting(self._clock)
        self.size: tuple[int, int] = connection.ready.size
        told = connection.ready.label
        self._label = Labelled(told.text, told.box) if told is not None else None
        tasks.start(self._watch(self._hear()), name="sound from the server")
        tasks.start(self._watch(self._see()), name="pictures from the server")

    @property
    def delay(self) -> Tick:
        """See Face."""
        return 0

    @property
    def label(self) -> Labelled | None:
        """See Face."""
        return self._label

    def play(self, outlet: Outlet) -> None:
        """See Face."""
        self._tasks.start(outlet.play(self._playout()), name="outlet")

    def _playout(self) -> Playout:
        width, height = self.size
        still = np.full((height * 3 // 2, width), _NEUTRAL[1], np.uint8)
        still[:height] = _NEUTRAL[0]
        reader = self._timeline.reader()
        return Playout(self._clock, reader, still, _unnoticed, _unnoticed, _unnoticed)

    async def _watch(self, work: Coroutine[Any, Any, None]) -> None:
        """Until the session is over, or its connection is lost for good."""
        try:
            await work
        except RemoteError as error:
            self._lost(str(error))

    async def _hear(self) -> None:
        async for sound in self._connection.sound():
            at = self._meeting.sound(sound.at_ms, quiet=not sound.pcm.any())
            speech = Speech(sound.pcm, (), (), "espeak")
            self._timeline.put(Spoken(self._timeline.turn, at, Clause("", speech)))
            self._timeline.forget(at - MEMORY)

    async def _see(self) -> None:
        async for picture in self._connection.pictures("i420"):
            at = self._meeting.picture(picture.at_ms)
            if at is not None and picture.image.shape == (self.size[1] * 3 // 2, self.size[0]):
                self._timeline.put(Picture(at, picture.image))

    async def listen(self, voice: AsyncIterator[Pcm]) -> None:
        """See Face."""
        async for pcm in voice:
            await self._connection.speak_sound(pcm, PLAY_RATE)

    async def speak(self, words: str) -> None:
        """See Face."""
        reply = await self._connection.say(words)
        await reply.ended()

    async def direct(self, words: str) -> str:
        """See Face."""
        understood = await self._connection.direct(words)
        return told(understood.styles, understood.dropped, understood.known)

    async def hush(self) -> None:
        """See Face."""
        await self._connection.interrupt()


@asynccontextmanager
async def remote(
    url: str,
    token: str,
    avatar: str,
    voice: str,
    lost: Callable[[str], None],
    *,
    typed: bool,
) -> AsyncIterator[RemoteFace]:
    """A session of a server. lost: told once it is over. Raises DeviceError."""
    source = "dialogue" if typed else "microphone"
    try:
        async with connect(
            url, token=token, avatar=avatar, voice=voice, source=source, microphone=not typed
        ) as connection:
            tasks = Tasks()
            try:
                yield RemoteFace(connection, tasks, lost)
            finally:
                await tasks.close()
    except RemoteError as error:
        told = str(error)
        raise DeviceError(told if url in told else f"{url}: {told}") from error


def _unnoticed(*_what: object) -> None:
    """The server measures what its visitors get."""
