"""Metrics of several processes read as those of one."""

from visavis.server.processes import merging
from visavis.server.system.metrics import Metrics


def told(**counts):
    """What a worker sends whose sessions and turns are these."""
    metrics = Metrics()
    metrics.sessions.set(counts.get("sessions", 0))
    for ended in ("done", "failed"):
        for _ in range(counts.get(ended, 0)):
            metrics.turns.labels(ended).inc()
    for seconds in counts.get("renders", ()):
        metrics.render.observe(seconds)
    return merging.read(merging.taken(metrics.registry))


def values(merged):
    lines = merged.text().decode().splitlines()
    return {n: float(v) for n, _, v in (each.rpartition(" ") for each in lines if each[0] != "#")}


def test_sums_of_all_and_histograms():
    merged = merging.Merged(Metrics().registry)
    merged.put(1, told(sessions=2, done=3, renders=(0.004, 0.2)))
    merged.put(2, told(sessions=1, done=1, failed=2, renders=(0.004,)))
    now = values(merged)
    assert now["visavis_sessions"] == 3
    assert now['visavis_turns_total{ended="done"}'] == 4
    assert now['visavis_turns_total{ended="failed"}'] == 2
    assert now["visavis_render_seconds_count"] == 3
    assert now['visavis_render_seconds_bucket{le="0.005"}'] == 2
    assert merged.total("visavis_turns") == 6
    assert merged.total("visavis_turns", ended="failed") == 2


def test_what_a_process_counted_stays_when_it_is_gone_and_what_it_held_does_not():
    merged = merging.Merged(Metrics().registry)
    merged.put(1, told(sessions=2, done=3, renders=(0.004,)))
    before = values(merged)
    merged.retire(1)
    merged.retire(1)
    merged.put(2, told(sessions=1))
    after = values(merged)
    assert after["visavis_sessions"] == 1
    for name in before:
        if name.startswith("visavis_turns") or "render_seconds" in name:
            assert after[name] == before[name]


def test_the_parents_own_counts_are_in_it():
    metrics = Metrics()
    metrics.unauthorized.inc()
    merged = merging.Merged(metrics.registry)
    merged.put(1, told())
    assert values(merged)["visavis_unauthorized_total"] == 1
