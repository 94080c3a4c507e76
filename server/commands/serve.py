"""`visavis serve`: settings -> a server of one process, or of a parent and its workers."""

from __future__ import annotations

import argparse
import logging
import os
from dataclasses import fields
from typing import Final

from visavis.server.commands.console import say_line
from visavis.server.system import config_reading as settings
from visavis.server.system import config_secrets
from visavis.server.system.config import Config
from visavis.server.system.load import Machine

log = logging.getLogger("visavis")

# A third of a session's processor time holds the interpreter's lock (docs/figures.md, "Processes
# and admission"): one process can fill some three cores, and two without waiting much for it.
_CORES: Final = 2
_MEMORY: Final = 600 << 20  # bytes that a worker may come to take


def run(options: argparse.Namespace) -> None:
    """`serve`. Raises ConfigError, EngineError, ModelError, OSError."""
    given = {f.name: getattr(options, f.name) for f in fields(Config)}
    config = settings.load(given, file=options.config)
    say_line("visavis is loading")  # what comes now takes seconds, on a slow machine ten
    import uvloop

    from visavis.server.commands import films, lifetime

    lifetime.log_to_stderr(config.log_level)
    for doubt in config_secrets.doubts(config, file=options.config):
        log.warning(doubt)
    films.signatory(config)  # before workers are begun, which could only end
    for secret in (*config_secrets.SECRETS, "ice_servers", "jobs"):  # no child process needs them
        os.environ.pop(f"VISAVIS_{secret.upper()}", None)
    count = workers(config, Machine())
    if count == 1:
        from visavis.server.commands import single

        uvloop.run(single.serve(config))
    else:  # which loads no engine itself
        from visavis.server.commands import parent

        uvloop.run(parent.serve(config, count))


def workers(config: Config, machine: Machine) -> int:
    """How many processes share the sessions; 1: there is no parent beside it."""
    if config.workers != "auto":
        return config.workers
    by_cores = int(machine.cores) // _CORES
    by_memory = machine.load().memory // _MEMORY
    return max(1, min(by_cores, by_memory))
