"""Batches over HTTP: a script and a table are checked, made, watched, mended and fetched."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from aiohttp import hdrs, web

from visavis.server.http import forms, problems
from visavis.server.http.forms import Form
from visavis.server.http.streams import Stream
from visavis.server.studio.batches import archive, manifest, tables
from visavis.server.studio.batches.asking import Asking
from visavis.server.studio.batches.preparing import PROOF, Order
from visavis.server.studio.batches.table import Fault
from visavis.server.studio.batches.working import Report, Row, Working, manifest_of
from visavis.server.studio.document.reading import LARGEST
from visavis.server.studio.layers.exports import FORMATS
from visavis.server.studio.projects import Projects
from visavis.server.system.errors import Malformed, NotFound, Unprocessable

ALL: Final = "/v1/batches"
ONE: Final = ALL + "/{id}"
ROW: Final = ONE + "/rows/{row}/{file}"

_TEXTS: Final = (
    "project", "formats", "proof", "check", "skip", "webhook", "name", "encoding", "sheet",
)  # fmt: skip
_MOST_PROOF: Final = 50
_WRONG: Final = "batch-invalid"
_FRESH: Final = {hdrs.CACHE_CONTROL: "no-store"}


class BatchRoutes:
    """The batches of a server."""

    def __init__(self, projects: Projects, asking: Asking, working: Working) -> None:
        self._projects, self._asking, self._working = projects, asking, working

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.post(ALL, self._make),
            web.get(ALL, self._list),
            web.get(ONE, self._show),
            web.delete(ONE, self._remove),
            web.get(ONE + "/events", self._events),
            web.post(ONE + "/rest", self._rest),
            web.post(ONE + "/retry", self._retry),
            web.get(ONE + "/files.zip", self._zip),
            web.get(ONE + "/manifest.csv", self._manifest),
            web.get(ROW, self._file),
        ]

    async def close(self) -> None:
        """A table that is being read is not read any further; the queue has an owner of its own."""
        self._asking.close()

    async def _make(self, request: web.Request) -> web.Response:
        """202 and the batch; 200 and what was found, where that alone is wanted."""
        sent = forms.form(request, {"table": tables.LARGEST, "script": LARGEST}, _TEXTS)
        async with sent as form, _folder() as folder:
            order = await self._order(form, folder)
            check, skip = _flag(form, "check"), _flag(form, "skip")
            proof = _count(form, "proof")
            found = await self._asking.ask(order, keep=not check, skip=skip, proof=proof)
            if check:
                return web.json_response(found)
            if "new" not in found:
                raise Faulty(found)
            new, webhook = Path(found["new"]), form.texts.get("webhook", "")
            report = await self._working.begin(new, found["proof"], webhook)
        headers = {hdrs.LOCATION: f"{ALL}/{report.batch.id}"}
        return web.json_response(shown(report), status=202, headers=headers)

    async def _order(self, form: Form, folder: Path) -> Order:
        """What is to be made, its table as a file in `folder`. Raises Problem."""
        if "table" not in form.files:
            raise Malformed("Send the table as the field `table`.", "table-missing")
        table = folder / "table"
        await asyncio.to_thread(_saved, form, table)
        name = form.texts.get("project", "")
        if bool(name) == ("script" in form.files):
            raise Unprocessable("Name a project, or send a script: one of both.", _WRONG)
        texts = {key: form.texts.get(key, "") for key in ("name", "encoding", "sheet")}
        if name:
            version = await asyncio.to_thread(self._projects.read, name)
            files = await asyncio.to_thread(self._projects.path, name)
            return Order(table, version.text, files, name, _formats(form), **texts)
        script = await asyncio.to_thread(form.files["script"].file.read)
        try:
            return Order(table, script.decode("utf-8-sig"), None, "", _formats(form), **texts)
        except UnicodeDecodeError:
            raise Malformed("The script must be UTF-8 text.", "script-invalid") from None

    async def _list(self, _request: web.Request) -> web.Response:
        reports = await self._working.all()
        found = [report.summary() for report in reports]
        return web.json_response({"batches": found}, headers=_FRESH)

    async def _show(self, request: web.Request) -> web.Response:
        report = await self._working.report(_id(request))
        return web.json_response(shown(report), headers=_FRESH)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        await self._working.report(_id(request))
        stream = await Stream.open(request)
        async with aclosing(self._told(_id(request))) as told:
            return await stream.follow("state", told)

    async def _told(self, id: str) -> AsyncGenerator[str]:
        """Each change: the whole's state, and the rows that have changed since the last one."""
        async with aclosing(self._working.watch(id)) as reports:
            async for report, rows in reports:
                said = report.summary() | {"rows": [_row(report, row) for row in rows]}
                yield json.dumps(said, ensure_ascii=False)

    async def _rest(self, request: web.Request) -> web.Response:
        """The rows that a proof left out."""
        return web.json_response(shown(await self._working.go_on(_id(request))), status=202)

    async def _retry(self, request: web.Request) -> web.Response:
        """Rows that failed, all or those named."""
        rows = (await problems.json_object(request)).get("rows", [])
        if not isinstance(rows, list) or not all(type(row) is int for row in rows):
            raise Unprocessable("`rows` is a list of numbers of rows.", _WRONG)
        return web.json_response(shown(await self._working.retry(_id(request), rows)), status=202)

    async def _remove(self, request: web.Request) -> web.Response:
        """What is under way is cancelled; what is over is forgotten, with its films."""
        await self._working.remove(_id(request))
        return web.Response(status=204)

    async def _manifest(self, request: web.Request) -> web.Response:
        report = await self._working.report(_id(request))
        text = await asyncio.to_thread(manifest_of, report)
        headers = {**_FRESH, hdrs.CONTENT_DISPOSITION: _attached(manifest.NAME)}
        return web.Response(text=text, content_type="text/csv", charset="utf-8", headers=headers)

    async def _file(self, request: web.Request) -> web.FileResponse:
        row = request.match_info["row"]
        if not row.isascii() or not row.isdigit() or len(row) > 7:
            raise NotFound("There is no such row.", "file-not-found")
        path, name = await self._working.file(_id(request), int(row), request.match_info["file"])
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        headers = {
            hdrs.CONTENT_DISPOSITION: _attached(name), hdrs.CONTENT_TYPE: kind,
            hdrs.CACHE_CONTROL: "private, no-cache",
        }  # fmt: skip
        return web.FileResponse(path, headers=headers)

    async def _zip(self, request: web.Request) -> web.StreamResponse:
        """All that is done until now, and the manifest."""
        report = await self._working.report(_id(request))
        entries = await self._working.entries(report)
        title = report.batch.title or report.batch.project or "batch"
        headers = {**_FRESH, hdrs.CONTENT_DISPOSITION: _attached(f"{title}.zip")}
        response = web.StreamResponse(headers=headers)
        response.content_type = "application/zip"
        await response.prepare(request)
        packing = archive.pieces(entries)
        while piece := await asyncio.to_thread(next, packing, b""):
            await response.write(piece)
        return response


