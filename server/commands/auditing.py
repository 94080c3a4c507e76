"""The audit log as the settings have it: for servers, and for commands that do something."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager

from visavis.server.system.audit import Audit, AuditLog, Unaudited
from visavis.server.system.config import Config
from visavis.server.system.metrics import Metrics


@contextmanager
def auditing(config: Config, by: str, metrics: Metrics | None = None) -> Iterator[Audit]:
    """Notes what this program does; all of it is written at the end. by: which program.

    Raises ConfigError where the user has no home and none is set.
    """
    if config.audit == "off":
        yield Unaudited()
        return
    made = AuditLog(config.home_path, by, metrics=metrics)
    try:
        yield made
    finally:
        made.close()


def user() -> str:
    """Who runs a command: the name of this machine's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number only
        return f"user {os.getuid()}"
