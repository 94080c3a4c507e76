"""A mind that asks a language model, with all that a visitor needs around it.

What the file of answers knows is given to the model, and answers where the model cannot be had; a
few words of the avatar's own bridge the time where it is slow.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from visavis.engines import load
from visavis.engines.base import EngineError, Mind, Remote
from visavis.engines.direction.director import Director
from visavis.engines.settings import DialogueSettings
from visavis.server.services import fillers
from visavis.server.services.fillers import Filling
from visavis.server.services.minds import DialogueMind, WatchedMind
from visavis.server.services.standin import Breaker, StandIn
from visavis.server.system.flow import Worker
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health

BESIDE: Final = "knowledge"  # the dialogue that is asked what it knows, and stands in


@dataclass(frozen=True, slots=True)
class Opened:
    """mind: what sessions ask. stop: try no more whether it is there; close: and hang up."""

    mind: Mind
    stop: Callable[[], None]
    close: Callable[[], Awaitable[None]]


async def opened(
    name: str, settings: DialogueSettings, local: DialogueMind, metrics: Metrics
) -> Opened:
    """The mind of that name over `local`; whether it answers is tried at once, in the background.

    Raises EngineError where it cannot be made; one that is away is none.
    """
    worker = Worker("language-model")
    await worker.load(fillers.warm)
    brackets = await worker.load(lambda: Director().names)
    asked = replace(settings, brackets=brackets, consult=local.consult)
    try:
        engine = await worker.load(load.dialogue, name, asked)
    finally:
        worker.close()
    if not isinstance(engine, Remote):
        raise EngineError(f"dialogue {name!r} asks no language model")
    # Its health says nothing of the server's: somebody stands in.
    watched = WatchedMind(engine, Health("language-model", "The language model", metrics))
    breaker = Breaker(engine.probe, metrics)
    breaker.try_now()
    mind = Filling(StandIn(watched, local, BESIDE, breaker, metrics), metrics)

    async def close() -> None:
        breaker.close()
        await engine.close()

    return Opened(mind, breaker.close, close)
