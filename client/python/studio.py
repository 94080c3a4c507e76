"""The studio of a server for programs: projects, their translations, videos and batches.

    from visavis.remote import studio

    async with studio("http://127.0.0.1:8765") as it:
        video = await it.videos.make(script="# Welcome\\n\\n[smiles] Good morning.")
        video = await it.videos.wait(video.id)
        await it.videos.save(video, "films")

See docs/studio.md and docs/api.md.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from visavis.remote.errors import Failed
from visavis.remote.requests import Requests
from visavis.remote.studio_answers import Batch, Project, Translation, Video, batch, known


class Videos:
    """Of a server."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def make(
        self, *, project: str = "", script: str = "", formats: Sequence[str] = ("mp4",),
        language: str = "", scenes: Sequence[str] | None = None, priority: int | None = None,
        webhook: str = "",
    ) -> Video:  # fmt: skip
        """Ask for one: of a project, or of a script. Raises Refused."""
        wished: dict[str, Any] = {"formats": list(formats)}
        given = {
            "project": project, "script": script, "language": language, "priority": priority,
            "webhook": webhook, "scenes": list(scenes) if scenes else None,
        }  # fmt: skip
        wished |= {key: value for key, value in given.items() if value not in ("", None)}
        return known(Video, await self._requests.json("POST", "/v1/videos", json=wished))

    async def all(self) -> list[Video]:
        """All that stand alone, the latest first."""
        return [
            known(Video, each)
            for each in (await self._requests.json("GET", "/v1/videos"))["videos"]
        ]

    async def get(self, id: str) -> Video:
        """How far one is. Raises Refused."""
        return known(Video, await self._requests.json("GET", _video(id)))

    async def follow(self, id: str) -> AsyncIterator[Video]:
        """Each change, until it is over."""
        async for each in self._requests.events(f"{_video(id)}/events"):
            yield known(Video, each)

    async def wait(self, id: str) -> Video:
        """Until it is done. Raises Failed where it never will be."""
        async for video in self.follow(id):
            if video.is_over:
                if video.status != "done":
                    raise Failed(video.status, video.code, video.fault)
                return video
        return await self.get(id)

    async def save(self, video: Video, folder: Path | str) -> list[Path]:
        """Its files, under their names, in a folder."""
        into = Path(folder)
        await asyncio.to_thread(into.mkdir, parents=True, exist_ok=True)
        return [
            await self._requests.save(address, into / address.rpartition("/")[2])
            for address in video.files.values()
        ]

    async def remove(self, id: str) -> None:
        """Cancel what is under way, forget what is over."""
        await self._requests.json("DELETE", _video(id))


class Batches:
    """Of a server."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def make(self, table: Path | str, **wished: Any) -> Batch:
        """One video for each row. wished: project or script, formats, proof, webhook: docs/api.md.

        Raises Refused, whose code is "batch-faults" where rows cannot be made.
        """
        form = await asyncio.to_thread(_form, table, wished)
        return batch(await self._requests.json("POST", "/v1/batches", data=form))

    async def check(self, table: Path | str, **wished: Any) -> dict[str, Any]:
        """What would be made of it, and what is wrong with which row; nothing is begun."""
        form = await asyncio.to_thread(_form, table, {**wished, "check": True})
        found: dict[str, Any] = await self._requests.json("POST", "/v1/batches", data=form)
        return found

    async def all(self) -> list[dict[str, Any]]:
        """All, without their rows."""
        found: list[dict[str, Any]] = (await self._requests.json("GET", "/v1/batches"))["batches"]
        return found

    async def get(self, id: str) -> Batch:
        """How far one is."""
        return batch(await self._requests.json("GET", _batch_at(id)))

    async def follow(self, id: str) -> AsyncIterator[Batch]:
        """Each change, until it is over; `rows` are those that changed, at first all."""
        async for each in self._requests.events(f"{_batch_at(id)}/events"):
            yield batch(each)

    async def wait(self, id: str) -> Batch:
        """Until it is over, however its rows went."""
        async for each in self.follow(id):
            if each.is_over:
                break
        return await self.get(id)

    async def retry(self, id: str, rows: Sequence[int] = ()) -> Batch:
        """Rows that failed, all or these."""
        sent = {"rows": list(rows)} if rows else {}
        return batch(await self._requests.json("POST", f"{_batch_at(id)}/retry", json=sent))

    async def rest(self, id: str) -> Batch:
        """The rows that a proof left out."""
        return batch(await self._requests.json("POST", f"{_batch_at(id)}/rest"))

    async def save(self, id: str, into: Path | str) -> Path:
        """All that is done, and the manifest, as a zip file."""
        return await self._requests.save(f"{_batch_at(id)}/files.zip", Path(into))

    async def remove(self, id: str) -> None:
        """Cancel what is under way, forget what is over."""
        await self._requests.json("DELETE", _batch_at(id))


class Projects:
    """Of a server."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def all(self) -> list[dict[str, Any]]:
        """`name`, `title`, `scenes`, `changed` and `seconds` of each."""
        found: list[dict[str, Any]] = (await self._requests.json("GET", "/v1/projects"))["projects"]
        return found

    async def get(self, name: str) -> Project:
        """Raises Refused."""
        return await self._got("GET", _project(name))

    async def create(self, name: str = "", *, title: str = "", script: str = "") -> Project:
        """Of a script, or one without scenes."""
        given = {"name": name, "title": title, "script": script}
        sent = {key: value for key, value in given.items() if value}
        return await self._got("POST", "/v1/projects", json=sent)

    async def save(self, before: Project, script: str, *, merge: bool = False) -> Project:
        """The script anew. Raises Refused, status 412, where somebody else saved since `before`.

        merge: put both together where they touch different things.
        """
        headers = {"If-Match": f'"{before.etag}"', "Content-Type": "text/markdown; charset=utf-8"}
        query = "?merge=true" if merge else ""
        return await self._got(
            "PUT", _project(before.name) + query, data=script.encode(), headers=headers
        )

    async def put_file(self, name: str, path: Path | str, file: str = "") -> None:
        """A picture, a video or a sound beside the script. file: its name there."""
        source = Path(path)
        data = await asyncio.to_thread(source.read_bytes)
        at = f"{_project(name)}/files/{quote(file or source.name)}"
        await self._requests.json("PUT", at, data=io.BytesIO(data))

    async def save_file(self, name: str, file: str, into: Path | str) -> Path:
        """One of its files."""
        return await self._requests.save(f"{_project(name)}/files/{quote(file)}", Path(into))

    async def import_file(self, path: Path | str, name: str = "") -> Project:
        """A text, Markdown, SRT or PPTX."""
        source = Path(path)
        form = aiohttp.FormData()
        if name:
            form.add_field("name", name)
        data = await asyncio.to_thread(source.read_bytes)
        form.add_field("file", io.BytesIO(data), filename=source.name)
        return await self._got("POST", "/v1/projects/import", data=form)

    async def remove(self, name: str) -> None:
        """With its files."""
        await self._requests.json("DELETE", _project(name))

    async def _got(self, method: str, path: str, **sent: Any) -> Project:
        answer, headers = await self._requests.whole(method, path, **sent)
        etag = headers.get("ETag", "").strip('"')
        return known(Project, {**answer, "etag": answer.get("etag") or etag})


