"""The engines of a running server: loaded and warmed once, and lent to every session.

Ears, mind, guide and voices are shared, each with one thread; a session gets an echo canceller,
voice activity, motion and renderer of its own.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from visavis.engines import load
from visavis.engines.base import I420, Dialogue, FaceState, Mind, Renderer, Stt
from visavis.engines.direction.rapport import Rapport
from visavis.models.avatar.file import Avatar, load_avatar
from visavis.server.avatars.store import AvatarStore
from visavis.server.services.minds import DialogueMind
from visavis.server.services.voices import Voices
from visavis.server.session.endpointing import Endpointing
from visavis.server.session.guide import Guide
from visavis.server.session.hearing import Ear
from visavis.server.session.session import Engines
from visavis.server.session.speaking import Speakers
from visavis.server.system.config import Source
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Served

log = logging.getLogger(__name__)

T = TypeVar("T")

_DEADLINE: Final = 20.0  # s for one call of an engine: an utterance, a fragment of an answer


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a server is set up with, and a session that names nothing gets.

    knowledge: the file of answers; None: the example. size: width and height of the picture, px.
    """

    avatar: str
    voice: str
    dialogue: str
    knowledge: Path | None
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Face:
    """An avatar with a renderer whose textures every session's own shares."""

    avatar: Avatar
    renderer: Renderer
    still: I420


def _prepare(path: Path, width: int, height: int) -> _Face:
    avatar = load_avatar(path)
    renderer = load.renderer(avatar, width, height)
    return _Face(avatar, renderer, renderer.render(FaceState()))


class Services:
    """Engines by name. `missing` says in words why no session can begin; None: it can."""

    def __init__(
        self, home: Path, defaults: Defaults, avatars: AvatarStore, metrics: Metrics
    ) -> None:
        self._home, self._defaults, self._metrics = home, defaults, metrics
        self._avatars = avatars
        self._seed = secrets.randbits(31)  # no two starts of the server move alike
        self._loading: str | None = "The server is loading its models."
        self._faces: dict[tuple[str, int], _Face] = {}
        self._voices = Voices(home, metrics)
        self._served: list[Served[Any]] = []
        self._stt: Served[Stt]
        self._mind: Mind
        self._guide: Guide

    @property
    def missing(self) -> str | None:
        """Why no session can begin now."""
        for served in (*self._served, *self._voices.served):
            if served.broken:
                return f"{served.what} keeps failing."
        return self._loading

    async def open(self) -> None:
        """Load and warm what a session needs. Raises EngineError, AvatarError, ManifestError."""
        began = time.perf_counter()
        self._stt, self._mind, _, _ = await asyncio.gather(
            self._serve("stt", "Speech recognition", lambda: load.stt(self._home)),
            self._open_mind(),
            self._voices.get(self._defaults.voice),
            self._warm_face(),
        )
        director = await self._serve(
            "direction", "Reading directions", lambda: load.director(self._home)
        )
        self._guide = Guide(director, await director.call(Rapport))
        self._loading = None
        log.info("ready", extra={"seconds": round(time.perf_counter() - began, 2)})

    async def _open_mind(self) -> Mind:
        name, knowledge = self._defaults.dialogue, self._defaults.knowledge
        served = await self._serve(
            "dialogue", "The dialogue", lambda: load.dialogue(name, knowledge, self._home)
        )
        if isinstance(served.engine, Mind):
            return served.engine
        return DialogueMind(cast("Served[Dialogue]", served))

    async def _serve(self, name: str, what: str, make: Callable[[], T]) -> Served[T]:
        worker = Worker(name, deadline=_DEADLINE)
        served = Served(name, what, await worker.load(make), worker, self._metrics)
        self._served.append(served)
        return served

    async def lend(self, avatar: str, voice: str, source: Source) -> Engines:
        """The engines of one new session. Raises NotFound, AvatarError, EngineError."""
        loaded = await self._voices.get(voice)
        self._seed += 1
        face = await self._face(avatar)
        size = self._defaults.size
        ear = (
            await asyncio.to_thread(load.lips)
            if source == "microphone"
            else Ear(load.echo(), load.vad(), self._stt, Endpointing())
        )
        return Engines(
            ear=ear,
            motion=await asyncio.to_thread(load.motion, self._seed),
            renderer=await asyncio.to_thread(load.renderer, face.avatar, *size, face.renderer),
            still=face.still,
            speakers=Speakers(self._mind, loaded.tts, self._guide),
            apology=loaded.apology,
        )

    def close(self) -> None:
        """End every engine's thread."""
        for served in self._served:
            served.close()
        self._voices.close()

    async def _face(self, name: str) -> _Face:
        """An avatar, read and prepared once for as long as its file does not change."""
        path = await asyncio.to_thread(self._avatars.path, name)
        key = name, (await asyncio.to_thread(path.stat)).st_mtime_ns
        if key not in self._faces:
            face = await asyncio.to_thread(_prepare, path, *self._defaults.size)
            self._faces = {k: f for k, f in self._faces.items() if k[0] != name} | {key: face}
        return self._faces[key]

    async def _warm_face(self) -> None:
        """Run motion and generator once, so that the first visitor does not wait for them."""
        face = await self._face(self._defaults.avatar)
        motion = await asyncio.to_thread(load.motion, 0)
        await asyncio.to_thread(motion.state, 0)
        await asyncio.to_thread(load.warm, face.renderer)
