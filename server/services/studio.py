"""The engines of a running server: loads and warms them once, and furnishes every session.

Shared engines (ears, dialogue, voices) each have one thread; a session gets its own echo
canceller, voice activity and motion; all of them draw through one generator.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from contextlib import ExitStack
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from visavis.engines import load
from visavis.engines.base import EngineError, Pcm, Stt, Transcript, Tts, draw_one
from visavis.engines.direction.rapport import Rapport
from visavis.models.avatar.file import list_avatars, read_preview
from visavis.server.playout.messages import Clause
from visavis.server.services.drawing import DrawingPool
from visavis.server.services.puppets import Puppets
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
        self._voices: dict[str, Voiced] = {}
        self._apologies: dict[str, tuple[Clause, ...]] = {}
        self._opening = asyncio.Lock()
        self._ends = ExitStack()
        self._drawing: DrawingPool
        self._puppets: Puppets
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
            self._open_face(),
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
        path = await self._path(avatar)
        echo = await asyncio.to_thread(load.echo)
        vad = await asyncio.to_thread(load.vad)
        motion = await asyncio.to_thread(load.motion, self._seed)
        lips = await asyncio.to_thread(load.lips) if source == "microphone" else None
        loan = await self._puppets.lend(path)  # last: what fails after it would not give it back
        return Engines(
            echo=echo,
            vad=vad,
            motion=motion,
            paint=partial(self._drawing.draw, loan.puppet),
            give_back=loan.end,
            transcribe=self._transcribe,
            mind=self._mind,
            guide=self._guide,
            voice=voiced,
            apology=self._apologies[voice],
            still=loan.still,
            endpointing=Endpointing(),
            lips=lips,
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
        self._ends.close()
        for worker in self._workers.values():
            worker.close()

    def _worker(self, name: str) -> Worker:
        return self._workers.setdefault(name, Worker(name))

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

    async def _open_face(self) -> None:
        """Load motion and generator and run both once, so that the first visitor need not wait."""
        worker = self._worker("puppets")
        generator = await worker.load(load.generator, self._config.width, self._config.height)
        self._ends.callback(generator.close)
        self._drawing = DrawingPool(generator)
        self._ends.callback(self._drawing.close)
        self._puppets = Puppets(generator, worker)
        loan = await self._puppets.lend(await self._path(self._config.avatar))
        await worker.call(load.warm, partial(draw_one, generator, loan.puppet))
        loan.end()
        motion = await asyncio.to_thread(load.motion, 0)
        await asyncio.to_thread(motion.state, 0)

    async def _transcribe(self, pcm: Pcm) -> Transcript:
        try:
            words = await self._worker("stt").call(self._stt.transcribe, pcm)
        except EngineError:
            self._failures += 1
            self._resting_until = time.monotonic() + _REST
            raise
        self._failures = 0
        return words
