"""The engines of a running server: loaded and warmed once, and lent to every session.

Ears, mind, guide and voices are shared, each with one thread; a session gets an echo canceller,
voice activity and motion of its own, and all of them draw through one generator.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from visavis.engines import load
from visavis.engines.base import EngineError, Mind, Motion, Stt, draw_one
from visavis.engines.direction.sentiment import Sentiment
from visavis.models.errors import ModelError
from visavis.models.manifest import ManifestError
from visavis.server.avatars.store import AvatarStore
from visavis.server.services.drawing import DrawingPool
from visavis.server.services.minds import DialogueMind, WatchedMind
from visavis.server.services.puppets import Puppets
from visavis.server.services.voices import Voices
from visavis.server.session.endpointing import Endpointing
from visavis.server.session.engines import Engines
from visavis.server.session.guide import Guide
from visavis.server.session.hearing import Ear
from visavis.server.session.relaying import Mouth
from visavis.server.session.speaking import Speakers
from visavis.server.system.config import Source
from visavis.server.system.errors import Problem
from visavis.server.system.faults import place
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health, InThread, Served

log = logging.getLogger(__name__)

T = TypeVar("T")

_DEADLINE: Final = 20.0  # s for one call of an engine: an utterance, a fragment of an answer


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a server is set up with, and a session that names nothing gets.

    knowledge: the file of answers; None: the example. size: width and height of the picture, px.
    refine: whether a network refines its mouth and eyes.
    """

    avatar: str
    voice: str
    dialogue: str
    knowledge: Path | None
    size: tuple[int, int]
    refine: bool = False


class Services:
    """Engines by name. `missing` says in words why no session can begin; None: it can."""

    def __init__(
        self, home: Path, defaults: Defaults, avatars: AvatarStore, metrics: Metrics
    ) -> None:
        self._home, self._defaults, self._metrics = home, defaults, metrics
        self._avatars = avatars
        self._seed = secrets.randbits(31)  # no two starts of the server move alike
        self._loading: str | None = "The server is loading its models."
        self._ends = ExitStack()
        self._voices = Voices(home, metrics)
        self._served: list[Served[Any]] = []
        self._healths: list[Health] = []
        self._drawing: DrawingPool
        self._puppets: Puppets
        self._stt: Served[Stt]
        self._mind: Mind
        self._guide: Guide

    @property
    def missing(self) -> str | None:
        """Why no session can begin now."""
        voices = (served.health for served in self._voices.served)
        for health in (*self._healths, *voices):
            if health.broken:
                return f"{health.what} keeps failing."
        return self._loading

    async def open(self) -> None:
        """Load and warm what a session needs. Raises EngineError, AvatarError, ManifestError."""
        began = time.perf_counter()
        _, self._mind, _, _ = await asyncio.gather(
            self._open_ears(),
            self._open_mind(),
            self._voices.get(self._defaults.voice),
            self._open_face(),
        )
        worker = Worker("direction", deadline=_DEADLINE)
        director = await worker.load(load.director, self._home)
        reading = self._serve("direction", "Reading directions", director, worker)
        self._guide = Guide(director, reading, await worker.load(Sentiment, director))
        self._loading = None
        log.info("ready", extra={"seconds": round(time.perf_counter() - began, 2)})

    async def _open_ears(self) -> None:
        worker = Worker("stt", deadline=_DEADLINE)
        stt = await worker.load(load.stt, self._home)
        self._stt = self._serve("stt", "Speech recognition", stt, worker)

    async def _open_mind(self) -> Mind:
        worker = Worker("dialogue", deadline=_DEADLINE)
        name, knowledge = self._defaults.dialogue, self._defaults.knowledge
        engine = await worker.load(load.dialogue, name, knowledge, self._home)
        if isinstance(engine, Mind):
            worker.close()
            return WatchedMind(engine, self._health("dialogue", "The dialogue"))
        return DialogueMind(self._serve("dialogue", "The dialogue", engine, worker))

    def _serve(self, name: str, what: str, engine: T, worker: Worker) -> Served[T]:
        served: Served[T] = Served(InThread(engine, worker), self._health(name, what))
        self._served.append(served)
        return served

    def _health(self, name: str, what: str) -> Health:
        self._healths.append(Health(name, what, self._metrics))
        return self._healths[-1]

    async def lend(self, avatar: str, voice: str, source: Source) -> Engines:
        """The engines of one new session. Raises NotFound, AvatarError, EngineError."""
        with _loading("The voice"):
            loaded = await self._voices.get(voice)
        path = await asyncio.to_thread(self._avatars.path, avatar)
        self._seed += 1
        with _loading("The session's ears, lips or motion"):
            ear, motion = await asyncio.to_thread(self._own, source, self._seed)
        loan = await self._puppets.lend(path)  # last: what fails after it would not give it back
        return Engines(
            ear=ear,
            motion=motion,
            paint=partial(self._drawing.draw, loan.puppet),
            still=loan.still,
            speakers=Speakers(self._mind, loaded.tts, self._guide),
            apology=loaded.apology,
            give_back=loan.end,
        )

    def _own(self, source: Source, seed: int) -> tuple[Ear | Mouth, Motion]:
        """What a session shares with nobody."""
        motion = load.motion(seed)
        if source == "microphone":
            return Mouth(load.lips(), load.lips), motion
        # What cannot be made fails the request, and the event loop has nothing to import.
        load.echo()
        load.vad()
        return Ear(load.echo, load.vad, self._stt, Endpointing()), motion

    def close(self) -> None:
        """End every engine's thread."""
        self._ends.close()
        for served in self._served:
            served.close()
        self._voices.close()

    async def _open_face(self) -> None:
        """Load motion and generator and run both once, so that the first visitor need not wait."""
        worker = Worker("puppets")
        self._ends.callback(worker.close)
        generator = await worker.load(load.generator, *self._defaults.size)
        if self._defaults.refine:
            generator = await worker.load(load.refined, generator)
        self._ends.callback(generator.close)
        self._drawing = DrawingPool(generator, self._health("render", "Drawing"))
        self._ends.callback(self._drawing.close)
        self._puppets = Puppets(generator, worker)
        path = await asyncio.to_thread(self._avatars.path, self._defaults.avatar)
        loan = await self._puppets.lend(path)
        await worker.call(load.warm, partial(draw_one, generator, loan.puppet))
        loan.end()
        await worker.load(lambda: load.motion(0).state(0))


@contextmanager
def _loading(what: str) -> Iterator[None]:
    """A model that is missing or broken is an EngineError, whatever its library makes of it."""
    try:
        yield
    except (EngineError, ModelError, Problem):
        raise
    except ManifestError as error:
        raise EngineError(f"{what} cannot be loaded: {error}") from error
    except Exception as error:
        fault = f"{type(error).__name__} at {place(error)}"
        raise EngineError(f"{what} cannot be loaded: {fault}") from error