def shown(report: Report) -> dict[str, Any]:
    """A batch as callers see it."""
    return {**report.summary(), "rows": [_row(report, row) for row in report.rows]}


def _row(report: Report, row: Row) -> dict[str, Any]:
    place = f"{ALL}/{report.batch.id}/rows/{row.kept.row}"
    said = row.as_json()
    return {**said, "files": {kind: f"{place}/{name}" for kind, name in said["files"].items()}}


class Faulty(Unprocessable):
    """Rows that cannot be made; `more` tells all that was found."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        first = next((fault for fault in found["faults"] if fault["grave"]), None)
        told = str(Fault(**first)) if first else "There is no row that can be made."
        lost = found["rows"] - found["films"]
        if first and first["row"]:
            told = f"{lost} of {found['rows']} rows cannot be made. {told}"
        super().__init__(told, "batch-faults")
        self._found = found

    @property
    def more(self) -> Mapping[str, Any]:
        """What was found, as where it alone is asked for."""
        return self._found


def _saved(form: Form, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(form.files["table"].file, file)


@asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    """One that goes with the request."""
    place = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="visavis-table-")
    try:
        yield Path(place.name)
    finally:
        await asyncio.to_thread(place.cleanup)


def _formats(form: Form) -> tuple[str, ...]:
    """Raises Unprocessable."""
    found = tuple(dict.fromkeys(form.texts.get("formats", "").replace(",", " ").split()))
    if not set(found) <= set(FORMATS):
        raise Unprocessable(f"`formats` is one or more of {', '.join(FORMATS)}.", _WRONG)
    return found or ("mp4",)


def _flag(form: Form, name: str) -> bool:
    """Raises Unprocessable."""
    said = form.texts.get(name, "false").lower()
    if said not in {"true", "false"}:
        raise Unprocessable(f"`{name}` is true or false.", _WRONG)
    return said == "true"


def _count(form: Form, name: str) -> int:
    """Raises Unprocessable."""
    said = form.texts.get(name, "0") or "0"
    if said.lower() == "true":
        return PROOF
    if not said.isascii() or not said.isdigit() or int(said[:4]) > _MOST_PROOF:
        raise Unprocessable(f"`{name}` is a number of rows, {_MOST_PROOF} at most.", _WRONG)
    return int(said[:4])


def _attached(name: str) -> str:
    """RFC 6266: names of any script, and one of plain letters for whom those are none."""
    plain = "".join(char if char.isascii() and char.isprintable() else "_" for char in name)
    plain = plain.replace('"', "_").replace("\\", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _id(request: web.Request) -> str:
    return request.match_info["id"]
