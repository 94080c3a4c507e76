"""What is counted of each question that was answered; and what nobody could answer, kept."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Final

from visavis.engines.dialogue.danger import danger
from visavis.engines.direction.mood import TOLD
from visavis.server.playout.messages import Request
from visavis.server.services.gaps import Gaps
from visavis.server.system.metrics import Metrics
from visavis.server.system.seldom import Seldom

log = logging.getLogger(__name__)

_WAITING: Final = 64  # questions that are to be written; who asks more at once is not kept


class Tally:
    """Of all sessions of a process. Counts only: not who, and never what was said."""

    def __init__(self, metrics: Metrics, gaps: Gaps | None) -> None:
        """gaps: where questions without an answer are kept; None: nowhere."""
        self._metrics, self._gaps = metrics, gaps
        self._writer = ThreadPoolExecutor(1, "gaps") if gaps is not None else None
        self._waiting = BoundedSemaphore(_WAITING)
        self._seldom = Seldom(log)

    def over(self, request: Request, sure: float | None) -> None:
        """A question was answered; `sure`: how sure that was, 0 where nothing was known."""
        kind = danger(request.text)
        if kind is not None:
            self._metrics.dangers.labels(kind).inc()
        for feeling in ("frustration", "satisfaction", "urgency"):
            if getattr(request.felt, feeling) >= TOLD:
                self._metrics.moods.labels(feeling).inc()
        if sure == 0.0:
            self._metrics.unanswered.inc()
            if self._writer is not None and self._waiting.acquire(blocking=False):
                self._writer.submit(self._keep, request.text, request.language)

    def _keep(self, text: str, language: str) -> None:
        assert self._gaps is not None
        try:
            self._gaps.keep(text, language)
        except OSError as error:
            self._seldom.warning("gaps", "an unanswered question was not kept", why=error.strerror)
        finally:
            self._waiting.release()

    def close(self) -> None:
        """Write what is waiting."""
        if self._writer is not None:
            self._writer.shutdown()
