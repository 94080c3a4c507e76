"""Metrics of several processes as one: sums, and no counter goes back when one is replaced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric

_LASTS: Final = frozenset({"counter", "histogram", "summary"})  # what a process leaves behind
_CREATED: Final = "_created"  # when a metric began: the parent's own

Key = tuple[str, str, tuple[tuple[str, str], ...]]  # family, sample, labels
Samples = dict[Key, float]


def taken(registry: CollectorRegistry) -> list[Any]:
    """All samples of a process, to be sent: [family, sample, labels, value] each."""
    return [
        [family.name, sample.name, sample.labels, sample.value]
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith(_CREATED)
    ]


def read(sent: Any) -> Samples:
    """What `taken` made. Raises TypeError, ValueError, AttributeError."""
    return {
        (str(family), str(name), tuple(sorted((str(k), str(v)) for k, v in labels.items()))): value
        for family, name, labels, value in sent
    }


class Merged:
    """own: the parent's registry, which has every metric that a worker's has."""

    def __init__(self, own: CollectorRegistry) -> None:
        self._own = own
        self._live: dict[int, Samples] = {}
        self._past: Samples = defaultdict(float)

    def put(self, pid: int, samples: Samples) -> None:
        """What a process counted so far."""
        self._live[pid] = samples

    def retire(self, pid: int) -> None:
        """It is gone; what it counted stays."""
        lasting = {family.name for family in self._own.collect() if family.type in _LASTS}
        for key, value in self._live.pop(pid, {}).items():
            if key[0] in lasting:
                self._past[key] += value

    def total(self, counter: str, **labels: str) -> float:
        """Of all workers, those that are gone too; of one counter, over all other labels."""
        wanted, name = set(labels.items()), (counter, f"{counter}_total")
        return sum(
            value
            for each in (self._past, *self._live.values())
            for (*key, have), value in each.items()
            if tuple(key) == name and wanted <= set(have)
        )

    def collect(self) -> Iterator[Metric]:
        """As a registry does."""
        sums: dict[str, dict[Key, float]] = defaultdict(lambda: defaultdict(float))
        for each in (self._past, *self._live.values()):
            for key, value in each.items():
                sums[key[0]][key] += value
        for family in self._own.collect():
            yield _added(family, sums[family.name])

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self)


def _added(family: Metric, others: dict[Key, float]) -> Metric:
    made = Metric(family.name, family.documentation, family.type)
    for sample in family.samples:
        key = (family.name, sample.name, tuple(sorted(sample.labels.items())))
        made.add_sample(sample.name, sample.labels, sample.value + others.pop(key, 0.0))
    for (_, name, labels), value in others.items():
        made.add_sample(name, dict(labels), value)
    return made
