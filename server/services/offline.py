"""The engines of one session without a server: for rendering to a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from visavis.engines import load
from visavis.engines.base import (
    I420,
    Before,
    Dialogue,
    Draw,
    FaceState,
    Lips,
    Tts,
)
from visavis.engines.dialogue.echo import EchoDialogue
from visavis.engines.direction.director import Director
from visavis.engines.direction.sentiment import Sentiment
from visavis.models.pictures.canvas import Canvas
from visavis.server.playout.messages import Fluency
from visavis.server.services.finishes import AS_DRAWN, Finishes
from visavis.server.services.minds import DialogueMind
from visavis.server.session.engines import Engines
from visavis.server.session.finishing import Finished, as_drawn
from visavis.server.session.guide import Guide
from visavis.server.session.lipsync import Mouth
from visavis.server.session.showing import Urgency
from visavis.server.session.speaking import Speakers
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health, InThread, Served

T = TypeVar("T")

_SEED: Final = 0  # the same text moves the same way each time


class Alone:
    """session.showing.Sitting for a session that has a thread for itself, and all the time."""

    def __init__(self, draw: Draw) -> None:
        self._draw, self._worker = draw, Worker("drawing")

    def fluency(self, urgency: Urgency) -> Fluency:
        """Nothing is ever given up."""
        return "full"

    def pause(self) -> None:
        """Nobody else could use the time."""

    def missed(self, count: int) -> None:
        """Time does not wait here, so there are none."""

    async def draw(
        self, make: Callable[[], FaceState], due: float, over: Before | None = None,
        finish: Finished = as_drawn,
    ) -> I420:  # fmt: skip
        """See Sitting."""
        return await self._worker.call(lambda: finish(self._draw(make())))


def offline_engines(
    draw: Draw, director: Director, tts: Tts, lips: Lips | None = None, *,
    finishes: Finishes = AS_DRAWN,
) -> Engines:  # fmt: skip
    """For a session that says texts, or with `lips` the sound that it is fed.

    Nothing here has a deadline: nobody waits.
    """
    metrics = Metrics()

    def served(name: str, engine: T) -> Served[T]:
        return Served(InThread(engine, Worker(name)), Health(name, name, metrics))

    echo: Dialogue = EchoDialogue()
    still = draw(FaceState())
    height, width = still.shape[0] * 2 // 3, still.shape[1]
    guide = Guide(director, served("direction", director), Sentiment(director))
    return Engines(
        ear=Mouth(lips, load.lips) if lips is not None else None,
        motion=load.motion(_SEED),
        sitting=Alone(draw),
        still=still,
        finishing=finishes.of(Canvas(width, height)),
        speakers=Speakers(DialogueMind(served("dialogue", echo)), served("tts", tts), guide),
        apology=(),
        language=tts.voice.language,
    )
