"""The engines of a running server: loads and warms them once, and furnishes every session.

Shared engines (ears, dialogue, voices) each have one thread; a session gets its own echo
canceller, voice activity, motion and renderer.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from visavis.engines import load
from visavis.engines.base import I420, EngineError, FaceState, Pcm, Renderer, Stt, Transcript, Tts
from visavis.engines.direction.rapport import Rapport
from visavis.models.avatar.file import Avatar, list_avatars, load_avatar, read_preview
from visavis.server.playout.messages import Clause
from visavis.server.session.endpointing import Endpointing
from visavis.server.session.session import Engines
from visavis.server.session.speaking import Guided, Minded, Voiced
from visavis.server.system.config import Config
from visavis.server.system.errors import NotFound
from visavis.server.system.flow import Worker

log = logging.getLogger(__name__)

APOLOGY: Final = "I am sorry, something went wrong. Please try again."
SHIPPED: Final = Path(str(resources.files("visavis.models"))) / "data" / "personas"
_REST: Final = 60.0  # s after which a server that called itself not ready is tried again
_TOO_MANY_FAILURES: Final = 3  # of one engine in a row, before the server calls itself not ready


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


def _guide(home: Path, worker: Worker) -> Guided:
    director = load.director(home)
    return Guided(director, Rapport(director), worker)


def _apology(tts: Tts) -> tuple[Clause, ...]:
    return tuple(
        Clause(" ".join(word.text for word in speech.words), speech)
        for speech in tts.synthesize(APOLOGY)
    )


def find_avatars(home: Path) -> dict[str, Path]:
    """Avatar files by name: the shipped ones, and the operator's, which may take their names."""
    return {**list_avatars(SHIPPED), **list_avatars(home / "avatars")}


def title(name: str) -> str:
    """An avatar's name as people write it: what is all lower-case is a name for scripts."""
    return name.replace("-", " ").title() if name.islower() else name


def preview_address(name: str) -> str:
    """Where a server shows an avatar's picture."""
    return f"/v1/avatars/{quote(name)}/preview.webp"


class Studio:
    """Engines by name. `missing` says in words why no session can begin; None: it can."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._seed = secrets.randbits(31)  # no two starts of the server move alike
        self._loading: str | None = "The server is loading its models."
        self._failures = 0
        self._resting_until = 0.0  # s of the monotonic clock
        self._workers: dict[str, Worker] = {}
        self._faces: dict[tuple[str, int], _Face] = {}
        self._voices: dict[str, Voiced] = {}
        self._apologies: dict[str, tuple[Clause, ...]] = {}
        self._opening = asyncio.Lock()
        self._stt: Stt
        self._mind: Minded
        self._guide: Guided

    @property
    def missing(self) -> str | None:
        """Why no session can begin now."""
        if self._failures >= _TOO_MANY_FAILURES and time.monotonic() < self._resting_until:
            return "Speech recognition keeps failing."
        return self._loading

    async def open(self) -> None:
        """Load and warm what a session needs. Raises EngineError, AvatarError, ManifestError."""
        began = time.perf_counter()
        home = self._config.home_path
        knowledge = Path(self._config.knowledge) if self._config.knowledge else None
        stt, mind = self._worker("stt"), self._worker("dialogue")
        loading = (
            stt.load(load.stt, home),
            mind.load(load.dialogue, self._config.dialogue, knowledge, home),
            self._voice(self._config.voice),
            self._warm_face(),
        )
        self._stt, dialogue, _, _ = await asyncio.gather(*loading)
        self._mind = Minded(dialogue, mind)
        self._guide = await mind.load(_guide, home, self._worker("direction"))
        self._loading = None
        log.info("ready", extra={"seconds": round(time.perf_counter() - began, 2)})

    async def furnish(self, avatar: str, voice: str, source: str) -> Engines:
        """The engines of one new session. Raises NotFound, AvatarError, EngineError.

        source: one of `config.SOURCES`.
        """
        voiced = await self._voice(voice)
        self._seed += 1
        face = await self._face(avatar)
        size = self._config.width, self._config.height
        renderer = await asyncio.to_thread(load.renderer, face.avatar, *size, face.renderer)
        return Engines(
            echo=load.echo(),
            vad=load.vad(),
            motion=await asyncio.to_thread(load.motion, self._seed),
            renderer=renderer,
            transcribe=self._transcribe,
            mind=self._mind,
            guide=self._guide,
            voice=voiced,
            apology=self._apologies[voice],
            still=face.still,
            endpointing=Endpointing(),
            lips=await asyncio.to_thread(load.lips) if source == "microphone" else None,
        )

    async def avatars(self) -> list[dict[str, Any]]:
        """Name, title and preview address of each avatar, and whether it came with visavis."""
        found = await asyncio.to_thread(find_avatars, self._config.home_path)
        return [
            {
                "name": name,
                "title": title(name),
                "preview": preview_address(name),
                "shipped": path.parent == SHIPPED,
            }
            for name, path in sorted(found.items())
        ]

    def voices(self) -> list[dict[str, Any]]:
        """Name, language and description of each voice."""
        return [
            {"name": v.name, "language": v.language, "description": v.description}
            for v in load.voices()
        ]

    async def preview(self, avatar: str) -> bytes:
        """The avatar's picture as WebP. Raises NotFound."""
        return await asyncio.to_thread(read_preview, await self._path(avatar))

    def close(self) -> None:
        """End every engine's thread."""
        for worker in self._workers.values():
            worker.close()

    def _worker(self, name: str) -> Worker:
        return self._workers.setdefault(name, Worker(name))

    async def _face(self, name: str) -> _Face:
        """An avatar, read and prepared once for as long as its file does not change."""
        path = await self._path(name)
        key = name, (await asyncio.to_thread(path.stat)).st_mtime_ns
        if key not in self._faces:
            size = self._config.width, self._config.height
            face = await asyncio.to_thread(_prepare, path, *size)
            self._faces = {k: f for k, f in self._faces.items() if k[0] != name} | {key: face}
        return self._faces[key]

    async def _path(self, name: str) -> Path:
        found = await asyncio.to_thread(find_avatars, self._config.home_path)
        path = found.get(name)
        if path is None:
            msg = f"There is no avatar {name!r}."
            raise NotFound(msg)
        return path

    async def _voice(self, name: str) -> Voiced:
        async with self._opening:
            if name not in self._voices:
                if name not in {voice.name for voice in load.voices()}:
                    msg = f"There is no voice {name!r}."
                    raise NotFound(msg)
                worker = self._worker(f"tts-{name}")
                tts = await worker.load(load.tts, name, self._config.home_path)
                # Also warms the voice: a first synthesis costs several times a later one.
                self._apologies[name] = await worker.call(_apology, tts)
                self._voices[name] = Voiced(tts, worker)
        return self._voices[name]

    async def _warm_face(self) -> None:
        """Run motion and generator once, so that the first visitor does not wait for them."""
        face = await self._face(self._config.avatar)
        motion = await asyncio.to_thread(load.motion, 0)
        await asyncio.to_thread(motion.state, 0)
        await asyncio.to_thread(load.warm, face.renderer)

    async def _transcribe(self, pcm: Pcm) -> Transcript:
        try:
            words = await self._worker("stt").call(self._stt.transcribe, pcm)
        except EngineError:
            self._failures += 1
            self._resting_until = time.monotonic() + _REST
            raise
        self._failures = 0
        return words
