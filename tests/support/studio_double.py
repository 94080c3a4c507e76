"""The studio's addresses as its page knows them, in memory: what is kept and made is plain.

For the page's own tests: films are "made" by a clock, tables are read by their commas.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler, Middleware
from support.services import FakeServices

from visavis.server.avatars.store import AvatarStore
from visavis.server.commands.composition import application
from visavis.server.rtc import hooks
from visavis.server.system.config import Config

SSE = {"Content-Type": "text/event-stream"}


def problem(status: int, code: str, detail: str, **more: Any) -> web.Response:
    """As server/http/problems.py words one."""
    body = {"type": f"urn:visavis:{code}", "status": status, "detail": detail, **more}
    return web.json_response(body, status=status, content_type="application/problem+json")


def film() -> bytes:
    """One second of a small MP4."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for at in range(10):
            picture = np.full((90, 160, 3), (200 - 8 * at, 170, 140), np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return out.getvalue()


class Studio:
    """All of it. step: s between two states of a job."""

    def __init__(self, step: float = 0.05) -> None:
        self.step = step
        self.projects: dict[str, dict[str, Any]] = {}
        self.etags: dict[str, int] = {}
        self.files: dict[str, dict[str, bytes]] = {}
        self.videos: dict[str, dict[str, Any]] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.translations: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.asked: list[dict[str, Any]] = []  # bodies of POST /v1/videos
        self.saves = 0
        self.failing_rows = {"Fails"}  # of their first try
        self._film = film()

    # --- projects ---------------------------------------------------------------------------

    def answer(self, name: str) -> dict[str, Any]:
        project = self.projects[name]
        faults = [
            {
                "scene": scene["name"],
                "line": 1,
                "what": "The scene has nothing to say.",
                "fix": "Write a text.",
                "grave": True,
            }
            for scene in project["scenes"]
            if not scene.get("text") and not scene.get("sound")
        ]
        files = [
            {"name": file, "bytes": len(data), "kind": "other"}
            for file, data in self.files.get(name, {}).items()
        ]
        words = sum(len(scene.get("text", "").split()) for scene in project["scenes"])
        return {
            "name": name, "etag": str(self.etags[name]), "project": project, "script": "",
            "files": files, "faults": faults, "seconds": words / 2.6,
        }  # fmt: skip

    def put(self, name: str, project: dict[str, Any]) -> None:
        """A version by whoever."""
        self.projects[name] = project
        self.etags[name] = self.etags.get(name, 0) + 1

    async def overview(self, _request: web.Request) -> web.Response:
        rows = [
            {
                "name": name,
                "title": project.get("title", ""),
                "scenes": len(project["scenes"]),
                "changed": 1_796_000_000,
                "seconds": self.answer(name)["seconds"],
            }
            for name, project in self.projects.items()
        ]
        return web.json_response({"projects": rows})

    async def create(self, request: web.Request) -> web.Response:
        body = await request.json()
        name = f"film-{len(self.etags) + 1}"
        self.put(name, {"title": body.get("title", ""), "scenes": [{"name": "scene-1"}]})
        return web.json_response(self.answer(name), status=201)

    async def import_(self, request: web.Request) -> web.Response:
        form = await request.post()
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        with upload.file:
            parts = upload.file.read().decode().split("\n\n")
        name = f"film-{len(self.etags) + 1}"
        scenes = [{"name": f"scene-{at + 1}", "text": part} for at, part in enumerate(parts)]
        self.put(name, {"title": Path(upload.filename).stem, "scenes": scenes})
        return web.json_response(self.answer(name), status=201)

    async def get(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.projects:
            return problem(404, "notfound", "There is no such project.")
        return web.json_response(self.answer(name))

    async def save(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if request.headers.get("If-Match") != str(self.etags[name]):
            theirs = {"etag": str(self.etags[name]), "project": self.projects[name]}
            return problem(412, "project-changed", "Somebody else changed it.", **theirs)
        self.saves += 1
        self.put(name, (await request.json())["project"])
        return web.json_response(self.answer(name))

    async def delete(self, request: web.Request) -> web.Response:
        self.projects.pop(request.match_info["name"])
        return web.Response(status=204)

    async def put_file(self, request: web.Request) -> web.Response:
        name, file = request.match_info["name"], request.match_info["file"]
        self.files.setdefault(name, {})[file] = await request.read()
        return web.json_response({"files": self.answer(name)["files"]}, status=201)

    async def get_file(self, request: web.Request) -> web.Response:
        name, file = request.match_info["name"], request.match_info["file"]
        data = self.files.get(name, {}).get(file)
        return (
            problem(404, "notfound", "No such file.") if data is None else web.Response(body=data)
        )

    async def translate(self, request: web.Request) -> web.Response:
        name, language = request.match_info["name"], (await request.json())["language"]
        kept = self.translations.get((name, language))
        pairs = kept or [
            {
                "scene": scene["name"], "field": "text", "source": scene.get("text", ""),
                "target": f"<{language}> {scene.get('text', '')}", "fit": 1.08, "state": "machine",
            }
            for scene in self.projects[name]["scenes"]
        ]  # fmt: skip
        self.translations[name, language] = pairs
        answer = {"language": language, "by": "a double", "pairs": pairs, "notes": []}
        return web.json_response(answer)

    async def list_translations(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        there = [
            {"language": language, "texts": len(pairs), "checked": 0, "stale": 0,
             "machine": sum(pair["state"] == "machine" for pair in pairs)}
            for (project, language), pairs in self.translations.items()
            if project == name
        ]  # fmt: skip
        possible = [{"language": tag} for tag in ("de", "es")]
        return web.json_response({"languages": there, "possible": possible})

    async def keep_translation(self, request: web.Request) -> web.Response:
        name, language = request.match_info["name"], request.match_info["language"]
        changed = {(pair["scene"], pair["field"]): pair for pair in (await request.json())["pairs"]}
        pairs = self.translations[name, language]
        pairs[:] = [pair | changed.get((pair["scene"], pair["field"]), {}) for pair in pairs]
        return web.json_response({"language": language, "pairs": pairs})

    # --- films ------------------------------------------------------------------------------

    async def make(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        id_ = f"v{len(self.videos) + 1}"
        project = self.projects[body["project"]]
        self.videos[id_] = {
            "id": id_, "status": "queued", "done": 0.0, "left": None, "note": "", "fault": "",
            "code": "", "title": project.get("title", ""), "project": body["project"],
            "language": body.get("language", ""), "at": 1_796_000_000.0 + len(self.videos),
            "files": {each: f"/v1/videos/{id_}/files/film.{each}" for each in body["formats"]},
            "seconds": 1.0, "notes": [],
        }  # fmt: skip
        return web.json_response(self.videos[id_], status=202)

    async def video_list(self, _request: web.Request) -> web.Response:
        return web.json_response({"videos": list(self.videos.values())})

    async def video(self, request: web.Request) -> web.Response:
        state = self.videos.get(request.match_info["id"])
        return web.json_response(state) if state else problem(404, "notfound", "No such film.")

    async def video_drop(self, request: web.Request) -> web.Response:
        state = self.videos[request.match_info["id"]]
        if state["status"] in {"done", "failed", "cancelled"}:
            del self.videos[state["id"]]
        else:
            state["status"] = "cancelled"
        return web.Response(status=204)

    async def video_events(self, request: web.Request) -> web.StreamResponse:
        state = self.videos[request.match_info["id"]]
        response = web.StreamResponse(headers=SSE)
        await response.prepare(request)
        for at in range(11):
            if state["status"] == "cancelled":
                break
            if state["status"] != "done":
                state["status"] = "done" if at == 10 else "running"
                state |= {"done": at / 10, "left": (10 - at) * 7.0, "note": "drawing"}
            await self._tell(response, state)
            await asyncio.sleep(self.step)
        await self._tell(response, state)
        return response

    async def _tell(self, response: web.StreamResponse, state: dict[str, Any]) -> None:
        await response.write(f"event: state\ndata: {json.dumps(state)}\n\n".encode())

    async def a_film(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._film, content_type="video/mp4")

    # --- batches ----------------------------------------------------------------------------

    async def batch(self, request: web.Request) -> web.Response:
        form = await request.post()
        table = form["table"]
        assert isinstance(table, web.FileField)
        with table.file:
            text = table.file.read().decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        if form.get("check"):
            return web.json_response(self._checked(rows))
        id_ = f"b{len(self.batches) + 1}"
        proof = int(str(form.get("proof", 0)))
        states: list[dict[str, Any]] = [
            {"row": at + 1, "label": row["first_name"], "done": 0.0, "fault": "", "files": {},
             "status": "waiting" if proof and at >= proof else "queued", "tries": 0}
            for at, row in enumerate(rows) if row["first_name"]
        ]  # fmt: skip
        self.batches[id_] = {
            "id": id_, "status": "running", "done": 0.0, "left": 9.0, "rows": states,
            "proof": bool(proof), "project": str(form["project"]), "at": 1_796_000_000,
            "count": len(states),
        }  # fmt: skip
        return web.json_response({"id": id_, "status": "queued"}, status=202)

    def _checked(self, rows: list[dict[str, str]]) -> dict[str, Any]:
        faults = [
            {"row": at + 1, "column": "first_name", "what": "The name is empty.", "grave": True}
            for at, row in enumerate(rows)
            if not row["first_name"]
        ]
        sample = [
            {"row": at + 1, "label": row["first_name"], "text": f"Hello {row['first_name']}!"}
            for at, row in enumerate(rows[:3])
        ]
        columns = list(rows[0]) if rows else []
        return {
            "rows": len(rows), "films": len(rows) - len(faults), "columns": columns,
            "faults": faults, "more": 0,
            "seconds": 12.0 * len(rows), "sample": sample,
        }  # fmt: skip

    def summary(self, id_: str) -> dict[str, Any]:
        """Of a batch, without its rows."""
        state = self.batches[id_]
        found = [row["status"] for row in state["rows"]]
        counts = {status: found.count(status) for status in ("done", "failed", "cancelled")}
        told = {key: value for key, value in state.items() if key != "rows"}
        return told | {"waiting": found.count("waiting"), "counts": counts}

    async def batch_list(self, _request: web.Request) -> web.Response:
        return web.json_response({"batches": [self.summary(id_) for id_ in self.batches]})

    async def batch_state(self, request: web.Request) -> web.Response:
        id_ = request.match_info["id"]
        return web.json_response(self.summary(id_) | {"rows": self.batches[id_]["rows"]})

    async def batch_events(self, request: web.Request) -> web.StreamResponse:
        id_ = request.match_info["id"]
        state = self.batches[id_]
        response = web.StreamResponse(headers=SSE)
        await response.prepare(request)
        await self._tell(response, self.summary(id_) | {"rows": state["rows"]})
        for row in [row for row in state["rows"] if row["status"] == "queued"]:
            row["tries"] += 1
            if row["label"] in self.failing_rows and row["tries"] == 1:
                row |= {"status": "failed", "fault": "The voice cannot say this name."}
            else:
                place = f"/v1/batches/{id_}/rows/{row['row']}/{row['row']}.mp4"
                row |= {"status": "done", "fault": "", "files": {"mp4": place}}
            await asyncio.sleep(self.step)
            await self._tell(response, self.summary(id_) | {"rows": [row]})
        state |= {"status": "done", "done": 1.0}
        await self._tell(response, self.summary(id_) | {"rows": []})
        return response

    async def batch_rest(self, request: web.Request) -> web.Response:
        return self._again(request, "waiting")

    async def batch_retry(self, request: web.Request) -> web.Response:
        return self._again(request, "failed")

    def _again(self, request: web.Request, status: str) -> web.Response:
        state = self.batches[request.match_info["id"]]
        state["status"] = "running"
        for row in state["rows"]:
            if row["status"] == status:
                row["status"] = "queued"
        return web.json_response({"id": state["id"], "status": "running"}, status=202)

    async def batch_drop(self, request: web.Request) -> web.Response:
        self.batches[request.match_info["id"]]["status"] = "cancelled"
        return web.Response(status=204)

    async def batch_files(self, _request: web.Request) -> web.Response:
        return web.Response(body=b"row,file\r\n")

    def routes(self) -> list[web.RouteDef]:
        """Instead of the server's own."""
        p, v, b = "/v1/projects", "/v1/videos", "/v1/batches"
        return [
            web.get(p, self.overview), web.post(p, self.create),
            web.post(p + "/import", self.import_),
            web.get(p + "/{name}", self.get), web.put(p + "/{name}", self.save),
            web.delete(p + "/{name}", self.delete),
            web.put(p + "/{name}/files/{file}", self.put_file),
            web.get(p + "/{name}/files/{file}", self.get_file),
            web.post(p + "/{name}/translations", self.translate),
            web.get(p + "/{name}/translations", self.list_translations),
            web.put(p + "/{name}/translations/{language}", self.keep_translation),
            web.post(v, self.make), web.get(v, self.video_list), web.get(v + "/{id}", self.video),
            web.delete(v + "/{id}", self.video_drop),
            web.get(v + "/{id}/events", self.video_events),
            web.get(v + "/{id}/files/{file}", self.a_film),
            web.post(b, self.batch), web.get(b, self.batch_list),
            web.get(b + "/{id}", self.batch_state), web.get(b + "/{id}/events", self.batch_events),
            web.post(b + "/{id}/retry", self.batch_retry),
            web.post(b + "/{id}/rest", self.batch_rest), web.delete(b + "/{id}", self.batch_drop),
            web.get(b + "/{id}/files.zip", self.batch_files),
            web.get(b + "/{id}/manifest.csv", self.batch_files),
            web.get(b + "/{id}/rows/{row}/{file}", self.a_film),
        ]  # fmt: skip


@asynccontextmanager
async def studio_serving(
    studio: Studio,
    services: FakeServices | None = None,
    listens: int | None = None,
    **settings: Any,
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """A server on fakes whose studio is the double; sessions and avatars are the real ones."""
    hooks.install()
    fakes = services or FakeServices()
    with tempfile.TemporaryDirectory() as home:
        config = Config(**{"home": home, **settings})
        app = application(config, fakes, AvatarStore(config.home_path), fakes.metrics)
        app.middlewares.insert(0, instead(app, studio.routes()))
        async with TestClient(TestServer(app, host="127.0.0.1", port=listens)) as client:
            yield client
    fakes.close()


def instead(app: web.Application, routes: list[web.RouteDef]) -> Middleware:
    """What answers these addresses in place of the server's own."""
    own = web.UrlDispatcher()
    own.add_routes(routes)

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        found = await own.resolve(request)
        if found.http_exception is not None:
            return await handler(request)
        found.add_app(app)
        fresh = request.clone()  # a request remembers what it was found to ask for
        fresh._match_info = found
        return await found.handler(fresh)

    return answer
