"""Running sessions that are being recorded: at most one file a session at a time."""

from __future__ import annotations

import asyncio
import datetime
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from visavis.engines.base import PLAY_RATE
from visavis.server.avatars import standing
from visavis.server.playout.messages import Tick, ms
from visavis.server.provenance.films import Signing
from visavis.server.recording.recorder import Recorder
from visavis.server.session.session import Session
from visavis.server.system.audit import Audit, Unaudited
from visavis.server.system.errors import Conflict, NotFound

log = logging.getLogger(__name__)

LONGEST: Final[Tick] = ms(3_600_000)  # of one file: one that nobody ends must not fill the disk


@dataclass(slots=True)
class Recording:
    """One file in the making, or made."""

    recorder: Recorder
    task: asyncio.Task[None]

    @property
    def state(self) -> str:
        """recording, done or failed."""
        if self.recorder.fault:
            return "failed"
        return "done" if self.task.done() else "recording"

    def shown(self) -> dict[str, Any]:
        """As it is told to whoever asked for it."""
        return {
            "state": self.state,
            "file": str(self.recorder.path),
            "seconds": round(self.recorder.length / PLAY_RATE, 2),
            "why": self.recorder.fault,
            "signed": not self.recorder.signed.why,
            "unsigned": self.recorder.signed.why,
        }

    async def stop(self) -> None:
        """Return once the file is closed."""
        self.recorder.stop()
        await asyncio.wait([self.task])


class Recordings:
    """Files go into `folder`, named by the time and the session."""

    def __init__(self, folder: Path, audit: Audit | None = None) -> None:
        self._folder, self._audit = folder, audit or Unaudited()
        self._recordings: dict[str, Recording] = {}

    def start(self, session: Session, signing: Signing | None = None) -> Recording:
        """signing: of the file, at its end.

        Raises Conflict while it is being recorded already, NotAllowed: its face may not be.
        """
        running = self._recordings.get(session.name)
        if running is not None and running.state == "recording":
            raise Conflict("This session is being recorded already.", "recording-runs")
        if session.card is not None:
            standing.check_use(session.card, "videos", session.card.name)
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S-%f")[:-3]
        path = self._folder / f"{stamp}-{session.name}.mp4"
        recorder = Recorder(path, longest=LONGEST, private=True, signing=signing)
        recording = Recording(recorder, session.add_outlet(recorder))
        self._recordings[session.name] = recording
        log.info("recording", extra={"session": session.name, "file": str(recorder.path)})
        self._audit.record("recording-begun", session=session.name, file=path.name)
        recording.task.add_done_callback(lambda _: self._ended(session.name, recording))
        return recording

    def _ended(self, session: str, recording: Recording) -> None:
        seconds = round(recording.recorder.length / PLAY_RATE, 1)
        name = recording.recorder.path.name
        state = recording.state
        self._audit.record(
            "recording-ended", session=session, file=name, seconds=seconds, why=state
        )

    def of(self, session: Session) -> Recording:
        """The last one of a session. Raises NotFound."""
        if session.name not in self._recordings:
            raise NotFound("This session was not recorded.")
        return self._recordings[session.name]

    def forget(self, session: str) -> None:
        """The session is over."""
        self._recordings.pop(session, None)
