"""The studio of a server for programs: projects, videos and batches.

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
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

import aiohttp

from visavis.remote.errors import Failed
from visavis.remote.requests import Requests

_OVER: Final = frozenset({"done", "failed", "cancelled"})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Video:
    """As docs/api.md has it. files: addresses by format."""

    id: str
    title: str
    project: str
    language: str
    formats: list[str]
    status: str
    done: float
    left: float | None
    note: str
    fault: str
    code: str
    tries: int
    at: float
    files: dict[str, str]
    seconds: float | None
    notes: list[str]

    @property
    def is_over(self) -> bool:
        """Whether nothing changes any more."""
        return self.status in _OVER


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a batch. files: addresses by format."""

    row: int
    label: str
    status: str
    done: float
    fault: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Batch:
    """All of it; `rows` of an event are those that changed."""

    id: str
    title: str
    project: str
    status: str
    done: float
    left: float | None
    count: int
    counts: dict[str, int]
    rows: list[Row]

    @property
    def is_over(self) -> bool:
        """Whether nothing changes any more."""
        return self.status in _OVER


@dataclass(frozen=True, slots=True)
class Project:
    """As the server has it. etag: give it back when you save. project: None where the script cannot
    be read; faults say why.
    """

    name: str
    etag: str
    script: str
    project: dict[str, Any] | None
    files: list[dict[str, Any]]
    faults: list[dict[str, Any]]
    seconds: float


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
        return _of(Video, await self._requests.json("POST", "/v1/videos", json=wished))

    async def all(self) -> list[Video]:
        """All that stand alone, the latest first."""
        return [
            _of(Video, each) for each in (await self._requests.json("GET", "/v1/videos"))["videos"]
        ]

    async def get(self, id: str) -> Video:
        """How far one is. Raises Refused."""
        return _of(Video, await self._requests.json("GET", _video(id)))

    async def follow(self, id: str) -> AsyncIterator[Video]:
        """Each change, until it is over."""
        async for each in self._requests.events(f"{_video(id)}/events"):
            yield _of(Video, each)

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
        return _batch(await self._requests.json("POST", "/v1/batches", data=form))

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
        return _batch(await self._requests.json("GET", _batch_at(id)))

    async def follow(self, id: str) -> AsyncIterator[Batch]:
        """Each change, until it is over; `rows` are those that changed, at first all."""
        async for each in self._requests.events(f"{_batch_at(id)}/events"):
            yield _batch(each)

    async def wait(self, id: str) -> Batch:
        """Until it is over, however its rows went."""
        async for batch in self.follow(id):
            if batch.is_over:
                break
        return await self.get(id)

    async def retry(self, id: str, rows: Sequence[int] = ()) -> Batch:
        """Rows that failed, all or these."""
        sent = {"rows": list(rows)} if rows else {}
        return _batch(await self._requests.json("POST", f"{_batch_at(id)}/retry", json=sent))

    async def rest(self, id: str) -> Batch:
        """The rows that a proof left out."""
        return _batch(await self._requests.json("POST", f"{_batch_at(id)}/rest"))

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
        return _of(Project, {**answer, "etag": answer.get("etag") or etag})


class Studio:
    """projects, videos, batches: of one server."""

    def __init__(self, requests: Requests) -> None:
        self.projects, self.videos = Projects(requests), Videos(requests)
        self.batches = Batches(requests)

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


def _batch(found: Mapping[str, Any]) -> Batch:
    rows = [_of(Row, each) for each in found.get("rows", [])]
    return _of(Batch, {**found, "rows": rows})


def _of(kind: type[T], found: Mapping[str, Any]) -> T:
    """Without what later versions add."""
    named = {each.name for each in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    return kind(**{key: value for key, value in found.items() if key in named})
