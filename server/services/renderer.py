"""Who draws, said in the log and in the metrics whenever it changes."""

from __future__ import annotations

import logging

from visavis.engines.registry import RENDERERS
from visavis.engines.render.runtimes import Standing
from visavis.server.system.metrics import Metrics

log = logging.getLogger(__name__)


class RendererNews:
    """Takes each `Standing` of a generator, from whatever thread."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._fast = False
        self.drawing = ""  # who draws, and on what
        for name in RENDERERS:
            metrics.renderer.labels(name)

    def tell(self, standing: Standing) -> None:
        """One line a change; a fall back to the CPU is a warning."""
        for name in RENDERERS:
            self._metrics.renderer.labels(name).set(name == standing.renderer)
        self.drawing = f"{standing.renderer} on {standing.device}"
        fell = self._fast and standing.renderer == "warp"
        self._fast = standing.renderer != "warp"
        if fell:
            self._metrics.fallbacks.inc()
        extra = {"renderer": standing.renderer, "device": standing.device}
        if standing.why:
            extra["why"] = standing.why
        log.log(logging.WARNING if fell else logging.INFO, "drawing", extra=extra)
