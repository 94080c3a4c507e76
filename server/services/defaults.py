"""What a server is set up with, before any engine is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from visavis.engines.dialogue.danger import Rescue
from visavis.engines.language.phrasebook import ENGLISH
from visavis.engines.registry import Wanted
from visavis.engines.settings import ChatSettings
from visavis.server.avatars.backgrounds import Backgrounds
from visavis.server.services.answering import MindSettings
from visavis.server.services.finishes import AS_DRAWN, Finishes
from visavis.server.system.config_faults import AUTO
from visavis.server.tools.specs import NO_TOOLS, ToolsFile


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a server is set up with, and a session that names nothing gets.

    knowledge: the file of answers; None: the example. size: width and height of the picture, px.
    renderer: who draws.
    voices_apart: each voice in a process of its own.
    refine: whether a network refines its mouth and eyes.
    prepare: whether answers are synthesized ahead and kept.
    tools: what a mind may use, and what may be shown.
    language: BCP 47, of most sessions, or AUTO.
    keep_questions: whether questions without an answer are kept for the operator; _days: how long,
    0: without end.
    voice_mood: whether it is heard how raised a visitor's voice is.
    wordless: whether every session speaks what a program pushes: there is nobody who has words.
    rescue: whom a visitor in danger is told to call.
    chat: the language model's endpoint, for a dialogue that asks one.
    zone: of time, at the place; empty: this machine's.
    backgrounds: what faces may stand before.
    finishes: what is put into every picture.
    discloses: whether the first reply of a session says that a computer speaks.
    """

    avatar: str
    voice: str
    dialogue: str
    knowledge: Path | None
    size: tuple[int, int]
    renderer: Wanted = "auto"
    voices_apart: bool = False
    refine: bool = False
    prepare: bool = False
    tools: ToolsFile = NO_TOOLS
    voice_mood: bool = False
    keep_questions: bool = False
    keep_questions_days: int = 30
    wordless: bool = False
    language: str = ENGLISH
    rescue: Rescue = field(default_factory=Rescue)
    chat: ChatSettings | None = None
    zone: str = ""
    backgrounds: Backgrounds = field(default_factory=Backgrounds)
    finishes: Finishes = AS_DRAWN
    discloses: bool = False

    @property
    def mind(self) -> MindSettings:
        """Who is to answer."""
        return MindSettings(
            self.dialogue, self.knowledge, self.chat, self.zone, self.tools, self.rescue,
            self.house,
        )  # fmt: skip

    @property
    def house(self) -> str:
        """The language of most sessions, as far as it is known: BCP 47."""
        return ENGLISH if self.language == AUTO else self.language
