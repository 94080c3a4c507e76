"""What the marks of a process say: which installation it is, today's day, what its sessions are."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Self

from visavis.engines.marking.payload import Payload, SessionClass
from visavis.server.system.installation import Installation, KeyFault

log = logging.getLogger(__name__)

NAMELESS: Final = 0  # what marks of an installation without a key say

# What is made through each door that a program opens by itself (see House); others are live.
_OF_DOORS: Final = {
    "camera": SessionClass.CAMERA,
    "publish": SessionClass.PUBLISHED,
    "embedded": SessionClass.EMBEDDED,
}


def session_class(door: str) -> SessionClass:
    """What kind of sessions a door has."""
    return _OF_DOORS.get(door, SessionClass.LIVE)


@dataclass(frozen=True, slots=True)
class Stamp:
    """One for all sessions of a process."""

    installation: int
    session: SessionClass

    @classmethod
    def of(cls, home: Path, session: SessionClass) -> Self:
        """A home that cannot have a key makes marks without a name, and the log says so."""
        try:
            return cls(Installation.of(home).number, session)
        except KeyFault as fault:
            log.warning("marks name no installation", extra={"why": str(fault)})
            return cls(NAMELESS, session)

    def payload(self) -> Payload:
        """For a session that begins now; it keeps it."""
        return Payload.of(self.installation, date.today(), self.session)
