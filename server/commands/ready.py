"""`visavis ready`: whether the server with these settings takes visitors, for health checks."""

from __future__ import annotations

import argparse
import http.client
import json
import ssl
from typing import Any, Final

from visavis.server.commands.console import say_line
from visavis.server.system import config_reading as settings
from visavis.server.system.config import Config

_WITHIN: Final = 4.0  # s; deploy/ gives a check 5 s
_EVERY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # where a server listens -> how it is reached
_NOT: Final = 1  # exit status


def ready(options: argparse.Namespace) -> int:
    """`ready`: 0 and "ready", or 1 and why not. Raises ConfigError."""
    config = settings.load({}, file=options.config)
    try:
        status, said = _asked(config)
    except (OSError, http.client.HTTPException) as error:
        say_line(f"not ready: port {config.port} does not answer ({type(error).__name__})")
        return _NOT
    if status == 200:
        say_line("ready")
        return 0
    say_line(f"not ready: {said or f'status {status}'}")
    return _NOT


def _asked(config: Config) -> tuple[int, str]:
    """What /readyz answers. Raises OSError, HTTPException."""
    host = _EVERY.get(config.host, config.host)
    connection = _connection(host, config)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return response.status, _detail(response.read(65_536))
    finally:
        connection.close()


def _connection(host: str, config: Config) -> http.client.HTTPConnection:
    if not config.tls_cert:
        return http.client.HTTPConnection(host, config.port, timeout=_WITHIN)
    # Its certificate is made out to the name that visitors use, and this asks its own machine.
    context = ssl._create_unverified_context()
    return http.client.HTTPSConnection(host, config.port, timeout=_WITHIN, context=context)


def _detail(body: bytes) -> str:
    try:
        said: Any = json.loads(body)
    except ValueError:
        return ""
    detail = said.get("detail") if isinstance(said, dict) else None
    return detail if isinstance(detail, str) else ""
