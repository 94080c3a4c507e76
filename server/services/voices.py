"""Voices of a running server: each loaded and warmed once, when it is first asked for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from visavis.engines import load
from visavis.engines.base import Tts
from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import phrase
from visavis.server.playout.messages import Clause
from visavis.server.services import prepared
from visavis.server.services.prepared import Repertoire, Shelf
from visavis.server.system.errors import NotFound
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.process import EngineProcess
from visavis.server.system.served import Health, InThread, Runner, Served

_DEADLINE: Final = 20.0  # s for one piece of speech
_READING: Final = 1.0  # s for what is kept of it on the disk; then it is synthesized


@dataclass(frozen=True, slots=True)
class Loaded:
    """A voice, what it says when an answer could not be made, and what it has said already."""

    tts: Served[Tts]
    apology: tuple[Clause, ...]
    shelf: Shelf | None = None


class Voices:
    """Voices by name. Each has a thread of its own or, `apart`, a process.

    Half of a synthesis is Python. While its thread holds the interpreter and something else has
    the processor, packets and pictures of all sessions wait: 7 sessions on two busy cores had 1.1
    and 7.1 % late pictures beside voices in threads, 0.1 and 0.5 % with them apart.
    """

    def __init__(
        self, home: Path, metrics: Metrics, *, apart: bool = False,
        repertoire: Repertoire | None = None,
    ) -> None:  # fmt: skip
        """repertoire: whose lines are kept once they were said; None: nothing is."""
        self._home, self._metrics, self._apart = home, metrics, apart
        self._repertoire = repertoire
        self._reader = Worker("prepared", deadline=_READING)
        self._opening = asyncio.Lock()
        self._loaded: dict[str, Loaded] = {}

    @property
    def served(self) -> list[Served[Tts]]:
        """Those that are loaded."""
        return [voice.tts for voice in self._loaded.values()]

    @property
    def shelves(self) -> list[Shelf]:
        """What they have said already."""
        return [voice.shelf for voice in self._loaded.values() if voice.shelf is not None]

    async def get(self, name: str) -> Loaded:
        """Raises NotFound, EngineError."""
        async with self._opening:
            if name not in self._loaded:
                self._loaded[name] = await self._load(name)
        return self._loaded[name]

    async def check(self, name: str) -> None:
        """Raises NotFound for a voice that there is not; reads files only if it is not loaded."""
        if name in self._loaded:
            return
        known = await asyncio.to_thread(load.voices, self._home)
        if name not in {voice.name for voice in known}:
            why = load.missing_voices().get(name, "")
            raise NotFound(f"There is no voice {name!r}." + (f" ({why})" if why else ""))

    async def _load(self, name: str) -> Loaded:
        await self.check(name)
        run = self._in_process if self._apart else self._in_thread
        runner, sorry = await run(name)
        health = Health(f"tts-{name}", f"The voice {name}", self._metrics)
        return Loaded(Served(runner, health), sorry, await self._shelf(name, sorry))

    async def _shelf(self, name: str, sorry: tuple[Clause, ...]) -> Shelf | None:
        known = await asyncio.to_thread(load.voices, self._home)
        spoken = next((each.language for each in known if each.name == name), "")
        ahead = self._repertoire
        if ahead is None or code_of(spoken) != code_of(ahead.language):
            return None
        sample = [clause.speech for clause in sorry]
        by = await asyncio.to_thread(prepared.edition, name, sample)
        place = prepared.folder(self._home)
        return Shelf(name, by, place, ahead, self._reader, self._metrics)

    # Both warm the voice with the apology: a first synthesis costs several times a later one.

    async def _in_thread(self, name: str) -> tuple[Runner, tuple[Clause, ...]]:
        worker = Worker(f"tts-{name}", deadline=_DEADLINE)
        try:
            tts = await worker.load(load.tts, name, self._home)
            return InThread(tts, worker), await worker.load(apology, tts)
        except BaseException:
            worker.close()
            raise

    async def _in_process(self, name: str) -> tuple[Runner, tuple[Clause, ...]]:
        child = EngineProcess(f"tts-{name}", partial(load.tts, name, self._home), _DEADLINE)
        try:
            await child.load()
            return child, await child.call(apology)
        except BaseException:
            child.close()
            raise

    def close(self) -> None:
        """End their threads and processes."""
        for served in self.served:
            served.close()
        self._reader.close()


def apology(tts: Tts) -> tuple[Clause, ...]:
    """What a voice says when an answer could not be made. Raises EngineError."""
    return tuple(
        Clause(" ".join(word.text for word in speech.words), speech)
        for speech in tts.synthesize(phrase("apology.failed", tts.voice.language))
    )
