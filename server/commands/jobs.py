"""`visavis worker`: films and batches of servers elsewhere, done on this machine."""

from __future__ import annotations

import argparse
import faulthandler
import logging
import signal
from functools import partial
from typing import Any, Final

from visavis.server.commands import lifetime
from visavis.server.commands.console import say_line
from visavis.server.jobs import configured, exchange
from visavis.server.jobs.embedded import RESULTS
from visavis.server.jobs.stores import store
from visavis.server.jobs.worker import JobWorker
from visavis.server.jobs.works import WORKS
from visavis.server.system import config_reading
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError
from visavis.server.system.load import Machine

_END_WITHIN: Final = 15.0  # s from a signal to the end of the process, whatever hangs
_PATIENCE: Final = 10.0  # s of one exchange with Redis


def work(options: argparse.Namespace) -> None:
    """`worker`. Raises ConfigError, QueueError."""
    config = config_reading.load({"jobs_processes": options.processes}, file=options.config)
    if not config.jobs:
        msg = (
            "there is no Redis server to take jobs from: set jobs, such as "
            "redis://127.0.0.1:6379/0, here and for the server"
        )
        raise ConfigError(msg)
    lifetime.log_to_stderr(config.log_level)
    for name in ("celery", "kombu"):  # which log what was asked for
        logging.getLogger(name).setLevel(logging.WARNING)
    app = exchange.celery(config.jobs)
    mine = worker(config)
    count = configured.processes(config, Machine())

    @app.task(name=exchange.TASK)  # type: ignore[untyped-decorator]  # Celery has no types
    def job(id: str, run: str, kind: str, request: dict[str, Any]) -> None:
        mine.do(id, run, kind, request)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, partial(_end, mine))
    where = exchange.place(config.jobs)
    say_line(f"visavis does jobs of {where} in {count} processes")
    mine.begin()
    _consume(app, count)


def worker(config: Config) -> JobWorker:
    """Raises QueueError."""
    folder = config.home_path / configured.FOLDER
    found = store(config.jobs_results, folder / RESULTS)
    return JobWorker(_redis(config.jobs), WORKS, configured.settings(config), found, folder)


def _redis(url: str) -> Any:
    import redis

    return redis.Redis.from_url(
        url, decode_responses=True, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE,
        health_check_interval=15,
    )  # fmt: skip


def _consume(app: Any, count: int) -> None:
    """Celery's loop, in this thread; each order in one of its own, which waits for its process."""
    consumer = app.WorkController(
        pool_cls="threads", concurrency=count, loglevel="WARNING", without_gossip=True,
        without_mingle=True, without_heartbeat=True, quiet=True,
    )  # fmt: skip
    consumer.start()


def _end(mine: JobWorker, _number: int, _frame: object) -> None:
    """What is under way goes to others at once: a film may take longer than a machine has."""
    faulthandler.dump_traceback_later(_END_WITHIN, exit=True)
    mine.end()
    raise SystemExit(0)
