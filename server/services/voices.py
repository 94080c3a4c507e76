"""Voices of a running server: each loaded and warmed once, when it is first asked for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from visavis.engines import load
from visavis.engines.base import Tts
from visavis.server.playout.messages import Clause
from visavis.server.system.errors import NotFound
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health, InThread, Served

APOLOGY: Final = "I am sorry, something went wrong. Please try again."
_DEADLINE: Final = 20.0  # s for one piece of speech


@dataclass(frozen=True, slots=True)
class Loaded:
    """A voice, and what it says when an answer could not be made."""

    tts: Served[Tts]
    apology: tuple[Clause, ...]


class Voices:
    """Voices by name. Each has a thread of its own."""

    def __init__(self, home: Path, metrics: Metrics) -> None:
        self._home, self._metrics = home, metrics
        self._opening = asyncio.Lock()
        self._loaded: dict[str, Loaded] = {}

    @property
    def served(self) -> list[Served[Tts]]:
        """Those that are loaded."""
        return [voice.tts for voice in self._loaded.values()]

    async def get(self, name: str) -> Loaded:
        """Raises NotFound, EngineError."""
        async with self._opening:
            if name not in self._loaded:
                self._loaded[name] = await self._load(name)
        return self._loaded[name]

    async def _load(self, name: str) -> Loaded:
        if name not in {voice.name for voice in load.voices()}:
            why = load.missing_voices().get(name, "")
            raise NotFound(f"There is no voice {name!r}." + (f" ({why})" if why else ""))
        worker = Worker(f"tts-{name}", deadline=_DEADLINE)
        try:
            tts = await worker.load(load.tts, name, self._home)
            # Also warms the voice: a first synthesis costs several times a later one.
            apology = await worker.load(_apology, tts)
        except BaseException:
            worker.close()
            raise
        health = Health(f"tts-{name}", f"The voice {name}", self._metrics)
        served: Served[Tts] = Served(InThread(tts, worker), health)
        return Loaded(served, apology)

    def close(self) -> None:
        """End their threads."""
        for served in self.served:
            served.close()


def _apology(tts: Tts) -> tuple[Clause, ...]:
    return tuple(
        Clause(" ".join(word.text for word in speech.words), speech)
        for speech in tts.synthesize(APOLOGY)
    )
