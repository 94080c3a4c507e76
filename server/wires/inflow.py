"""Sound of a web socket on its way into a session's voice, so that a word behind it is heard.

The socket is read in one task and the voice is fed in another: whoever is told to be silent is, how
much sound there may be before that word.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import TICK_RATE, Tick, ms
from visavis.server.session.pushing import Pushed
from visavis.server.session.resampling import Resampled

MOST: Final = 120  # s of sound that wait here, besides those in the voice; then the socket does
_PIECE: Final = 0.1  # s that are resampled in one go: 0.3 ms of the event loop
_ITEMS: Final = 16_384  # pieces that wait here, however small they are
_LOOK: Final[Tick] = ms(50)  # between two looks at whether a pause has become an end


@dataclass(frozen=True, slots=True)
class _End:
    """What was said is over."""


@dataclass(frozen=True, slots=True)
class _Sound:
    """Bytes of it. name: how it is called. now: it does not wait for more before it is heard."""

    pcm: bytes
    name: str
    now: bool


class Inflow:
    """Into one voice. rate: Hz of what comes, 16 bits, mono.

    pause: how long nothing comes, and nothing sounds, until a thing said is over, for clients that
    do not say so. names: of segments that are not over, as their first sound was called; who is
    told of an end takes it out. lost: called with the name of each that was cleared before the
    voice had any of it, and knows no end of it.
    """

    def __init__(self, voice: Pushed, clock: Clock, rate: int, pause: Tick) -> None:
        self._voice, self._clock, self._pause = voice, clock, pause
        self._resampled = Resampled(rate)
        self._piece = int(rate * _PIECE) * 2  # bytes
        self._most = rate * 2 * MOST
        self._waiting: deque[_Sound | _End] = deque()
        self._held = 0  # bytes of it
        self._clears = 0
        self._open = False  # a thing said is not over, ...
        self._segment, self._name = 0, ""  # ... which is that one of the voice
        self._came: Tick = 0
        self._arrived, self._room = asyncio.Event(), asyncio.Event()
        self.names: dict[int, str] = {}
        self.lost: Callable[[str], None] = lambda name: None

    async def put(self, pcm: bytes, name: str = "", *, now: bool = False) -> None:
        """More of it, in bytes, however many; waits while there is no room.

        now: it is heard 70 ms sooner, and a pause follows it sooner where the rest comes late.
        """
        if not pcm:
            return
        clears = self._clears
        while self._is_full(len(pcm)) and clears == self._clears:
            self._room.clear()
            await self._room.wait()
        if clears == self._clears:
            self._held += len(pcm)
            self._add(_Sound(pcm, name, now))

    def _is_full(self, more: int) -> bool:
        too_long = self._held and self._held + more > self._most
        return bool(too_long) or len(self._waiting) >= _ITEMS

    def end(self) -> None:
        """What follows is another thing said."""
        if not self._waiting or not isinstance(self._waiting[-1], _End):
            self._add(_End())

    def clear(self) -> float:
        """Silence, and nothing of what came: s that were heard of what sounds."""
        self._clears += 1
        names = dict.fromkeys(each.name for each in self._waiting if isinstance(each, _Sound))
        known = {self._name} if self._open else set()
        self._waiting.clear()
        self._held = 0
        self._resampled.reset()
        position = self._voice.clear()
        if self._open and self._voice.segment == self._segment:  # nothing of it had got there
            self.names.pop(self._segment, None)
            self.lost(self._name)
        self._open = False
        for name in [each for each in names if each not in known]:
            self.lost(name)
        self._room.set()
        return position

    @property
    def sounds(self) -> bool:
        """Whether anything is to be heard yet."""
        return bool(self._held or self._waiting) or self._voice.sounds

    async def silence(self) -> None:
        """Return once all has been heard."""
        while self.sounds:
            await self._clock.sleep_until(self._clock.now() + _LOOK)

    async def run(self) -> None:
        """Feed the voice until cancelled."""
        while True:
            match await self._next():
                case _End():
                    await self._finish()
                case _Sound() as sound:
                    await self._speak(sound)

    def _add(self, item: _Sound | _End) -> None:
        self._waiting.append(item)
        self._came = self._clock.now()
        self._arrived.set()

    async def _next(self) -> _Sound | _End:
        while not self._waiting:
            self._arrived.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK / TICK_RATE if self._open else None):
                    await self._arrived.wait()
            if self._open and not self._waiting and self._is_over():
                return _End()
        self._room.set()
        return self._waiting.popleft()

    def _is_over(self) -> bool:
        """Whether a pause has become an end."""
        return self._clock.now() - self._came >= self._pause and not self._voice.ahead

    async def _speak(self, sound: _Sound) -> None:
        clears = self._clears
        for at in range(0, len(sound.pcm), self._piece):
            if clears != self._clears:
                return
            part = sound.pcm[at : at + self._piece]
            if not self._open:
                self._open, self._segment, self._name = True, self._voice.segment, sound.name
                self.names[self._segment] = sound.name
            # Of a segment that somebody else has cleared, the rest is dropped.
            await self._voice.push(self._resampled.feed(part), self._segment)
            if sound.now:
                self._voice.hasten()
            if clears == self._clears:
                self._held -= len(part)
                self._room.set()

    async def _finish(self) -> None:
        if not self._open:
            return
        clears = self._clears
        rest = self._resampled.flush()
        await self._voice.push(rest, self._segment)
        if clears == self._clears:
            self._voice.end(self._segment)
            self._open = False
