"""A session without a visitor, performed into a file as fast as it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from visavis.engines.base import EngineError
from visavis.server.playout import virtual_loop
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import Tick, ms
from visavis.server.recording.recorder import Recorder
from visavis.server.session.doors import Inlet, Playout
from visavis.server.session.engines import Engines
from visavis.server.session.events import Directed, Event, Failure, ReplyEnded
from visavis.server.session.session import Session
from visavis.server.system.metrics import Metrics

LEAD_IN: Final[Tick] = ms(480)  # a face that is there before it speaks, from its second frame on
TAIL: Final[Tick] = ms(800)

Progress = Callable[[Tick, Tick], None]  # what is done, what is known so far to be done


@dataclass(slots=True)
class Notes:
    """Outlet: what went wrong, and the words of directions of which nothing was understood.

    unsaid: words of the text that the voice cannot say.
    """

    failure: str = ""
    dropped: list[str] = field(default_factory=list)
    unsaid: tuple[str, ...] = ()

    def tell(self, event: Event) -> None:
        """Note it."""
        if isinstance(event, Failure):
            self.failure = event.message
        elif isinstance(event, Directed):
            self.dropped += event.dropped
        elif isinstance(event, ReplyEnded):
            self.unsaid += event.unsaid

    async def play(self, playout: Playout) -> None:
        """Nothing is played here."""
        playout.reader.close()
        await asyncio.Event().wait()


def render(
    engines: Engines,
    inlet: Inlet,
    recorder: Recorder,
    progress: Progress = lambda done, known: None,
) -> Notes:
    """Play what `inlet` brings into a file, with a silence before and after.

    As fast as it goes, and the same way each time. Raises EngineError, OSError.
    """
    return virtual_loop.run(_perform(engines, inlet, recorder, progress))


async def _perform(engines: Engines, inlet: Inlet, recorder: Recorder, progress: Progress) -> Notes:
    notes = Notes()
    clock = Clock(asyncio.get_running_loop().time)
    session = Session("render", engines, Metrics(), clock)
    recorder.progress = lambda done: progress(done, max(done, session.timeline.end + TAIL))
    running = asyncio.create_task(session.run())
    session.add_outlet(notes)
    writing = session.add_outlet(recorder)
    try:
        await session.add_inlet(inlet)
        await clock.sleep_until(clock.now() + TAIL)
        recorder.stop()
        await writing
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    _check(notes, recorder, session)
    return notes


def _check(notes: Notes, recorder: Recorder, session: Session) -> None:
    """What a live session gets over is a fault of a file. Raises EngineError, OSError."""
    if recorder.fault:
        raise OSError(recorder.fault)
    if notes.failure:
        raise EngineError(notes.failure)
    if session.undrawn:
        raise EngineError("The face could not be drawn.")
