"""A process and all that it started, as /proc tells: time, memory, tasks of the kernel, files."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """It, its children, theirs."""
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            with suppress(OSError):
                found += [int(child) for child in task.read_text().split()]
    return found


def seconds(pid: int) -> float:
    """Processor time of all, those included that have ended and were waited for."""
    spent = 0
    for each in family(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            spent += sum(int(field) for field in fields[11:15])
    return spent / _TICKS


def by_thread(pid: int) -> dict[tuple[int, int], tuple[str, float]]:
    """(process, thread) -> its name and s of processor time, of those that live."""
    found = {}
    for each in family(pid):
        for task in Path(f"/proc/{each}/task").glob("*"):
            with suppress(OSError):
                name = (task / "comm").read_text().strip()
                nanoseconds = int((task / "schedstat").read_text().split()[0])
                found[each, int(task.name)] = name, nanoseconds / 1e9
    return found


def switches(pid: int) -> tuple[int, int]:
    """Context switches of all threads: waited, were taken off."""
    waited = taken = 0
    for each in family(pid):
        for task in Path(f"/proc/{each}/task").glob("*"):
            with suppress(OSError):
                rows = dict(
                    line.split(":\t")
                    for line in (task / "status").read_text().splitlines()
                    if ":\t" in line
                )
                waited += int(rows["voluntary_ctxt_switches"])
                taken += int(rows["nonvoluntary_ctxt_switches"])
    return waited, taken


def holdings(pid: int) -> dict[str, Any]:
    """What all hold now. Memory: each shared page is divided among those that share it.

    Own: of it what no file backs, so that programs which come and go beside them change nothing.
    """
    members = family(pid)
    memory, own, threads, files = 0, 0, 0, 0
    for each in members:
        with suppress(OSError):
            rows = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            sizes = {row.split()[0]: int(row.split()[1]) for row in rows if row.startswith("Pss")}
            memory += sizes["Pss:"]
            own += sizes["Pss_Anon:"]
            threads += len(list(Path(f"/proc/{each}/task").iterdir()))
            files += len(list(Path(f"/proc/{each}/fd").iterdir()))
    return {
        "processes": len(members),
        "memory_mb": round(memory * 1024 / 1e6, 1),
        "own_mb": round(own * 1024 / 1e6, 1),
        "threads": threads,
        "descriptors": files,
    }


def spent_by_thread(
    before: dict[tuple[int, int], tuple[str, float]],
    after: dict[tuple[int, int], tuple[str, float]],
) -> dict[str, float]:
    """s by thread's name between two looks."""
    spent: Counter[str] = Counter()
    for key, (name, now) in after.items():
        spent[name] += now - before.get(key, (name, 0.0))[1]  # type: ignore[assignment]
    return {name: round(value, 2) for name, value in spent.most_common() if value >= 0.01}
