"""What a queue and its workers on other machines say to each other, by Celery and Redis.

Celery carries the orders; each has the token of one run. Beside them lie, in the same Redis:
RUN + id, a hash: `run`, its token; `begun`; `unwanted`; `ending`, as JSON. LEASE + id, the worker
that has it, for LASTS seconds unless renewed. A message of TOLD says how far a run is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import urlsplit

from visavis.server.jobs.working import Ending
from visavis.server.system.errors import QueueError

TASK: Final = "visavis.job"
QUEUE: Final = "visavis.jobs"
PRIORITIES: Final = 10
RUN: Final = "visavis:run:"
LEASE: Final = "visavis:lease:"
TOLD: Final = "visavis:told"
WORKERS: Final = "visavis:workers"  # sorted by when each was last heard of
LASTS: Final = 20.0  # s of a lease
KEPT: Final = 14 * 86_400  # s after which nobody asks any more what became of a run
UNSAID: Final = "..."  # in place of what was asked for: Celery would log it
_SEPARATOR: Final = ":"
# Longer than any film takes: who died is found by their lease, within LASTS.
_UNSEEN: Final = 86_400


def celery(url: str) -> Any:
    """Celery's application. Raises QueueError where it is not installed."""
    try:
        from celery import Celery  # type: ignore[import-untyped]  # an extra: visavis[jobs]
    except ImportError as error:
        raise QueueError("jobs needs Celery: install visavis[jobs].") from error
    app = Celery("visavis", broker=url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],  # never pickle: whoever can write to Redis would run anything
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_default_queue=QUEUE,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": _UNSEEN,
            "priority_steps": list(range(PRIORITIES)),
            "sep": _SEPARATOR,
            "queue_order_strategy": "priority",
        },
    )
    return app


def lists() -> list[str]:
    """Names of Redis' lists of orders that nobody has taken; see kombu.transport.redis."""
    return [QUEUE, *(f"{QUEUE}{_SEPARATOR}{number}" for number in range(1, PRIORITIES))]


def urgency(priority: int) -> int:
    """Celery's, on Redis: lower is sooner."""
    return PRIORITIES - 1 - priority


def ending_of(text: str) -> Ending:
    """As `ended` wrote it."""
    found: dict[str, Any] = json.loads(text)
    return Ending(**found)


def ended(ending: Ending) -> str:
    """For the hash of a run."""
    return json.dumps(asdict(ending))


def told(id: str, run: str, done: float, note: str) -> str:
    """A message of TOLD."""
    return json.dumps([id, run, done, note])


def order(id: str, run: str, kind: str, request: Mapping[str, Any]) -> list[Any]:
    """Arguments of the task."""
    return [id, run, kind, dict(request)]


def place(url: str) -> str:
    """Where Redis is, without an account."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"
