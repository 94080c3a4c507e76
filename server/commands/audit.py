"""`visavis audit`: the audit log checked, shown and taken out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from visavis.models.files import PRIVATE, whole
from visavis.server.commands.console import FAILURE, say_line
from visavis.server.system import config_reading as settings
from visavis.server.system.audit import DEEDS
from visavis.server.system.audit_check import OWN, Check, check, check_export, row_of, rows
from visavis.server.system.chain import End, files, folder_of, locked, read_head
from visavis.server.system.errors import ConfigError
from visavis.server.system.installation import Installation
from visavis.server.system.spans import moment

_DOUBTFUL: Final = 3  # exit status
_ALWAYS: Final = ("n", "at", "up", "boot", "by", "what", "prev")


def verify(options: argparse.Namespace) -> int:
    """`audit verify`: 0 all is there, 1 something was changed, 3 something may have been.

    Raises ConfigError, OSError.
    """
    home = settings.load({}).home_path
    key, expected = _key(home, options.key), _end(options.head)
    if options.file is not None:
        found = check_export(options.file, key, expected)
    else:
        found = check(folder_of(home), key, expected)
    if options.json:
        told = {**asdict(found), "sound": not found.faults, "doubtful": bool(found.of("doubt"))}
        say_line(json.dumps(told))
    else:
        for line in _in_words(found):
            say_line(line)
    if found.faults:
        return FAILURE
    return _DOUBTFUL if found.of("doubt") else 0


def _key(home: Path, given: str) -> str:
    """The public key of who should have signed; empty: there is none. Raises ConfigError."""
    if given:
        return given
    known = Installation.known(home)
    return known.key if known else ""


def _end(text: str) -> End | None:
    """NUMBER:DIGEST as `audit head` prints it. Raises ConfigError."""
    if not text:
        return None
    number, _, digest = text.partition(":")
    if not number.isascii() or not number.isdigit() or len(digest) != 64:
        raise ConfigError(f"--head {text}: write NUMBER:DIGEST, as `visavis audit head` prints it")
    return End(int(number), digest.lower())


def _in_words(found: Check) -> Iterator[str]:
    for each in found.findings:
        where = f"line {each.line}" if each.line else "log"
        place = f" ({each.place})" if each.place else ""
        yield f"{each.kind}: {where}{place}: {each.text}"
    if not found.lines:
        yield "the audit log is empty"
        return
    outcome = "it was changed" if found.faults else "it is whole"
    if not found.faults and found.of("doubt"):
        outcome = "whether all of it is genuine cannot be told"
    yield f"{found.lines} lines since {found.begins}, the last one is {found.end.number}: {outcome}"


def head(options: argparse.Namespace) -> int:
    """`audit head`: what to keep elsewhere, to compare with later. Raises ConfigError, OSError."""
    del options
    try:
        found = read_head(folder_of(settings.load({}).home_path))
    except ValueError as error:
        sys.stderr.write(f"visavis: {error}: `visavis audit verify` tells more\n")
        return FAILURE
    if found is None:
        sys.stderr.write("visavis: the audit log is empty\n")
        return FAILURE
    say_line(f"{found.number}:{found.digest}")
    return 0


def show(options: argparse.Namespace) -> int:
    """`audit show`. Raises ConfigError, OSError."""
    wanted = frozenset(options.what or ())
    if unknown := wanted - {*DEEDS, *OWN}:
        raise ConfigError(f"--what {' '.join(sorted(unknown))}: choose of {', '.join(DEEDS)}")
    for row in _read(options.since):
        if not wanted or row["what"] in wanted:
            say_line(json.dumps(row) if options.json else _line(row))
    return 0


def _read(since: str) -> Iterator[dict[str, Any]]:
    """What can be read, from a time on. Raises ConfigError, OSError."""
    begins = moment(since, "--since", datetime.now(UTC)) if since else None
    # Without the lock: whoever reads on slowly must not keep the server from writing.
    for _, line in rows(folder_of(settings.load({}).home_path)):
        try:
            row = row_of(line) or {}
            at = moment(row["at"], "at", datetime.now(UTC))
        except (ConfigError, KeyError):
            continue  # `verify` names it
        if begins is None or at >= begins:
            yield row


def _line(row: dict[str, Any]) -> str:
    fields = " ".join(f"{k}={_value(v)}" for k, v in row.items() if k not in _ALWAYS)
    words = f"{row['n']:>7} {row['at'][:19]}Z {row.get('by', '-'):22} {row['what']:17} {fields}"
    return words.rstrip()


def _value(value: object) -> str:
    text = str(value)
    return json.dumps(text) if " " in text or not text.isprintable() else text


def export(options: argparse.Namespace) -> int:
    """`audit export`: all lines as they are, and the signed end. Raises ConfigError, OSError."""
    folder = folder_of(settings.load({}).home_path)
    if options.output.exists():
        raise ConfigError(f"{options.output} exists already: name another file")
    with locked(folder), whole(options.output, PRIVATE) as file:
        for each in files(folder):
            file.write(each.path.read_bytes())
        end = read_head(folder)
        file.write(json.dumps({"head": asdict(end) if end is not None else None}).encode() + b"\n")
    say_line(f"made {options.output}: the last line of it is the signed end")
    return 0
