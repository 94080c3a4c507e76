"""Translations over HTTP: made, read side by side, corrected, and filmed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from support.projects import as_problems
from support.serving import problem as said
from support.translators import DoubleTranslator

from visavis.engines.base import EngineError
from visavis.remote import Refused, studio
from visavis.server.jobs.job import Job, State
from visavis.server.studio.document import length
from visavis.server.studio.document.project import Project, Scene
from visavis.server.studio.projects import Projects
from visavis.server.studio.scripts import ProjectScripts
from visavis.server.studio.translation import making, work
from visavis.server.studio.translations_http import TranslationRoutes
from visavis.server.studio.videos import Loose
from visavis.server.system.config import Config
from visavis.server.system.errors import NotFound, Unprocessable

SCRIPT = '+++\ntitle = "Our inn"\n+++\n\n# one\n\n[smiles] Hello {{name}}.\n\n# two\n\nGood bye.\n'
ALL = "/v1/projects/inn/translations"


async def problem(answer: Any) -> tuple[int, str]:
    """A refusal: its status, and its code."""
    status, told = await said(answer)
    return status, told["type"].removeprefix("urn:visavis:")


class Translators:
    """Whoever is here translates into Spanish and Arabic."""

    def __init__(self, double: DoubleTranslator) -> None:
        self._double = double

    def __call__(self, source: str, target: str) -> DoubleTranslator:
        if target not in ("es", "ar"):
            raise EngineError(f"there is no translator from {source} to {target} here: set one")
        return self._double

    def words(self) -> str:
        return "a double"


class Timing:
    """Estimates; a voice takes its time."""

    notes: tuple[str, ...] = ()

    def __init__(self, _config: Config, folder: Path) -> None:
        self._folder = folder

    def __call__(self, project: Project, scene: Scene) -> float:
        return length.of_scene(project.complete(scene), self._folder)


@dataclass
class Here:
    """A queue that does its jobs at once, in this process. Working, too."""

    config: Config
    folder: Path = Path()
    states: dict[str, State] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    hold: bool = False
    seconds: float = 3600.0  # that it holds a job for

    def tell(self, done: float, note: str = "") -> None:
        pass

    async def add(self, *jobs: Job) -> tuple[State, ...]:
        return tuple([await self._done(job) for job in jobs])

    async def _done(self, job: Job) -> State:
        self.jobs[job.id] = job
        before = self.states.get(job.id)
        if before is not None and before.status != "failed":
            return before
        if self.hold:
            self.states[job.id] = State(job.id, "running", 0.5, note="translates")
            return self.states[job.id]
        return await self._work(job)

    async def _work(self, job: Job) -> State:
        try:
            made: Mapping[str, Any] = await asyncio.to_thread(work.translation, job.request, self)
            self.states[job.id] = State(job.id, "done", 1.0, result=made)
        except (EngineError, Unprocessable) as error:
            code = getattr(error, "code", "")
            self.states[job.id] = State(job.id, "failed", fault=str(error), code=code)
        return self.states[job.id]

    async def job(self, id: str) -> Job | None:
        return self.jobs.get(id)

    async def state(self, id: str) -> State | None:
        return self.states.get(id)

    async def watch(self, id: str) -> AsyncIterator[State]:
        yield self.states[id]
        if self.states[id].status == "running":
            await asyncio.sleep(self.seconds)
            self.hold = False
            yield await self._work(self.jobs[id])


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> DoubleTranslator:
    made = DoubleTranslator()
    monkeypatch.setattr(making, "configured", lambda _config: Translators(made))
    monkeypatch.setattr(making, "Spoken", Timing)
    return made


@asynccontextmanager
async def serving(
    folder: Path, double: DoubleTranslator, *, hold: bool = False, seconds: float = 3600.0
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    projects = Projects(folder / "projects")
    await asyncio.to_thread(projects.create, "inn", SCRIPT)
    queue: Any = Here(Config(home=str(folder)), hold=hold, seconds=seconds)
    part = TranslationRoutes(
        projects, queue, lambda: Translators(double), lambda: frozenset({"en", "es", "ar", "de"})
    )
    app = web.Application(middlewares=[as_problems])
    app.add_routes(part.routes())
    async with TestClient(TestServer(app)) as client:
        yield client
        await part.close()


async def test_a_translation_is_made_read_corrected_and_deleted(
    tmp_path: Path, double: DoubleTranslator
) -> None:
    async with serving(tmp_path, double) as client:
        listed = await (await client.get(ALL)).json()
        assert listed["languages"] == []
        assert [each["language"] for each in listed["possible"]] == ["ar", "es"]
        made = await client.post(ALL, json={"language": "es"})
        assert made.status == 200
        told = await made.json()
        assert (told["project"], told["language"], told["by"]) == ("inn", "es", "a double")
        assert [(p["scene"], p["source"], p["target"], p["state"]) for p in told["pairs"]] == [
            ("", "Our inn", "OUR INN", "machine"),
            ("one", "[smiles] Hello {{name}}.", "[smiles] HELLO {{name}}.", "machine"),
            ("two", "Good bye.", "GOOD BYE.", "machine"),
        ]
        change = {"scene": "two", "field": "text", "target": "Adiós."}
        after = await (await client.put(f"{ALL}/es", json={"pairs": [change]})).json()
        assert [p["state"] for p in after["pairs"]] == ["machine", "machine", "checked"]
        assert "Adiós." in (tmp_path / "projects/inn/script.es.md").read_text()
        again = await (await client.post(ALL, json={"language": "es"})).json()
        assert again["pairs"] == after["pairs"]
        listed = await (await client.get(ALL)).json()
        assert listed["languages"] == [
            {
                "language": "es", "name": "Spanish", "direction": "ltr", "by": "a double",
                "texts": 3, "machine": 2, "checked": 1, "stale": 0,
            }
        ]  # fmt: skip
        anew = await (await client.post(ALL, json={"language": "es", "anew": True})).json()
        assert [p["target"] for p in anew["pairs"]][2] == "GOOD BYE."
        assert (await client.delete(f"{ALL}/es")).status == 204
        gone = await client.get(f"{ALL}/es")
        assert (await problem(gone)) == (404, "translation-missing")


async def test_arabic_is_told_to_run_from_right_to_left(
    tmp_path: Path, double: DoubleTranslator
) -> None:
    async with serving(tmp_path, double) as client:
        told = await (await client.post(ALL, json={"language": "ar"})).json()
        assert told["direction"] == "rtl"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"language": "de"}, 422, "translation-failed"),  # nobody translates into it
        ({"language": "en"}, 422, "language-invalid"),
        ({"language": "../x"}, 422, "language-invalid"),
        ({"language": 7}, 422, "translation-invalid"),
        ({}, 422, "language-invalid"),
    ],
)
async def test_what_cannot_be_translated_is_told(
    tmp_path: Path, double: DoubleTranslator, sent: object, status: int, code: str
) -> None:
    async with serving(tmp_path, double) as client:
        answer = await client.post(ALL, json=sent)
        assert (await problem(answer)) == (status, code)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({}, "translation-invalid"),
        ({"pairs": ["x"]}, "translation-invalid"),
        ({"pairs": [{"scene": "two", "field": "sound", "target": "x"}]}, "translation-invalid"),
        ({"pairs": [{"scene": "two", "field": "text", "target": 7}]}, "translation-invalid"),
        ({"pairs": [{"scene": "six", "field": "text", "target": "x"}]}, "pair-unknown"),
    ],
)
async def test_a_review_that_fits_nothing_is_refused(
    tmp_path: Path, double: DoubleTranslator, sent: object, code: str
) -> None:
    async with serving(tmp_path, double) as client:
        await client.post(ALL, json={"language": "es"})
        answer = await client.put(f"{ALL}/es", json=sent)
        assert (await problem(answer)) == (422, code)


async def test_what_takes_long_is_told_and_kept_later(
    tmp_path: Path, double: DoubleTranslator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visavis.server.studio.translations_http._WAIT", 0.05)
    async with serving(tmp_path, double, hold=True) as client:
        answer = await client.post(ALL, json={"language": "es"})
        assert answer.status == 202
        told = await answer.json()
        assert (told["status"], told["done"], told["note"]) == ("running", 0.5, "translates")
        again = await client.post(ALL, json={"language": "es", "job": told["id"]})
        assert (again.status, await again.json()) == (202, told)
        for other in ({"language": "ar", "job": told["id"]}, {"language": "es", "job": "x"}):
            assert (await problem(await client.post(ALL, json=other)))[0] == 404


async def test_a_program_makes_reads_corrects_and_removes_one(
    tmp_path: Path, double: DoubleTranslator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visavis.server.studio.translations_http._WAIT", 0.05)
    async with (
        serving(tmp_path, double, hold=True, seconds=0.2) as client,
        studio(str(client.make_url("/"))) as it,
    ):
        assert [each["language"] for each in (await it.translations.all("inn"))["possible"]]
        made = await it.translations.make("inn", "es", anew=True)
        assert [each["target"] for each in made.pairs][2] == "GOOD BYE."
        change = {"scene": "two", "field": "text", "target": "Adiós."}
        await it.translations.save("inn", "es", [change])
        pairs = (await it.translations.get("inn", "es")).pairs
        assert (pairs[2]["target"], pairs[2]["state"]) == ("Adiós.", "checked")
        await it.translations.remove("inn", "es")
        with pytest.raises(Refused):
            await it.translations.get("inn", "es")


async def test_films_are_made_of_the_translation(tmp_path: Path, double: DoubleTranslator) -> None:
    scripts = ProjectScripts(Projects(tmp_path / "projects"), Loose(tmp_path / "loose"))
    async with serving(tmp_path, double) as client:
        with pytest.raises(NotFound):
            await scripts.project("inn", "es")
        await client.post(ALL, json={"language": "es"})
        script = await scripts.project("inn", "es")
        assert "GOOD BYE." in script.text
        assert (script.title, script.folder) == ("OUR INN", tmp_path / "projects/inn")
        assert (await scripts.project("inn", "")).text == SCRIPT
        assert "GOOD BYE." not in (await scripts.project("inn", "en")).text
        alone = await scripts.alone(SCRIPT, "")
        assert alone.folder.is_dir()
        with pytest.raises(Unprocessable):
            await scripts.alone(SCRIPT, "es")
