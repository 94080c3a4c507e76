"""Videos over HTTP: a project or a script becomes a film, as a job that is asked about."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from aiohttp import hdrs, web

from visavis.models.files import private_folder
from visavis.server.http.problems import json_object
from visavis.server.http.streams import Stream
from visavis.server.jobs.job import OVER, Job, State
from visavis.server.jobs.queued import JobQueue
from visavis.server.studio.document import reading
from visavis.server.studio.document.faults import Fault, ScriptError
from visavis.server.studio.layers.exports import FORMATS
from visavis.server.system.errors import Conflict, Malformed, NotFound, Unprocessable

KIND: Final = "film"
MOST: Final = 2 << 20  # bytes of a request: a script of 50,000 words has 0.3 MB
_FIELDS: Final = frozenset(
    {"project", "script", "scenes", "language", "formats", "priority", "webhook"}
)
_WRONG: Final = "video-invalid"
_NONE: Final = "There is no such video; it may have been forgotten."
_PRIORITY: Final = 6  # before rows of a batch


@dataclass(frozen=True, slots=True)
class Script:
    """What is to be filmed. text: of a script.md; folder: of its files; title: for people.

    faults: what stands against it, as far as is known.
    """

    text: str
    folder: Path
    title: str
    faults: tuple[Fault, ...] = ()

    def against(self, scenes: Sequence[str] | None) -> list[Fault]:
        """Why no film can be made of these scenes; None: of all."""
        return [
            fault
            for fault in self.faults
            if fault.grave and (scenes is None or not fault.scene or fault.scene in scenes)
        ]


class Scripts(Protocol):
    """Where scripts are found."""

    async def project(self, name: str, language: str) -> Script:
        """A project's, in a language; "": its own. Raises NotFound, Unprocessable."""
        ...

    async def alone(self, text: str, language: str) -> Script:
        """One that belongs to no project. Raises Unprocessable."""
        ...


class Loose:
    """Scripts, of a server that keeps no projects. folder: an empty one, for their files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def project(self, name: str, language: str) -> Script:
        """See Scripts."""
        raise NotFound(f"There is no project {name!r}.")

    async def alone(self, text: str, language: str) -> Script:
        """See Scripts."""
        project = await asyncio.to_thread(reading.read, text)
        await asyncio.to_thread(private_folder, self._folder)
        return Script(text, self._folder, project.title)


class VideoRoutes:
    """The videos of a server; their jobs are the queue's."""

    def __init__(self, queue: JobQueue, scripts: Scripts) -> None:
        self._queue, self._scripts = queue, scripts

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        one = "/v1/videos/{id}"
        return [
            web.post("/v1/videos", self._make),
            web.get("/v1/videos", self._list),
            web.get(one, self._show),
            web.delete(one, self._remove),
            web.get(one + "/events", self._events),
            web.get(one + "/files/{file}", self._file),
        ]

    async def close(self) -> None:
        """The queue has an owner of its own."""

    async def _make(self, request: web.Request) -> web.Response:
        """202 and the job that makes it."""
        wished = await json_object(request, MOST)
        script = await self._script(wished)
        job = _job(wished, script)
        if against := script.against(job.request["scenes"]):
            raise ScriptError(against)
        (state,) = await self._queue.add(job)
        headers = {hdrs.LOCATION: f"/v1/videos/{job.id}"}
        return web.json_response(shown(job, state), status=202, headers=headers)

    async def _script(self, wished: Mapping[str, Any]) -> Script:
        if unknown := sorted(wished.keys() - _FIELDS):
            raise Malformed(f"A video has no field {unknown[0]!r}.", "unknown-field")
        name, text = _text(wished, "project"), _text(wished, "script")
        language = _text(wished, "language")
        if bool(name) == bool(text):
            raise Unprocessable("Name a project, or send a script: one of both.", _WRONG)
        if name:
            return await self._scripts.project(name, language)
        return await self._scripts.alone(text, language)

    async def _list(self, _request: web.Request) -> web.Response:
        found = [shown(job, state) for job, state in await self._queue.jobs(KIND)]
        return web.json_response({"videos": found}, headers=_FRESH)

    async def _show(self, request: web.Request) -> web.Response:
        job, state = await self._of(request)
        return web.json_response(shown(job, state), headers=_FRESH)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        job, _state = await self._of(request)
        stream = await Stream.open(request)
        async with aclosing(self._told(job)) as told:
            return await stream.follow("state", told)

    async def _told(self, job: Job) -> AsyncGenerator[str, None]:
        async for state in self._queue.watch(job.id):
            yield json.dumps(shown(job, state), ensure_ascii=False)

    async def _remove(self, request: web.Request) -> web.Response:
        """What is under way is cancelled; what is over is forgotten, with its files."""
        job, state = await self._of(request)
        if state.status in OVER:
            await self._queue.forget(job.id)
        else:
            await self._queue.cancel(job.id)
        return web.Response(status=204)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        job, state = await self._of(request)
        if state.status != "done":
            raise Conflict(f"The video is {state.status}: it has no files.", "video-not-done")
        name = request.match_info["file"]
        if name not in files(state).values():
            raise NotFound("The video has no such file.")
        folder = await self._queue.results(job.id)
        return served(folder / name)

    async def _of(self, request: web.Request) -> tuple[Job, State]:
        id = request.match_info["id"]
        job, state = await self._queue.job(id), await self._queue.state(id)
        if job is None or state is None or job.kind != KIND or job.group:
            raise NotFound(_NONE)
        return job, state


