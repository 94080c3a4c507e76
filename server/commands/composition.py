"""The composition root: which values of the settings each part of a server is made with."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from visavis.server.avatars.store import AvatarStore
from visavis.server.http.app import Basics
from visavis.server.http.app import application as assembled
from visavis.server.http.avatars import AvatarRoutes
from visavis.server.http.guard import Guard
from visavis.server.http.headers import Headers
from visavis.server.http.sessions import Lender, Offered, SessionRoutes
from visavis.server.rtc.allowance import Limits
from visavis.server.rtc.reach import Reach
from visavis.server.services.engines import Defaults, Services
from visavis.server.system.config import Config, as_source
from visavis.server.system.metrics import Metrics


def services(config: Config, store: AvatarStore, metrics: Metrics) -> Services:
    """The engines, not yet loaded."""
    knowledge = Path(config.knowledge) if config.knowledge else None
    size = config.width, config.height
    defaults = Defaults(
        config.avatar, config.voice, config.dialogue, knowledge, size, config.refine == "on"
    )
    return Services(config.home_path, defaults, store, metrics)


def reach(config: Config) -> Reach:
    """Where media is received, and whom it may contact."""
    return Reach(config.hosts, config.announced, config.port_range, config.never)


def application(
    config: Config, lender: Lender, store: AvatarStore, metrics: Metrics
) -> web.Application:
    """The addresses of a server with these engines."""
    offered = Offered(
        config.avatar,
        config.voice,
        as_source(config.source) or "dialogue",
        config.max_sessions,
        config.sessions_per_address,
        config.ice,
        reach(config),
        Limits(config.resume_seconds, config.idle_seconds, config.session_seconds),
    )
    parts = (
        SessionRoutes(offered, lender, config.home_path / "recordings", metrics),
        AvatarRoutes(store, config.avatar, may_create=config.may_create),
        Basics(config.voice, lambda: lender.missing, metrics),
    )
    return assembled(Guard(config.token, metrics), Headers(config.frame_ancestors), parts)
