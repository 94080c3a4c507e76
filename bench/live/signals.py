"""Reading what the taps recorded: when a signal begins and ends, and figures over many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

QUIET = 0.006  # RMS of full scale; the voices speak at 0.03 and more


def intervals(series: Sequence[Sequence[float]], gap_ms: float = 700) -> list[tuple[float, float]]:
    """Where an [ms, level] series is loud: (start, end) in ms, pauses under `gap_ms` bridged."""
    loud = [row[0] for row in series if row[1] > QUIET]
    if not loud:
        return []
    found, start, last = [], loud[0], loud[0]
    for at in loud[1:]:
        if at - last > gap_ms:
            found.append((start, last))
            start = at
        last = at
    return [*found, (start, last)]


def first_after(series: Sequence[Sequence[float]], at: float, level: float = QUIET) -> float | None:
    """When the series first rises over `level` after `at`."""
    return next((row[0] for row in series if row[0] >= at and row[1] > level), None)


def silent_after(series: Sequence[Sequence[float]], at: float, for_ms: float = 400) -> float | None:
    """The end of the last sound of the run that goes on at `at`."""
    last = at
    for row in series:
        if row[0] < at:
            continue
        if row[0] - last > for_ms:
            return last
        if row[1] > QUIET:
            last = row[0]
    return None


def moving_after(frames: Sequence[Sequence[float]], at: float) -> float | None:
    """When the mouth begins to move more than an idle face's does (median + 6 spreads)."""
    idle = [row[1] - row[2] for row in frames if at - 1500 <= row[0] < at]
    if len(idle) < 10:
        return None
    middle = float(np.median(idle))
    spread = float(np.median(np.abs(np.array(idle) - middle))) * 1.5 + 0.15
    limit = middle + 6 * spread
    return next((row[0] for row in frames if row[0] >= at and row[1] - row[2] > limit), None)


def summary(values: Sequence[float | None]) -> dict[str, Any]:
    """Median, 95th percentile and extremes of what was measured, and how much was not."""
    known = [v for v in values if v is not None]
    if not known:
        return {"n": 0, "missing": len(values)}
    return {
        "n": len(known),
        "missing": len(values) - len(known),
        "p50": round(float(np.percentile(known, 50)), 1),
        "p95": round(float(np.percentile(known, 95)), 1),
        "min": round(min(known), 1),
        "max": round(max(known), 1),
    }


def held(result: dict[str, Any], wanted: tuple[tuple[str, float, float], ...]) -> dict[str, Any]:
    """Those of `wanted` (where in the result, from, to) that are there."""
    found = {}
    for path, low, high in wanted:
        value: Any = result
        for key in path.split("/"):
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            found[path] = {"is": value, "from": low, "to": high, "holds": low <= value <= high}
    return found