_FRESH: Final = {hdrs.CACHE_CONTROL: "no-store"}


def served(path: Path) -> web.FileResponse:
    """A finished file, to be kept under its name."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = {
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="{path.name}"',
        hdrs.CONTENT_TYPE: kind, hdrs.CACHE_CONTROL: "private, no-cache",
    }  # fmt: skip
    return web.FileResponse(path, headers=headers)


def files(state: State) -> Mapping[str, str]:
    """Of a job that is done: names by format."""
    found = state.result.get("files", {})
    return found if isinstance(found, dict) else {}


def shown(job: Job, state: State) -> dict[str, Any]:
    """A video as callers see it."""
    return {
        "id": job.id,
        "title": job.label,
        "project": job.request.get("project", ""),
        "language": job.request.get("language", ""),
        "formats": list(job.request.get("formats", [])),
        "status": state.status,
        "done": round(state.done, 4),
        "left": None if state.left is None else round(state.left, 1),
        "note": state.note,
        "fault": state.fault,
        "code": state.code,
        "tries": state.tries,
        "at": state.at,
        "files": {kind: f"/v1/videos/{job.id}/files/{name}" for kind, name in files(state).items()},
        "seconds": state.result.get("seconds"),
        "notes": list(state.result.get("notes", [])),
    }


def _job(wished: Mapping[str, Any], script: Script) -> Job:
    formats = wished.get("formats", ["mp4"])
    if not isinstance(formats, list) or not formats or not set(map(str, formats)) <= set(FORMATS):
        raise Unprocessable(f"`formats` is a list of {', '.join(FORMATS)}.", _WRONG)
    scenes = wished.get("scenes")
    if scenes is not None and not (
        isinstance(scenes, list) and scenes and all(isinstance(each, str) for each in scenes)
    ):
        raise Unprocessable("`scenes` is a list of names of scenes, or null: all.", _WRONG)
    priority = wished.get("priority", _PRIORITY)
    if type(priority) is not int or not 0 <= priority <= 9:
        raise Unprocessable("`priority` is a whole number from 0 to 9.", _WRONG)
    name = _text(wished, "project")
    request = {
        "script": script.text, "folder": str(script.folder), "scenes": scenes, "values": None,
        "formats": list(dict.fromkeys(formats)), "language": _text(wished, "language"),
        "project": name,
    }  # fmt: skip
    return Job(
        secrets.token_hex(8), KIND, request, priority, label=script.title or name,
        webhook=_text(wished, "webhook"),
    )  # fmt: skip


def _text(wished: Mapping[str, Any], name: str) -> str:
    found = wished.get(name) or ""
    if not isinstance(found, str):
        raise Unprocessable(f"`{name}` is a text.", _WRONG)
    return found