class Translations:
    """Of a server's projects."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def all(self, project: str) -> dict[str, Any]:
        """`languages`: those there are; `possible`: those that it can be translated into."""
        found: dict[str, Any] = await self._requests.json("GET", _translation(project))
        return found

    async def make(self, project: str, language: str, *, anew: bool = False) -> Translation:
        """Translate what is not yet, or all of it anew, and wait for it.

        Raises Refused; its code is "translation-failed" where nobody translated.
        """
        sent = {"language": language, "anew": anew}
        while True:  # the server waits half a minute at most, then says what to ask for again
            made = await self._requests.json("POST", _translation(project), json=sent)
            if "pairs" in made:
                return known(Translation, made)
            sent = {"language": language, "job": made["id"]}

    async def get(self, project: str, language: str) -> Translation:
        """Raises Refused."""
        return known(Translation, await self._requests.json("GET", _translation(project, language)))

    async def save(
        self, project: str, language: str, pairs: Sequence[Mapping[str, Any]]
    ) -> Translation:
        """Write `target` of pairs, named by `scene` and `field`; they count as read.

        Raises Refused.
        """
        sent = {"pairs": [dict(each) for each in pairs]}
        at = _translation(project, language)
        return known(Translation, await self._requests.json("PUT", at, json=sent))

    async def remove(self, project: str, language: str) -> None:
        """The project itself stays."""
        await self._requests.json("DELETE", _translation(project, language))


class Studio:
    """projects, translations, videos, batches: of one server."""

    def __init__(self, requests: Requests) -> None:
        self.projects, self.videos = Projects(requests), Videos(requests)
        self.translations, self.batches = Translations(requests), Batches(requests)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, token: str = "") -> AsyncIterator[Self]:
        """token: the operator's, where the server has one."""
        async with aiohttp.ClientSession() as http:
            yield cls(Requests(http, url, token))


studio = Studio.open


def _video(id: str) -> str:
    return f"/v1/videos/{quote(id, safe='')}"


def _batch_at(id: str) -> str:
    return f"/v1/batches/{quote(id, safe='')}"


def _project(name: str) -> str:
    return f"/v1/projects/{quote(name, safe='')}"


def _translation(project: str, language: str = "") -> str:
    at = f"{_project(project)}/translations"
    return f"{at}/{quote(language, safe='')}" if language else at


def _form(table: Path | str, wished: Mapping[str, Any]) -> aiohttp.FormData:
    form = aiohttp.FormData()
    source = Path(table)
    form.add_field("table", io.BytesIO(source.read_bytes()), filename=source.name)
    for key, value in wished.items():
        if key == "script":
            text = value.read_text("utf-8") if isinstance(value, Path) else str(value)
            form.add_field("script", io.BytesIO(text.encode()), filename="script.md")
        elif isinstance(value, bool):
            form.add_field(key, str(value).lower())
        elif isinstance(value, (list, tuple)):
            form.add_field(key, ",".join(map(str, value)))
        else:
            form.add_field(key, str(value))
    return form
