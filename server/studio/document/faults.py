"""What is wrong with a project, where, and what mends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from visavis.server.system.errors import Unprocessable

_TOLD: Final = 5  # faults in the words of an error; a script may have hundreds


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    scene: its name, "" of the project. line: of the script, from 1 on, 0 where there is none.
    grave: no film can be made of it.
    """

    what: str
    fix: str
    scene: str = ""
    line: int = 0
    grave: bool = True

    def __str__(self) -> str:
        """As people read it: "line 12, scene intro: ... : ..."."""
        place = [f"line {self.line}"] if self.line else []
        place += [f"scene {self.scene}"] if self.scene else []
        told = f"{self.what}: {self.fix}" if self.fix else self.what
        return f"{', '.join(place)}: {told}" if place else told


class ScriptError(Unprocessable):
    """A project that cannot be used as it stands; `faults` has all that is wrong."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        told = [str(fault) for fault in faults[:_TOLD]]
        if more := len(faults) - _TOLD:
            told += [f"and {more} more"] if more > 0 else []
        super().__init__("; ".join(told), "script-invalid")
        self.faults = tuple(faults)

    @property
    def more(self) -> Mapping[str, Any]:
        """Each fault as it is."""
        return {"faults": as_json(self.faults)}


def as_json(faults: Sequence[Fault]) -> list[dict[str, Any]]:
    """For the page and the API."""
    return [asdict(fault) for fault in faults]
