"""Who answers the visitors of a server: opened once, guarded, and in other languages on demand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from visavis.engines import load
from visavis.engines.base import Dialogue, EngineError, Foreknowing, Mind, names, obeys
from visavis.engines.dialogue.danger import Rescue
from visavis.engines.language.commands import Commands
from visavis.engines.language.languages import code_of, is_english
from visavis.engines.language.phrasebook import ENGLISH
from visavis.engines.language.phrasebook import LANGUAGES as OWN
from visavis.engines.settings import ChatSettings, DialogueSettings
from visavis.server.services import chatting
from visavis.server.services.chatting import BESIDE
from visavis.server.services.dangers import DangerMind
from visavis.server.services.fillers import Prepared
from visavis.server.services.guarding import guarded
from visavis.server.services.loading import loading
from visavis.server.services.minds import DialogueMind, WatchedMind
from visavis.server.system.faults import fault
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health, Served
from visavis.server.tools.specs import ToolsFile
from visavis.server.tools.toolbox import OwnToolbox

log = logging.getLogger(__name__)

_DEADLINE: Final = 20.0  # s for a fragment of an answer
_WHAT: Final = "The dialogue"

# Takes a dialogue and its thread in, by a name for metrics and one in words.
Serve: TypeAlias = Callable[[str, str, Dialogue, Worker], Served[Dialogue]]


@dataclass(frozen=True, slots=True)
class MindSettings:
    """Who is to answer: a dialogue by its name, and what it is made of; see `defaults.Defaults`.

    language: BCP 47, of the house.
    """

    dialogue: str
    knowledge: Path | None
    chat: ChatSettings | None
    zone: str
    tools: ToolsFile
    rescue: Rescue
    language: str = ENGLISH


class Answering:
    """Of one server. mind: whom sessions ask, once it is open.

    commands: what visitors may tell a conversation; None: the mind says whatever it is given, so
    all is for it. foreknowing: who knows what may be said; None: nobody.
    """

    mind: DangerMind

    def __init__(
        self,
        home: Path,
        wanted: MindSettings,
        metrics: Metrics,
        serve: Serve,
        health: Callable[[str, str], Health],
    ) -> None:
        self._home, self._wanted, self._metrics = home, wanted, metrics
        self._serve, self._health = serve, health
        self._ends = ExitStack()
        self._toolbox = OwnToolbox(wanted.tools, metrics)
        self._ends.callback(self._toolbox.close)
        self._unguarded: Mind
        self.admitted = self._toolbox.gallery.admitted  # a card as a page can show it, or None
        self.commands: Commands | None = None
        self.foreknowing: Foreknowing | None = None
        self._local: DialogueMind | None = None
        self._expected: dict[str, asyncio.Task[None]] = {}

    async def open(self) -> None:
        """Load who answers in English and the house's language. Raises EngineError, ManifestError.

        What may be said is foreknown of the house's language alone.
        """
        wanted = self._wanted
        if wanted.chat is None:
            self._unguarded = await self._dialogue(wanted.dialogue)
            if isinstance(self._unguarded, DialogueMind):
                await self._at_home(self._unguarded)
            return
        local = await self._dialogue(BESIDE)
        assert isinstance(local, DialogueMind)
        await self._at_home(local)
        toolbox = await self._toolbox.opened()
        settings = DialogueSettings(self._home, wanted.knowledge, chat=wanted.chat, toolbox=toolbox)
        opened = await chatting.opened(wanted.dialogue, settings, local, self._metrics)
        self._ends.callback(opened.stop)
        self.foreknowing = Prepared(wanted.language, self.foreknowing)
        self._unguarded = opened.mind

    async def guard(self) -> None:
        """Put what meets dangers and minds moods around who was opened; then there is `mind`."""
        wanted, obeying = self._wanted, self.commands is not None
        self.mind = await guarded(
            self._unguarded, wanted.knowledge, wanted.rescue, self._home, obeying=obeying
        )

    async def _dialogue(self, name: str) -> Mind:
        worker = Worker("dialogue", deadline=_DEADLINE)
        settings = DialogueSettings(self._home, self._wanted.knowledge, zone=self._wanted.zone)
        engine = await worker.load(load.dialogue, name, settings)
        if obeys(engine):
            self.commands = await worker.load(_commands, engine)
        if isinstance(engine, Mind):
            worker.close()
            return WatchedMind(engine, self._health("dialogue", _WHAT))
        if isinstance(engine, Foreknowing):
            self.foreknowing = engine
        served = self._serve("dialogue", _WHAT, engine, worker)
        return DialogueMind(served, ENGLISH, partial(self._dialogue_in, name, settings))

    async def _at_home(self, mind: DialogueMind) -> None:
        """Load the dialogue of the house's language, so that its first visitor need not wait."""
        self._local = mind
        if not is_english(self._wanted.language):
            self.foreknowing = None
            await mind.ready(code_of(self._wanted.language))

    def expect(self, language: str) -> None:
        """A session in a language begins: its dialogue is loaded before the first question."""
        code = code_of(language)
        if self._local is not None and code not in self._expected:
            self._expected[code] = asyncio.create_task(self._load(self._local, code))

    async def _load(self, mind: DialogueMind, code: str) -> None:
        try:
            await mind.ready(code)
        except EngineError as error:  # whoever asks in it is told
            del self._expected[code]
            log.warning(
                "a dialogue could not be loaded", extra={"language": code, "fault": fault(error)}
            )

    async def _dialogue_in(
        self, name: str, settings: DialogueSettings, language: str
    ) -> Served[Dialogue]:
        """The same in another language. Raises EngineError."""
        worker = Worker(f"dialogue-{language}", deadline=_DEADLINE)
        settings = replace(settings, language=language)
        try:
            with loading(_WHAT):
                engine = await worker.load(load.dialogue, name, settings)
        except BaseException:
            worker.close()
            raise
        assert not isinstance(engine, Mind)  # it was none in the first language
        if self.foreknowing is None and isinstance(engine, Foreknowing):
            self.foreknowing = engine  # the first that is loaded is the house's
        return self._serve("dialogue", _WHAT, engine, worker)

    async def renewed(self, old: object, new: object) -> bool:
        """One dialogue took another's place: what was made of it follows. Whether anything was."""
        if old is not self.foreknowing or not isinstance(new, Foreknowing):
            return False
        self.foreknowing = new
        self.commands = await asyncio.to_thread(_commands, new)
        return True

    async def foreknown(self) -> Foreknowing | None:
        """All that may be said, also to who is in danger; None: nobody knows it."""
        if self.foreknowing is None:
            return None
        return await self.mind.foreknown(self.foreknowing, self._wanted.language)

    def close(self) -> None:
        """End what is not served by a thread of its own."""
        for task in self._expected.values():
            task.cancel()
        self._ends.close()


def _commands(engine: object) -> Commands:
    """In each language that the avatar has words of its own in."""
    return Commands(names(engine), OWN)
