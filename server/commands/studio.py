"""The studio of a server: its queue of jobs, and the addresses that lead to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from aiohttp import web

from visavis.server.http import described as http
from visavis.server.http.app import Part
from visavis.server.http.openapi import Described, OpenApiRoutes
from visavis.server.jobs import configured
from visavis.server.jobs.queued import JobQueue
from visavis.server.staff import described as staff
from visavis.server.studio import described as studio
from visavis.server.studio.projects import Projects
from visavis.server.studio.scripts import ProjectScripts
from visavis.server.studio.translation.choosing import configured as translators
from visavis.server.studio.translation.voices import spoken
from visavis.server.studio.translations_http import TranslationRoutes
from visavis.server.studio.videos import VideoRoutes
from visavis.server.system.config import Config
from visavis.server.system.metrics import Metrics
from visavis.server.wires import described as wires

QUEUE: Final = web.AppKey("jobs", JobQueue)
_VERSION: Final = version("visavis")  # which reads files
_LOOSE: Final = "loose"  # folder of jobs: of scripts that name no files


@dataclass(frozen=True, slots=True)
class Studio:
    """queue: kept open as long as the application runs, see `keep`."""

    queue: JobQueue
    parts: tuple[Part, ...]

    def keep(self, app: web.Application) -> None:
        """The queue begins and ends with it."""
        app[QUEUE] = self.queue

        async def begin(_app: web.Application) -> None:
            await self.queue.open()

        async def end(_app: web.Application) -> None:
            await self.queue.close()

        app.on_startup.append(begin)
        app.on_shutdown.append(end)


def of(config: Config, busy: Callable[[], bool], metrics: Metrics) -> Studio:
    """busy: whether somebody is in a session now. Raises ConfigError."""
    queue = configured.queue(config, busy, metrics)
    projects = Projects(config.home_path / "projects")
    scripts = ProjectScripts(projects, config.home_path / configured.FOLDER / _LOOSE)
    parts: tuple[Part, ...] = (
        VideoRoutes(queue, scripts),
        TranslationRoutes(
            projects, queue, lambda: translators(config), lambda: spoken(config.home_path)
        ),
        OpenApiRoutes(described(config), _VERSION),
    )
    return Studio(queue, parts)


def described(config: Config) -> list[Described]:
    """What is in the OpenAPI document."""
    found = [
        http.SESSIONS,
        http.AVATARS,
        http.REST,
        staff.STAFF,
        studio.VIDEOS,
        studio.TRANSLATIONS,
    ]
    if config.realtime_key:
        found.append(wires.REALTIME)
    return found
