"""The studio of a server: its queue of jobs, and the addresses that lead to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Final

from aiohttp import web

from visavis.server.http import described as http
from visavis.server.http.app import Part
from visavis.server.http.openapi import Described, OpenApiRoutes
from visavis.server.jobs import configured
from visavis.server.jobs.queued import JobQueue
from visavis.server.services.configured import avatars
from visavis.server.staff import described as staff
from visavis.server.studio import described as studio
from visavis.server.studio.batches import described as of_batches
from visavis.server.studio.batches import preparing
from visavis.server.studio.batches.asking import Asking
from visavis.server.studio.batches.keeping import Batches
from visavis.server.studio.batches.routes import BatchRoutes
from visavis.server.studio.batches.working import Working
from visavis.server.studio.knowing import known
from visavis.server.studio.projects import Projects
from visavis.server.studio.projects_http import ProjectRoutes
from visavis.server.studio.scripts import ProjectScripts
from visavis.server.studio.translation.choosing import configured as translators
from visavis.server.studio.translation.voices import spoken
from visavis.server.studio.translations_http import TranslationRoutes
from visavis.server.studio.videos import Loose, VideoRoutes
from visavis.server.studio.voices_http import OwnVoiceRoutes
from visavis.server.system.audit import Audit
from visavis.server.system.config import Config
from visavis.server.system.metrics import Metrics
from visavis.server.voices.store import OwnVoices
from visavis.server.wires import described as wires

QUEUE: Final = web.AppKey("jobs", JobQueue)
_VERSION: Final = version("visavis")  # which reads files
PROJECTS: Final = "projects"  # under the directory for state
_LOOSE: Final = "loose"  # folder of jobs: of scripts that name no files


@dataclass(frozen=True, slots=True)
class Studio:
    """queue: kept open as long as the application runs, see `keep`."""

    queue: JobQueue
    parts: tuple[Part, ...]
    batches: Working

    def keep(self, app: web.Application) -> None:
        """The queue begins and ends with it."""
        app[QUEUE] = self.queue

        async def begin(_app: web.Application) -> None:
            await self.queue.open()
            await self.batches.open()

        async def end(_app: web.Application) -> None:
            await self.queue.close()

        app.on_startup.append(begin)
        app.on_shutdown.append(end)


def of(
    config: Config, busy: Callable[[], bool], metrics: Metrics, audit: Audit | None = None
) -> Studio:
    """busy: whether somebody is in a session now. Raises ConfigError."""
    queue = configured.queue(config, busy, metrics)
    store, home = avatars(config), config.home_path
    projects = Projects(home / PROJECTS)
    here = partial(known, store, config.avatar, home)
    scripts = ProjectScripts(projects, Loose(home / configured.FOLDER / _LOOSE), here)
    working = Working(Batches(preparing.place(config)), queue)
    parts: tuple[Part, ...] = (
        ProjectRoutes(projects, here),
        VideoRoutes(queue, scripts),
        TranslationRoutes(projects, queue, lambda: translators(config), lambda: spoken(home)),
        BatchRoutes(projects, Asking(configured.settings(config)), working),
        OwnVoiceRoutes(
            config, OwnVoices(avatars(config)), queue, may_create=config.may_create, audit=audit
        ),
        OpenApiRoutes(described(config), _VERSION),
    )
    return Studio(queue, parts, working)


def described(config: Config) -> list[Described]:
    """What is in the OpenAPI document."""
    found = [
        http.SESSIONS, http.AVATARS, http.REST, staff.STAFF, studio.PROJECTS, studio.TRANSLATIONS,
        studio.VIDEOS, studio.VOICES, of_batches.BATCHES,
    ]  # fmt: skip
    if config.realtime_key:
        found.append(wires.REALTIME)
    return found
