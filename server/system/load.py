"""How busy the machine is, and how much memory can still be had: read from the kernel's files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_GROUPS: Final = Path("/sys/fs/cgroup")
_TICKS: Final = float(os.sysconf("SC_CLK_TCK")) if hasattr(os, "sysconf") else 100.0
# Fields of /proc/stat, proc(5): user, system, irq, softirq, steal. Niced programs give way.
_BUSY: Final = (1, 3, 6, 7, 8)
_STEAL: Final = (8,)


@dataclass(frozen=True, slots=True)
class Load:
    """busy: processor seconds that were used so far. memory: bytes that can still be had."""

    busy: float
    memory: int


class Machine:
    """What this process may use of it: all, or what its control group (v2) leaves.

    Everything here reads files: not for the event loop.
    """

    def __init__(self, proc: Path = _PROC, groups: Path = _GROUPS) -> None:
        self._proc, self._group = proc, _own_group(proc, groups)
        quota = _quota(self._group)
        can_run = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        mine = float(can_run or os.cpu_count() or 1)
        self.cores = min(mine, quota or mine)
        self._is_bounded = quota is not None and quota < mine

    def load(self, only: Sequence[int] = ()) -> Load:
        """As it is now; zeros where there are no such files.

        only: processes that count, since they go before all others; none: everybody does.
        """
        return Load(self._used(only) if only else self._busy(), self._memory())

    def _busy(self) -> float:
        if self._is_bounded:  # what others do with the rest of the machine is not ours to wait for
            return _field(self._group / "cpu.stat", "usage_usec") / 1e6
        return self._counted(_BUSY)

    def _used(self, processes: Sequence[int]) -> float:
        """By these, and by the host that this machine is a guest of."""
        stats = [
            _text(self._proc / str(pid) / "stat").rpartition(")")[2].split() for pid in processes
        ]
        return sum(int(s[11]) + int(s[12]) for s in stats if len(s) > 12) / _TICKS + self._counted(
            _STEAL
        )

    def _counted(self, fields: Sequence[int]) -> float:
        words = _text(self._proc / "stat").partition("\n")[0].split()
        return sum(int(words[n]) for n in fields if n < len(words)) / _TICKS

    def _memory(self) -> int:
        free = _field(self._proc / "meminfo", "MemAvailable:") * 1024
        most = _text(self._group / "memory.max").strip()
        if not most.isdigit():
            return free
        used = int(_text(self._group / "memory.current").strip() or 0)
        cached = _field(self._group / "memory.stat", "inactive_file")
        return max(0, min(free, int(most) - used + cached))


def resident(pid: int | str = "self") -> int:
    """Bytes of memory that a process costs: what it shares with others is divided among them."""
    return _field(_PROC / str(pid) / "smaps_rollup", "Pss:") * 1024


def waited() -> float:
    """s that the calling thread could have run and did not, because others did."""
    words = _text(_PROC / "thread-self" / "schedstat").split()
    return int(words[1]) / 1e9 if len(words) > 1 and words[1].isdigit() else 0.0


def model() -> str:
    """The processor's name; empty where the system tells none."""
    for line in _text(_PROC / "cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return ""


def _own_group(proc: Path, groups: Path) -> Path:
    for line in _text(proc / "self" / "cgroup").splitlines():
        if line.startswith("0::"):
            own = groups / line[3:].strip("/")
            return own if own.is_dir() else groups
    return groups


def _quota(group: Path) -> float | None:
    """Cores that the group may use; None: as many as there are."""
    words = _text(group / "cpu.max").split()
    return int(words[0]) / int(words[1]) if len(words) == 2 and words[0].isdigit() else None


def _field(path: Path, name: str) -> int:
    for line in _text(path).splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name and words[1].isdigit():
            return int(words[1])
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
