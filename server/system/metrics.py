"""What the operator can measure: one Prometheus registry per server. No words of visitors."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_STAGE_BUCKETS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_RENDER_BUCKETS = (0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.08)
_LAG_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_GAP_BUCKETS = (0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
_WAIT_BUCKETS = (2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_JOB_BUCKETS = (1.0, 3.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 3600.0, 14400.0)
_SKEW_BUCKETS = (-0.12, -0.06, -0.04, -0.02, -0.01, 0.0, 0.01, 0.02, 0.04, 0.06, 0.12)

# Of the process, like the hooks into aiortc that count here: every registry shows the same.
DATAGRAMS_DROPPED: Final = Counter(
    "visavis_datagrams_dropped", "Datagrams that were not taken, by reason", ["reason"],
    registry=None,
)  # fmt: skip


# Steps of drawing in which pictures are made that are not whole; `held` counts those of "half".
GIVEN_UP: Final = ("mouth", "still")


class Metrics:
    """The server's counters; each instance has its own registry, so that tests do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(DATAGRAMS_DROPPED)
        self.sessions = Gauge("visavis_sessions", "Live sessions", registry=self.registry)
        self.resting = Gauge(
            "visavis_sessions_resting", "Sessions without a connection", registry=self.registry
        )
        self.viewers = Gauge(
            "visavis_whep_viewers", "Players that watch by WHEP", registry=self.registry
        )
        self.resumed = Counter(
            "visavis_sessions_resumed",
            "Connections that went on with a session",
            registry=self.registry,
        )
        self.given_away = Counter(
            "visavis_places_given_away",
            "Sessions ended for a newcomer, by their state",
            ["state"],
            registry=self.registry,
        )
        self.refused = Counter(
            "visavis_sessions_refused", "Sessions refused for lack of room", registry=self.registry
        )
        self.places = Gauge(
            "visavis_places", "Sessions that are let in at a time, now", registry=self.registry
        )
        self.workers = Gauge(
            "visavis_workers", "Processes that can take sessions", registry=self.registry
        )
        self.workers_lost = Counter(
            "visavis_workers_lost",
            "Processes that ended by themselves, or had to be ended, by why",
            ["why"],
            registry=self.registry,
        )
        self.sessions_lost = Counter(
            "visavis_sessions_lost",
            "Sessions that ended with their process",
            registry=self.registry,
        )
        self.connections = Gauge(
            "visavis_connections", "Connections of the page and the API", registry=self.registry
        )
        self.connections_ended = Counter(
            "visavis_connections_ended",
            "Connections that were closed because a client was slow, or there were too many",
            ["why"],
            registry=self.registry,
        )
        self.unauthorized = Counter(
            "visavis_unauthorized",
            "Requests with a wrong token, or without one",
            registry=self.registry,
        )
        self.tokens_refused = Counter(
            "visavis_tokens_refused",
            "Requests that were refused to a token, by the problem's code",
            ["why"],
            registry=self.registry,
        )
        self.audit_missed = Counter(
            "visavis_audit_missed",
            "Lines of the audit log that are lost, for the disk took none for too long",
            registry=self.registry,
        )
        self.audit_waiting = Gauge(
            "visavis_audit_waiting",
            "Lines of the audit log that the disk does not take now",
            registry=self.registry,
        )
        self.taken_back = Counter(
            "visavis_answers_taken_back",
            "Answers that began before the visitor had finished",
            registry=self.registry,
        )
        self.knowledge_renewals = Counter(
            "visavis_knowledge_renewals",
            "Changed files of answers, by whether they were taken up",
            ["outcome"],
            registry=self.registry,
        )
        for outcome in ("taken", "refused"):
            self.knowledge_renewals.labels(outcome)
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
        self.skipped = Counter(
            "visavis_frames_skipped",
            "Late frames that were not sent at all: the server had stood still",
            registry=self.registry,
        )
        self.sound_left_out = Counter(
            "visavis_sound_left_out_seconds",
            "The avatar's sound that was not sent because its time was over",
            ["what"],
            registry=self.registry,
        )
        for what in ("speech", "silence"):
            self.sound_left_out.labels(what)  # so that both are there from the start
        self.sound_gap = Histogram(
            "visavis_sound_gap_seconds",
            "Times of over 100 ms in which a session sent no sound",
            buckets=_GAP_BUCKETS,
            registry=self.registry,
        )
        self.loop_lag = Histogram(
            "visavis_loop_lag_seconds",
            "How late the event loop was, looked at twenty times a second",
            buckets=_LAG_BUCKETS,
            registry=self.registry,
        )
        self.tasks = Gauge(
            "visavis_tasks", "Tasks of the event loop that have not ended", registry=self.registry
        )
        self.stalls = Counter(
            "visavis_stalls",
            "Times that the server stood still for over 200 ms",
            registry=self.registry,
        )
        self.stalled = Counter(
            "visavis_stalled_seconds", "How long it stood still then", registry=self.registry
        )
        self.held = Counter(
            "visavis_frames_held",
            "Pictures shown twice because drawing all of them took too long",
            registry=self.registry,
        )
        self.drawn = Gauge(
            "visavis_sessions_drawn",
            "Sessions whose face is drawn, by how fluent it is now",
            ["step"],
            registry=self.registry,
        )
        self.pictures = Counter(
            "visavis_pictures",
            "Pictures made for sessions, by the step in which each of these was",
            ["step"],
            registry=self.registry,
        )
        for step in ("full", "mouth", "half", "few", "still", "unseen"):
            self.drawn.labels(step)  # so that all are there from the start
            self.pictures.labels(step)
        self.sound_refused = Counter(
            "visavis_sound_refused_seconds",
            "Visitors' sound that was left out: it came faster than a microphone makes it",
            registry=self.registry,
        )
        self.packets_refused = Counter(
            "visavis_sound_packets_refused",
            "Visitors' packets of sound that were too many a second, or from too many sources",
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
        self.renderer = Gauge(
            "visavis_renderer", "1 of the renderer in force", ["name"], registry=self.registry
        )
        self.clips = Gauge(
            "visavis_clip_avatars",
            "Avatars made of a clip that are prepared; the CPU draws them, whoever else draws",
            registry=self.registry,
        )
        self.fallbacks = Counter(
            "visavis_renderer_fallbacks",
            "Times that a faster renderer failed, and the CPU draws until it was made anew",
            registry=self.registry,
        )
        self.lines = Counter(
            "visavis_lines",
            "Clauses that were spoken, by whether they had been synthesized ahead",
            ["how"],
            registry=self.registry,
        )
        for how in ("prepared", "missed", "new"):
            self.lines.labels(how)  # so that all are there from the start
        self.prepared = Counter(
            "visavis_lines_prepared", "Clauses synthesized ahead", registry=self.registry
        )
        self.prepared_bytes = Gauge(
            "visavis_lines_at_hand_bytes",
            "Speech made ahead that is held in memory",
            registry=self.registry,
        )
        self._add_tools()
        self._add_jobs()
        self._add_staff()
        self.moods = Counter(
            "visavis_moods",
            "Questions of visitors who felt so over the conversation, as their words tell",
            ["feeling"],
            registry=self.registry,
        )
        for feeling in ("frustration", "satisfaction", "urgency"):
            self.moods.labels(feeling)
        self.unanswered = Counter(
            "visavis_unanswered", "Questions to which no answer was known", registry=self.registry
        )
        self.dangers = Counter(
            "visavis_dangers",
            "Questions that told of a danger, by its kind",
            ["kind"],
            registry=self.registry,
        )
        for kind in ("suicide", "self_harm", "violence", "fire", "medical", "emergency"):
            self.dangers.labels(kind)  # so that all are there from the start
        self.llm_answers = Counter(
            "visavis_llm_answers",
            "Answers that a language model was to give, by who gave them",
            ["by"],
            registry=self.registry,
        )
        for by in ("model", "stand-in", "broken"):
            self.llm_answers.labels(by)  # so that all are there from the start
        self.llm_first_token = Histogram(
            "visavis_llm_first_token_seconds",
            "From the question until a language model began to answer",
            buckets=_STAGE_BUCKETS,
            registry=self.registry,
        )
        self.llm_away = Gauge(
            "visavis_llm_away",
            "1 while the language model cannot be had and the file of answers stands in",
            registry=self.registry,
        )
        self.fillers = Counter(
            "visavis_fillers",
            "Times that an answer was long in coming, and a few words were said first",
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

    def _add_staff(self) -> None:
        self.staff_present = Gauge(
            "visavis_staff_present", "Pages of staff that are open", registry=self.registry
        )
        self.staff_waiting = Gauge(
            "visavis_staff_waiting", "Sessions in which a person is wanted", registry=self.registry
        )
        self.staff_held = Gauge(
            "visavis_staff_held", "Sessions that staff have taken over", registry=self.registry
        )
        self.staff_wanted = Counter(
            "visavis_staff_wanted",
            "Times that a person was wanted, by whether somebody was there",
            ["there"],
            registry=self.registry,
        )
        self.staff_taken_over = Counter(
            "visavis_staff_taken_over",
            "Times that staff took a session over, by whether a person was wanted",
            ["wanted"],
            registry=self.registry,
        )
        for answer in ("yes", "no"):
            self.staff_wanted.labels(answer)  # so that all are there from the start
            self.staff_taken_over.labels(answer)
        self.staff_handed_back = Counter(
            "visavis_staff_handed_back",
            "Times that a session was no longer held by staff, by why",
            ["why"],
            registry=self.registry,
        )
        for why in ("done", "lost", "ended"):
            self.staff_handed_back.labels(why)
        self.staff_wait = Histogram(
            "visavis_staff_wait_seconds",
            "From the wish for a person to somebody who took over",
            buckets=_WAIT_BUCKETS,
            registry=self.registry,
        )

    def _add_tools(self) -> None:
        self.tool_calls = Counter(
            "visavis_tool_calls",
            "Tools that a mind used, by how that went",
            ["tool", "outcome"],
            registry=self.registry,
        )
        self.tool_seconds = Histogram(
            "visavis_tool_seconds",
            "From a mind's call of a tool to what it was told",
            ["tool"],
            buckets=_STAGE_BUCKETS,
            registry=self.registry,
        )
        self.tool_restarts = Counter(
            "visavis_tool_server_restarts",
            "Servers of tools that were started again",
            ["server"],
            registry=self.registry,
        )

    def _add_jobs(self) -> None:
        self.jobs = Gauge(
            "visavis_jobs", "Jobs that are kept, by their status", ["status"],
            registry=self.registry,
        )  # fmt: skip
        self.jobs_ended = Counter(
            "visavis_jobs_ended", "Tries of jobs, by kind and how they ended", ["kind", "how"],
            registry=self.registry,
        )  # fmt: skip
        self.job_seconds = Histogram(
            "visavis_job_seconds", "One try of a job, by its kind", ["kind"],
            buckets=_JOB_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.webhooks = Counter(
            "visavis_webhooks", "Webhooks by how telling them went", ["outcome"],
            registry=self.registry,
        )  # fmt: skip

    def sent_and_late(self) -> tuple[float, float]:
        """Pictures sent so far, and those that were late, or given up for lack of time."""
        given_up = [self.pictures.labels(step) for step in GIVEN_UP]
        sent, *late = (_value(each) for each in (self.frames, self.late, self.held, *given_up))
        return sent, sum(late)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)


def _value(counter: Counter) -> float:
    return next(s.value for f in counter.collect() for s in f.samples if s.name.endswith("_total"))
