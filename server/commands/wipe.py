"""`visavis wipe`: what is kept of visitors, deleted: shown first, and asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from visavis.server.commands import keeping
from visavis.server.commands.console import say_line, user
from visavis.server.commands.keeping import Amount, Kind
from visavis.server.system import config_reading as settings
from visavis.server.system.audit import auditing
from visavis.server.system.errors import ConfigError
from visavis.server.system.spans import Span, moment

_OF_VISITORS: Final = ("recordings", "questions")
_NOT_REACHED: Final = (
    "backups, copies and exports of it, and films that you had written elsewhere",
    "the journal of the system, which has no words of visitors but times and ids of sessions",
    "what a language model, a tool or a room elsewhere was sent",
    "blocks of the disk: files are deleted, not written over, which flash would not do anyway",
)


def wipe(options: argparse.Namespace) -> int:
    """`wipe`. Raises ConfigError, OSError."""
    config = settings.load({})
    span = _span(options)
    there = keeping.kinds(config)
    chosen = {name: there[name] for name in options.what or _OF_VISITORS}
    for line in _careful(chosen, span, options.session):
        say_line(f"note: {line}")
    amounts = {name: kind.count(span, options.session) for name, kind in chosen.items()}
    for name, amount in amounts.items():
        say_line(_told(name, chosen[name], amount))
    for where in _NOT_REACHED:
        say_line(f"not reached: {where}")
    if not any(amount.count for amount in amounts.values()):
        say_line("there is nothing to delete")
        return 0
    if not options.yes and not _agreed():
        say_line("nothing was deleted")
        return 0
    with auditing(config, "visavis wipe") as audit:
        for name, kind in chosen.items():
            gone = kind.delete(span, options.session)
            say_line(f"{name}: {gone.count} {kind.of} deleted")
            if gone.count:
                audit.record("kept-deleted", kind=name, count=gone.count, why="wipe", who=user())
    return 0


def _span(options: argparse.Namespace) -> Span:
    """Raises ConfigError."""
    now = datetime.now(UTC)
    if options.older_than and options.until:
        raise ConfigError("give either --older-than or --until")
    since = moment(options.since, "--since", now) if options.since else None
    older = options.older_than or options.until
    until = (
        moment(older, "--older-than" if options.older_than else "--until", now) if older else None
    )
    if not (since or until or options.session or options.all):
        raise ConfigError(
            "say what is to go: --older-than 7d, --since TIME, --until TIME, --session ID, or --all"
        )
    if options.all and (since or until or options.session):
        raise ConfigError("--all is all of it: leave the other limits out")
    return Span(since, until)


def _careful(chosen: Mapping[str, Kind], span: Span, session: str) -> Iterator[str]:
    if "questions" in chosen and session:
        yield "questions are kept without who asked: none can be told to be of that session"
    if "questions" in chosen and not session:
        yield "questions are kept by the day: those of days that lie wholly in the time go"
    if "audit" in chosen and (session or span.since is not None):
        yield "the audit log has no holes: lines go by --older-than, --until or --all alone"
    elif "audit" in chosen:
        yield "lines of the audit log go by whole days (UTC), and those of the last day stay"


def _told(name: str, kind: Kind, amount: Amount) -> str:
    size = f", {amount.size / 1e6:.1f} MB" if amount.size else ""
    left = f"; {amount.left} being written now, which stay" if amount.left else ""
    return f"{name}: {amount.count} {kind.of}{size} in {kind.place}{left}"


def _agreed() -> bool:
    """Raises ConfigError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise ConfigError("nobody is here to be asked: give --yes")
    sys.stdout.write("Delete all that for good? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
