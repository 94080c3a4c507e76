"""Times as an operator writes them (7d, 12h, 2026-11-29T21:30), and as records have them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from visavis.server.system.errors import ConfigError

_AGO: Final = re.compile(r"(\d{1,5})([mhdw])", re.ASCII)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment on, and until before another one; None: without an end."""

    since: datetime | None = None
    until: datetime | None = None

    def has(self, at: datetime) -> bool:
        """Whether a moment lies in it."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    def has_day(self, day: str) -> bool:
        """Whether all of a day (ISO 8601, of UTC) lies in it."""
        begins = datetime.fromisoformat(day).replace(tzinfo=UTC)
        if self.since is not None and begins < self.since:
            return False
        return self.until is None or begins + timedelta(days=1) <= self.until


def moment(text: str, option: str, now: datetime) -> datetime:
    """A time, or how long ago; without a zone it is of UTC. Raises ConfigError."""
    if ago := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{option} {text}: write how long ago (30m, 12h, 7d, 4w) or a time of UTC, such as "
            "2026-11-29 or 2026-11-29T21:30"
        ) from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def stamp(when: datetime) -> str:
    """A time as records, lists and manifests have it: 2026-11-29T21:40:12Z."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
