"""What else the machine was doing while a figure was taken: time that was never ours to use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_IDLE, _WAITING, _STOLEN = 3, 4, 7  # columns of /proc/stat, man 5 proc


class Share:
    """Of all cores' time since it was made: how much was idle, and how much the host took away.

    A virtual machine whose host takes several per cent stops for tens of ms at a time; latency and
    skew measured then say more of the host than of the server.
    """

    def __init__(self) -> None:
        self._since = _times()

    def so_far(self) -> dict[str, Any]:
        """Percent of the time of all cores."""
        spent = [now - then for now, then in zip(_times(), self._since, strict=True)]
        whole = max(1, sum(spent))
        return {
            "idle_percent": round(100 * (spent[_IDLE] + spent[_WAITING]) / whole, 1),
            "stolen_by_the_host_percent": round(100 * spent[_STOLEN] / whole, 1),
        }


def _times() -> list[int]:
    first = Path("/proc/stat").read_text().split("\n", 1)[0]
    return [int(field) for field in first.split()[1:9]]
