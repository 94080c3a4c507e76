"""What a session works with that speaks another's voice only: a face, and nobody who has words.

The voice is pushed by a program, or comes from a microphone of this machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

from visavis.engines.base import PLAIN, EngineError, Motion, Prosody, Speech, Voice
from visavis.engines.dialogue.echo import EchoDialogue
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import Tick, ms
from visavis.server.services.drawing import DrawingPool
from visavis.server.services.minds import DialogueMind
from visavis.server.services.puppets import Loan
from visavis.server.session.engines import Engines
from visavis.server.session.finishing import Finishing
from visavis.server.session.guide import Guide
from visavis.server.session.lipsync import Mouth
from visavis.server.session.speaking import Speakers
from visavis.server.system.config import Source
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health, InThread, Served

T = TypeVar("T")

LANGUAGE: Final = "und"  # of a voice that is not ours
HELD: Final[Tick] = ms(25)  # a microphone of this machine comes more evenly than a network


class Mute:
    """Implements `Tts` for a session that only speaks the sound that it is fed."""

    voice = Voice("none", LANGUAGE, "says no words", "none")

    def synthesize(self, text: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """Raises EngineError."""
        raise EngineError("this session has no voice of its own")


@dataclass(frozen=True, slots=True)
class Wordless:
    """For all such sessions of a process."""

    guide: Guide
    drawing: DrawingPool
    metrics: Metrics

    def engines(
        self, loan: Loan, motion: Motion, mouth: Mouth, source: Source, finishing: Finishing
    ) -> Engines:
        """Of one session, to which all of these belong from now on."""
        heard = source == "microphone"
        sitting = self.drawing.sit(loan.puppet)

        def give_back() -> None:
            sitting.end()
            loan.end()

        mind = DialogueMind(self._served("dialogue", EchoDialogue()))
        return Engines(
            ear=replace(mouth, held=HELD) if heard else None,
            motion=motion,
            sitting=sitting,
            still=loan.still,
            finishing=finishing,
            speakers=Speakers(mind, self._served("tts", Mute()), self.guide),
            apology=(),
            give_back=give_back,
            clock=partial(Clock, phase=sitting.phase),
            pushed=None if heard else mouth,
        )

    def _served(self, name: str, engine: T) -> Served[T]:
        return Served(InThread(engine, Worker(name)), Health(name, name, self.metrics))
