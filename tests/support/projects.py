"""A server of projects alone, with a face and two voices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler

from visavis.server.http import problems
from visavis.server.studio.document.checks import Known
from visavis.server.studio.projects import Projects
from visavis.server.studio.projects_http import ProjectRoutes
from visavis.server.system.errors import Problem

KNOWN = Known(
    lambda name, language: "" if name in ("", "mira") else f"There is no avatar {name!r}",
    {"heart": "en-US", "espeak-de": "de"},
    lambda wish: ["wobble"] if "wobble" in wish else [],
)


@web.middleware
async def as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (Problem, web.HTTPException) as error:
        return problems.of(error, request.path)


@asynccontextmanager
async def routes(folder: Path) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """A client of one whose projects lie in a folder."""
    app = web.Application(middlewares=[as_problems], client_max_size=problems.MAX_BODY)
    app.add_routes(ProjectRoutes(Projects(folder), lambda: KNOWN).routes())
    async with TestClient(TestServer(app)) as client:
        yield client
