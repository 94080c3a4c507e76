"""`visavis token`: secrets for `visavis serve`, visitors' signed tokens, and what one says."""

from __future__ import annotations

import argparse
import json
import re
import secrets
import sys
import time
from typing import Any, Final

from visavis.server.commands.console import FAILURE, say_line
from visavis.server.http import passes
from visavis.server.http.passes import Pass
from visavis.server.system import config_reading as settings
from visavis.server.system import jws, secret_files
from visavis.server.system.audit import auditing
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError, Unauthorized

_SETTINGS: Final = {
    "operator": "token_file", "staff": "staff_token_file", "metrics": "metrics_token_file",
}  # fmt: skip
_SPAN: Final = re.compile(r"(\d{1,7})([smhd]?)")
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_TTL: Final = "10m"
_NO_SECRET: Final = (
    "token_secret is not set: make one with `visavis token --file PATH`, and set token_secret_file "
    "to that path for this command and for the server"
)
_BOUNDS: Final = (
    "ttl", "avatar", "source", "language", "length", "sessions", "origin", "subject", "once",
)  # fmt: skip


def token(options: argparse.Namespace) -> int:
    """`token`: to the standard output, or into a file; 1 where one that is shown is refused.

    Raises ConfigError, OSError.
    """
    if options.show is not None:
        return _show(options.show)
    if options.role == "visitor":
        config, name = settings.load({}), secrets.token_urlsafe(12)
        _put(_signed(options, config, name), options)
        with auditing(config, "visavis token") as audit:
            audit.record("token-made", role="visitor", who=name)
        return 0
    if given := [f"--{name}" for name in _BOUNDS if getattr(options, name)]:
        raise ConfigError(f"{given[0]} is for visitors' tokens: add --role visitor")
    _put(secrets.token_urlsafe(24), options)
    return 0


def _put(made: str, options: argparse.Namespace) -> None:
    if options.file is None:
        say_line(made)
        return
    secret_files.write(options.file, made)
    if options.role == "visitor":
        say_line(f"{options.file} holds a visitor's token that only you may read")
    elif options.role:
        named = _SETTINGS[options.role]
        say_line(f"{options.file} holds a new token that only you may read: set {named} to it")
    else:
        say_line(f"{options.file} holds a new secret that only you may read: name it in the")
        say_line("setting that wants one, such as token_file, token_secret_file or whep_token_file")


def _signed(options: argparse.Namespace, config: Config, name: str) -> str:
    """Raises ConfigError."""
    if not config.token_secret:
        raise ConfigError(_NO_SECRET)
    bounds: dict[str, Any] = {
        "avatars": options.avatar,
        "source": options.source,
        "language": options.language,
        "length": _seconds("--length", options.length) if options.length else None,
        "sessions": options.sessions,
        "origins": options.origin,
        "once": options.once or None,
    }
    bounds = {name: value for name, value in bounds.items() if value is not None}
    lasts = _seconds("--ttl", options.ttl or _TTL)
    try:
        return passes.sign(
            config.token_secret, time.time(), lasts, bounds, options.subject or "", name
        )
    except Unauthorized as error:
        raise ConfigError(f"such a token would be refused. {error.detail}") from error


def _seconds(option: str, text: str) -> int:
    """10m, 90s, 24h or seconds. Raises ConfigError."""
    found = _SPAN.fullmatch(text)
    if found is None or not int(found[1]):
        raise ConfigError(f"{option} is {text!r}: write it like 90s, 10m or 24h")
    return int(found[1]) * _UNITS[found[2]]


# --- what one says --------------------------------------------------------------------------------


def _show(given: str) -> int:
    """Raises ConfigError."""
    made = (sys.stdin.readline(2 * jws.LONGEST) if given == "-" else given).strip()
    config = settings.load({})
    held = [each for each in (config.token_secret, config.token_secret_old) if each]
    if not held:
        raise ConfigError(_NO_SECRET)
    say_line(f"it says: {_said(made)}")
    try:
        it = passes.read(made, held, time.time())
    except Unauthorized as error:
        say_line(f"it is refused ({error.code}): {error.detail}")
        return FAILURE
    by_old = _by(made, config.token_secret_old) and not _by(made, config.token_secret)
    say_line(f"it is signed with {'token_secret_old' if by_old else 'token_secret'}")
    for line in _explained(it, config):
        say_line(line)
    return 0


def _said(made: str) -> str:
    """Its claims, unchecked, as text that cannot do anything to a terminal."""
    parts = made.split(".")
    claims = jws.read(parts[1]) if len(parts) == 3 and len(made) <= jws.LONGEST else None
    return json.dumps(claims) if claims is not None else "nothing that can be read"


def _by(made: str, secret: str) -> bool:
    try:
        return bool(secret) and bool(jws.claims_of(made, [secret]))
    except jws.Forged:
        return False


def _explained(it: Pass, config: Config) -> list[str]:
    left = round(it.expires - time.time())
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(it.expires))
    most = it.sessions or config.token_sessions
    return [
        f"whose: {it.subject}",
        f"until: {when}, in {left} s; a session that has begun goes on",
        f"avatar: {', '.join(it.avatars) or 'any'}",
        f"source: {it.source or 'any'}",
        f"language: {it.language or 'any'}",
        f"length of a session: {f'{it.length} s' if it.length else 'as the server has it'}",
        f"sessions at a time: {most or 'any number'}",
        f"from pages of: {', '.join(it.origins) or 'any origin'}",
        f"opens: {'one session' if it.once else 'any number of sessions, one after another'}",
    ]
