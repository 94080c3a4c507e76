"""Projects over HTTP: listed, made, opened, saved by several people, and their files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

from aiohttp import hdrs, web

from visavis.server.http import forms
from visavis.server.studio.document import checks, faults, length
from visavis.server.studio.document.checks import Known
from visavis.server.studio.document.project import Project
from visavis.server.studio.document.reading import LARGEST, from_json
from visavis.server.studio.document.writing import as_json
from visavis.server.studio.imports import importing
from visavis.server.studio.projects import (
    LARGEST_FILE,
    Projects,
    Version,
    empty,
)
from visavis.server.system import strict_json
from visavis.server.system.errors import Busy, Malformed, Unprocessable, WrongType

log = logging.getLogger(__name__)

ALL: Final = "/v1/projects"
ONE: Final = ALL + "/{name}"
IMPORT: Final = ALL + "/import"
FILE: Final = ONE + "/files/{file:.+}"

_MARKDOWN: Final = frozenset({"text/markdown", "text/plain"})
_LARGEST_JSON: Final = 4 * LARGEST  # bytes: every letter may be escaped
_AT_ONCE: Final = 4  # files that are received
_TYPES: Final = {
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp",
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm",
    ".mkv": "video/x-matroska", ".wav": "audio/wav", ".mp3": "audio/mpeg", ".m4a": "audio/mp4",
    ".aac": "audio/aac", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".flac": "audio/flac",
}  # fmt: skip


class ProjectRoutes:
    """The projects of an installation. known: what it has, looked up anew each time."""

    def __init__(self, projects: Projects, known: Callable[[], Known]) -> None:
        self._projects, self._known = projects, known
        self._receiving = 0

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.get(ALL, self._list),
            web.post(ALL, self._create),
            web.post(IMPORT, self._import),
            web.get(ONE, self._show),
            web.put(ONE, self._save),
            web.delete(ONE, self._delete),
            web.get(FILE, self._file),
            web.put(FILE, self._put_file),
            web.delete(FILE, self._remove_file),
        ]

    async def close(self) -> None:
        """What is under way ends with its request."""

    async def _list(self, _request: web.Request) -> web.Response:
        rows = await asyncio.to_thread(self._projects.overview)
        projects = [
            {
                "name": version.name,
                "title": version.project.title if version.project else "",
                "scenes": len(version.project.scenes) if version.project else 0,
                "changed": round(version.changed, 3),
                "seconds": seconds,
            }
            for version, seconds in rows
        ]
        return web.json_response({"projects": projects})

    async def _create(self, request: web.Request) -> web.Response:
        """201 and the project: from a script, or one without scenes."""
        given = await _json(request)
        name, title, script = (_text(given, key) for key in ("name", "title", "script"))
        text = script if script.strip() else empty(title)
        version = await asyncio.to_thread(self._projects.create, name, text)
        return await self._told(version, status=201)

    async def _import(self, request: web.Request) -> web.Response:
        """201 and a project made of somebody's file."""
        async with (
            self._place(),
            forms.form(request, {"file": importing.LARGEST_FILE}, ("name",)) as form,
        ):
            upload = form.files.get("file")
            if upload is None:
                raise Unprocessable("The form has no file.", "import-broken")
            made = await asyncio.to_thread(importing.imported, upload.name, upload.file)
        create = partial(
            self._projects.create, form.texts.get("name", ""), made.text, made.files,
            like=PurePosixPath(upload.name).stem,
        )  # fmt: skip
        version = await asyncio.to_thread(create)
        log.info("a project is imported", extra={"bytes": upload.bytes})
        return await self._told(version, status=201, notes=made.notes)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """While a file is received. Raises Busy."""
        if self._receiving >= _AT_ONCE:
            raise Busy("Other files are being received. Try again in a few seconds.")
        self._receiving += 1
        try:
            yield
        finally:
            self._receiving -= 1

    async def _show(self, request: web.Request) -> web.Response:
        return await self._told(await asyncio.to_thread(self._projects.read, _name(request)))

    async def _save(self, request: web.Request) -> web.Response:
        """The project as it then is; 412 and the other's where somebody else was faster."""
        etag = request.headers.get(hdrs.IF_MATCH, "").removeprefix("W/").strip('" ')
        if not etag:
            msg = "Say which version you changed: If-Match, with the ETag that you were given."
            raise Malformed(msg, "if-match-missing")
        if request.content_type in _MARKDOWN:
            new: Project | str = _decoded(await forms.content(request, LARGEST))
        elif request.content_type == "application/json":
            new = await self._read(await _json(request))
        else:
            raise WrongType("Send the project as application/json, or its script as text/markdown.")
        merge = request.query.get("merge") == "true"
        saving = partial(self._projects.save, _name(request), new, etag, merge=merge)
        return await self._told(await asyncio.to_thread(saving))

    async def _read(self, given: dict[str, Any]) -> Project:
        if "project" not in given:
            raise Unprocessable('Send {"project": {...}}.', "project-missing")
        return await asyncio.to_thread(from_json, given["project"])

    async def _delete(self, request: web.Request) -> web.Response:
        await asyncio.to_thread(self._projects.delete, _name(request))
        log.info("a project is deleted")
        return web.Response(status=204)

    # --- files -----------------------------------------------------------------------------------

    async def _file(self, request: web.Request) -> web.FileResponse:
        name, file = _name(request), request.match_info["file"]
        path = await asyncio.to_thread(self._projects.file, name, file)
        kind = _TYPES.get(PurePosixPath(file).suffix.lower(), "application/octet-stream")
        return web.FileResponse(
            path, headers={hdrs.CONTENT_TYPE: kind, hdrs.CACHE_CONTROL: "no-cache"}
        )

    async def _put_file(self, request: web.Request) -> web.Response:
        """201 and what is there now. The file itself is looked at when it is used."""
        name, file = _name(request), request.match_info["file"]
        putting = self._projects.putting(name, file)
        async with self._place():
            opened = await asyncio.to_thread(putting.__enter__)
            try:
                await forms.received(request, LARGEST_FILE, opened)
            except BaseException as error:
                putting.__exit__(type(error), error, error.__traceback__)
                raise
            await asyncio.to_thread(putting.__exit__, None, None, None)
        files = await asyncio.to_thread(self._projects.files, name)
        return web.json_response({"files": [asdict(each) for each in files]}, status=201)

    async def _remove_file(self, request: web.Request) -> web.Response:
        await asyncio.to_thread(self._projects.remove, _name(request), request.match_info["file"])
        return web.Response(status=204)

    # --- what is told ----------------------------------------------------------------------------

    async def _told(
        self, version: Version, status: int = 200, notes: Sequence[str] | None = None
    ) -> web.Response:
        told = await asyncio.to_thread(self._shown, version)
        if notes is not None:
            told["notes"] = list(notes)
        headers = {hdrs.ETAG: f'"{version.etag}"', hdrs.CACHE_CONTROL: "no-cache"}
        if status == 201:
            headers[hdrs.LOCATION] = f"{ALL}/{version.name}"
        return web.json_response(told, status=status, headers=headers)

    def _shown(self, version: Version) -> dict[str, Any]:
        folder = self._projects.path(version.name)
        files = self._projects.files(version.name)
        project, found = version.project, version.faults
        if version.script is not None:
            found = checks.check(version.script.project, folder, self._known(), version.script.line)
        return {
            "name": version.name,
            "etag": version.etag,
            "project": as_json(project) if project else None,
            "script": version.text,
            "files": [asdict(each) for each in files],
            "faults": faults.as_json(found),
            "seconds": length.seconds(project, folder) if project else 0.0,
        }


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        given = strict_json.parse(_decoded(await forms.content(request, _LARGEST_JSON)) or "{}")
    except strict_json.NotJson:
        raise Malformed("The body is not JSON.", "malformed-json") from None
    if not isinstance(given, dict):
        raise Malformed("The body must be a JSON object.", "malformed-json")
    return given


def _text(given: dict[str, Any], key: str) -> str:
    value = given.get(key) or ""
    if not isinstance(value, str):
        raise Unprocessable(f"{key} must be a text.", "field-invalid")
    return value


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Malformed("The body must be UTF-8 text.") from None


def _name(request: web.Request) -> str:
    return request.match_info["name"]
