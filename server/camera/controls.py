"""What the presenter can do while they are on camera, whatever they do it with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from visavis.server.camera.away import Away

LOOKS: Final = (
    "neutral", "friendly", "smiling", "serious", "thoughtful", "confident", "sympathetic",
    "surprised", "lively",
)  # fmt: skip
MOVES: Final = {"y": "nods", "n": "shakes the head", "w": "winks"}


class Muted(Protocol):
    """A microphone that can be."""

    muted: bool


@dataclass(slots=True)
class Controls:
    """The state, and what changes it. say: one line for the presenter.

    direct: takes a direction, and tells what was understood; hush: silence now; speak: say this,
    None: the words come from a microphone.
    """

    say: Callable[[str], None]
    direct: Callable[[str], Awaitable[str]]
    hush: Callable[[], Awaitable[None]]
    away: Away
    microphone: Muted | None = None
    speak: Callable[[str], None] | None = None
    muted: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def mute(self) -> None:
        """Or not any more."""
        self.muted = not self.muted
        self._apply()
        self.say(
            "muted: the face goes on living, and says nothing" if self.muted else "heard again"
        )

    async def leave(self) -> None:
        """Or come back."""
        self.away.switch(not self.away.on)
        self._apply()
        if self.away.on:
            await self.hush()
            self.say(f"away: others see “{self.away.words}” and hear nothing")
        else:
            self.say("back" + (", and still muted" if self.muted else ""))

    async def look(self, direction: str) -> None:
        """Take a direction in plain words."""
        if direction.strip():
            self.say(await self.direct(direction.strip()))

    def utter(self, words: str) -> None:
        """Say typed words."""
        if self.speak is None:
            self.say("the words come from the microphone; start with --text to type them")
        elif self.muted or self.away.on:
            self.say("not said: you are muted" if self.muted else "not said: you are away")
        else:
            self.speak(words)

    def end(self) -> None:
        """The camera is switched off."""
        self.ended.set()

    def _apply(self) -> None:
        if self.microphone is not None:
            self.microphone.muted = self.muted or self.away.on
