"""What one session works with: its own engines, and those that it shares with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from visavis.engines.base import I420, Motion
from visavis.engines.language.commands import Commands
from visavis.models.avatar.file import Card
from visavis.models.pictures.double import rows
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import Clause, Request
from visavis.server.session.changeover import Hears
from visavis.server.session.finishing import Finishing
from visavis.server.session.hearing import Ear
from visavis.server.session.lipsync import Mouth
from visavis.server.session.showing import Sitting
from visavis.server.session.speaking import Speakers
from visavis.server.system.config import Source


@dataclass(frozen=True, slots=True)
class Engines:
    """What one session works with.

    ear: to answer what it hears; or a mouth, to speak it; None: it hears nothing. sitting draws
    its avatar, of which `still` is the neutral face, and finishing puts into all pictures, the
    still's too, what is to be in them. give_back: called when the session is over,
    for what was lent to it. clock: makes the session's, whose pictures are due when it suits the
    others. commands: what visitors may tell the conversation itself; None: all is for the mind.
    language: BCP 47, in which the conversation begins, and voice: who speaks it. follows: whether
    it goes over to the visitor's, if that is one of `languages` (codes); hears(language, detect):
    recognition in one, to go on with, others being written as what they are (raises EngineError).
    double: px of height of the picture, where pictures are double (models/pictures/double.py); 0:
    they are not.
    pushed: what speaks the sound that a program pushes; then there is no mind to ask.
    discloses: whether its first reply says that a computer speaks.
    over: told of each question that was answered, and how sure the answer was.
    card: of the avatar, with the consent to it. forbidden: why that is over, in words; "": it is
    not.
    """

    ear: Ear | Mouth | None
    motion: Motion
    sitting: Sitting
    still: I420
    speakers: Speakers
    apology: tuple[Clause, ...]
    give_back: Callable[[], None] = lambda: None
    clock: Callable[[], Clock] = Clock
    commands: Commands | None = None
    language: str = "en"
    voice: str = ""
    follows: bool = False
    languages: tuple[str, ...] = ("en",)
    hears: Hears | None = None
    pushed: Mouth | None = None
    double: int = 0
    finishing: Finishing = field(default_factory=Finishing)
    discloses: bool = False
    over: Callable[[Request, float | None], None] = lambda request, sure: None
    card: Card | None = None
    forbidden: Callable[[], str] = lambda: ""

    @property
    def size(self) -> tuple[int, int]:
        """px of the face's picture, across and down."""
        return self.still.shape[1], self.double or self.still.shape[0] * 2 // 3

    @property
    def first(self) -> I420:
        """The still as it is shown: the first picture that anybody sees. Raises EngineError."""
        return self.finishing.of(self.still, 0)

    @property
    def matte(self) -> int:
        """Row at which the matte begins, where pictures are double; 0: they are not."""
        return rows(self.double)

    @property
    def source(self) -> Source:
        """Where its words or its voice come from."""
        if self.pushed is not None and self.ear is None:  # else it has words of its own, too
            return "voice"
        return "microphone" if isinstance(self.ear, Mouth) else "dialogue"
