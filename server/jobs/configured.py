"""The queue of an installation, by its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from visavis.server.jobs.distributed import Distributed
from visavis.server.jobs.embedded import RESULTS, Embedded
from visavis.server.jobs.hooks import Webhooks
from visavis.server.jobs.queued import JobQueue
from visavis.server.jobs.running import Runner
from visavis.server.jobs.stores import store
from visavis.server.jobs.works import WORKS
from visavis.server.system.config import Config
from visavis.server.system.config_secrets import READ_LATER, SECRETS
from visavis.server.system.load import Machine
from visavis.server.system.metrics import Metrics

FOLDER: Final = "jobs"
_MEMORY: Final = 1 << 30  # bytes that a process may come to take
# What no work needs to know. A language model translates, so its key is left.
_PRIVATE: Final = {"jobs", "tls_cert", "tls_key"} | {
    f"{name}{suffix}" for name in SECRETS if name != READ_LATER for suffix in ("", "_file")
}


def queue(
    config: Config,
    busy: Callable[[], bool] = lambda: False,
    metrics: Metrics | None = None,
    folder: Path | None = None,
) -> JobQueue:
    """To be opened. busy: whether somebody is in a session now. folder: default: of the home.

    Raises ConfigError.
    """
    place = folder or config.home_path / FOLDER
    runner = _runner(config, place, busy)
    hooks = Webhooks(config.webhook_secret, config.webhook_ranges)
    return JobQueue(place, runner, hooks, metrics)


def _runner(config: Config, place: Path, busy: Callable[[], bool]) -> Runner:
    if not config.jobs:
        return Embedded(place, WORKS, settings(config), Allowance(config, busy))
    found = partial(store, config.jobs_results, config.home_path / FOLDER / RESULTS)
    return Distributed(config.jobs, found, place)


def settings(config: Config) -> Mapping[str, Any]:
    """For processes that work."""
    return {name: value for name, value in asdict(config).items() if name not in _PRIVATE}


class Allowance:
    """How many processes may work, at any time; see Embedded."""

    def __init__(self, config: Config, busy: Callable[[], bool]) -> None:
        self._config, self._busy = config, busy
        self._most = 1

    def measure(self) -> None:
        """Look at the machine."""
        self._most = processes(self._config, Machine())

    def __call__(self) -> int:
        """Now."""
        return min(self._most, self._config.jobs_beside) if self._busy() else self._most


def processes(config: Config, machine: Machine) -> int:
    """How many work while nobody is in a session."""
    if config.jobs_processes != "auto":
        return config.jobs_processes
    by_memory = machine.load().memory // _MEMORY
    return max(1, min(int(machine.cores), by_memory))
