"""What the operator can measure: one Prometheus registry per server. No words of visitors."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_STAGE_BUCKETS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_RENDER_BUCKETS = (0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.08)
_SKEW_BUCKETS = (-0.12, -0.06, -0.04, -0.02, -0.01, 0.0, 0.01, 0.02, 0.04, 0.06, 0.12)


class Metrics:
    """The server's counters; each instance has its own registry, so that tests do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sessions = Gauge("visavis_sessions", "Live sessions", registry=self.registry)
        self.refused = Counter(
            "visavis_sessions_refused", "Sessions refused for lack of room", registry=self.registry
        )
        self.turns = Counter(
            "visavis_turns", "Replies by how they ended", ["ended"], registry=self.registry
        )
        self.stage = Histogram(
            "visavis_turn_seconds",
            "From the turn's origin (end of speech, or the arrival of the text) to a stage",
            ["origin", "stage"],
            buckets=_STAGE_BUCKETS,
            registry=self.registry,
        )
        self.skew = Histogram(
            "visavis_av_skew_seconds",
            "How much later a reply's first picture left than its sound",
            buckets=_SKEW_BUCKETS,
            registry=self.registry,
        )
        self.render = Histogram(
            "visavis_render_seconds",
            "One picture: motion, the wait for a thread, drawing",
            buckets=_RENDER_BUCKETS,
            registry=self.registry,
        )
        self.frames = Counter("visavis_frames", "Pictures sent", registry=self.registry)
        self.late = Counter(
            "visavis_frames_late", "Frames for which no picture came", registry=self.registry
        )
        self.held = Counter(
            "visavis_frames_held",
            "Pictures shown twice because drawing all of them took too long",
            registry=self.registry,
        )
        self.budget = Gauge(
            "visavis_send_budget_bits",
            "Bits a second that all connections together may send, as their networks are",
            registry=self.registry,
        )
        self.left_out = Counter(
            "visavis_frames_left_out",
            "Pictures that were not sent because a viewer's network could not carry them",
            registry=self.registry,
        )
        self.asked_again = Counter(
            "visavis_retransmissions",
            "Packets that a viewer asked for again, by what became of it",
            ["outcome"],
            registry=self.registry,
        )
        self.engine_errors = Counter(
            "visavis_engine_errors", "Failures of an engine", ["engine"], registry=self.registry
        )
        self.engine_hangs = Counter(
            "visavis_engine_hangs",
            "Calls of an engine that were given up at their deadline",
            ["engine"],
            registry=self.registry,
        )

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
