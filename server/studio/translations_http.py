"""Translations over HTTP: made by a job, read side by side, corrected, kept with their project."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import hdrs, web

from visavis.engines.base import EngineError
from visavis.engines.language.languages import LANGUAGES, code_of
from visavis.engines.translation.base import Translators
from visavis.server.http.problems import json_object
from visavis.server.jobs.job import OVER, Job, Queue, State
from visavis.server.studio.document import reading
from visavis.server.studio.document.project import Project
from visavis.server.studio.projects import Projects, Version
from visavis.server.studio.translation import kept, work
from visavis.server.studio.translation.kept import Standing
from visavis.server.studio.translation.pairs import ENGLISH, FIELDS, Key
from visavis.server.studio.translation.pairs import State as Reading
from visavis.server.system.errors import NotFound, Problem, Unprocessable
from visavis.server.system.flow import Tasks

ALL: Final = "/v1/projects/{name}/translations"
ONE: Final = ALL + "/{language}"
MOST: Final = 4 << 20  # bytes of a request

_WAIT: Final = 25.0  # s that a caller waits for a translation; then they are told to ask again
_PRIORITY: Final = 7  # somebody looks at the page
_WRONG: Final = "translation-invalid"
_FAILED: Final = "translation-failed"
_FRESH: Final = {hdrs.CACHE_CONTROL: "no-store"}


@dataclass(slots=True)
class _Outcome:
    """What became of a job: neither, while it goes on."""

    made: Standing | None = None
    problem: Problem | None = None


class TranslationRoutes:
    """The translations of an installation's projects.

    translators: who there is. spoken: tags of the languages that a voice has. Both read files.
    """

    def __init__(
        self, projects: Projects, queue: Queue, translators: Callable[[], Translators],
        spoken: Callable[[], frozenset[str]],
    ) -> None:  # fmt: skip
        self._projects, self._queue = projects, queue
        self._translators, self._spoken = translators, spoken
        self._tasks = Tasks()

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.get(ALL, self._list),
            web.post(ALL, self._make),
            web.get(ONE, self._show),
            web.put(ONE, self._save),
            web.delete(ONE, self._remove),
        ]

    async def close(self) -> None:
        """What is under way goes on in the queue; who asks again is given it."""
        await self._tasks.close()

    async def _list(self, request: web.Request) -> web.Response:
        told = await asyncio.to_thread(self._listed, request.match_info["name"])
        return web.json_response(told, headers=_FRESH)

    async def _make(self, request: web.Request) -> web.Response:
        """200 and the translation, or 202 and how far it is."""
        name, wished = request.match_info["name"], await json_object(request, MOST)
        language, anew = _text(wished, "language"), wished.get("anew") is True
        if begun := _text(wished, "job"):
            job, state = await self._begun(begun, name, language)
        else:
            job = await asyncio.to_thread(self._job, name, language, anew)
            (state,) = await self._queue.add(job)
        outcome = _Outcome()
        task = self._tasks.start(self._kept(name, job, outcome), name="translation")
        await asyncio.wait({task}, timeout=_WAIT)
        if outcome.problem is not None:
            raise outcome.problem
        if outcome.made is not None:
            return _answer(name, outcome.made)
        state = await self._queue.state(job.id) or state
        headers = _FRESH | {hdrs.LOCATION: f"/v1/projects/{name}/translations/{language}"}
        return web.json_response(_told(state), status=202, headers=headers)

    async def _begun(self, id: str, name: str, language: str) -> tuple[Job, State]:
        """What an earlier answer said was under way. Raises NotFound."""
        job, state = await self._queue.job(id), await self._queue.state(id)
        if job is None or state is None or job.label != _label(name, kept.tag(language)):
            raise NotFound("No such translation is under way.")
        return job, state

    async def _kept(self, name: str, job: Job, outcome: _Outcome) -> None:
        """Wait for a job and write down what it made, whether its caller still waits or not."""
        async for state in self._queue.watch(job.id):
            if state.status == "done":
                try:
                    outcome.made = await asyncio.to_thread(self._written, name, state.result)
                except Problem as problem:
                    outcome.problem = problem
                return
            if state.status in OVER:
                why = state.fault or "The translation was cancelled."
                outcome.problem = Unprocessable(why, state.code or _FAILED)
                return

    async def _show(self, request: web.Request) -> web.Response:
        name, language = request.match_info["name"], request.match_info["language"]
        return _answer(name, await asyncio.to_thread(self._standing, name, language))

    async def _save(self, request: web.Request) -> web.Response:
        """The translation as it then is."""
        name, language = request.match_info["name"], request.match_info["language"]
        changes = _changes(await json_object(request, MOST))
        return _answer(name, await asyncio.to_thread(self._reviewed, name, language, changes))

    async def _remove(self, request: web.Request) -> web.Response:
        name, language = request.match_info["name"], request.match_info["language"]
        await asyncio.to_thread(lambda: kept.remove(self._projects.path(name), kept.tag(language)))
        return web.Response(status=204)

    # --- files -----------------------------------------------------------------------------------

    def _listed(self, name: str) -> dict[str, Any]:
        project, folder = self._project(name), self._projects.path(name)
        there = [kept.standing(project, folder, each) for each in kept.languages(folder)]
        own = project.language or ENGLISH
        able = [each for each in self._possible(own) if each != code_of(own)]
        return {
            "languages": [_counted(each) for each in there],
            "possible": [
                {"language": each, "name": LANGUAGES[each].name, "direction": kept.direction(each)}
                for each in able
            ],
        }

    def _possible(self, own: str) -> list[str]:
        """Languages that somebody translates into, and a voice speaks."""
        translators, found = self._translators(), []
        for code in sorted(self._spoken() & LANGUAGES.keys()):
            try:
                translators(own, code)
            except EngineError:
                continue
            found.append(code)
        return found

    def _job(self, name: str, language: str, anew: bool) -> Job:
        wanted, folder = kept.tag(language), self._projects.path(name)
        version = self._projects.read(name)
        _read(version)  # its faults, before anything is begun
        stamp = hashlib.sha256(f"{name}\n{wanted}\n{version.text}\n".encode())
        for file in (kept.script_name(wanted), kept.note_name(wanted)):
            path = folder / file
            stamp.update(path.read_bytes() if path.is_file() else b"\0")
        if anew:
            stamp.update(secrets.token_bytes(8))
        request = {
            "script": version.text, "folder": str(folder), "language": wanted, "anew": anew,
        }  # fmt: skip
        id = f"translation-{stamp.hexdigest()[:32]}"
        return Job(id, work.KIND, request, _PRIORITY, label=_label(name, wanted))

    def _written(self, name: str, result: Mapping[str, Any]) -> Standing:
        return kept.save(self._project(name), self._projects.path(name), work.read(result))

    def _standing(self, name: str, language: str) -> Standing:
        project, folder = self._project(name), self._projects.path(name)
        return kept.standing(project, folder, kept.tag(language))

    def _reviewed(
        self, name: str, language: str, changes: Mapping[Key, tuple[str, Reading]]
    ) -> Standing:
        project, folder = self._project(name), self._projects.path(name)
        there = kept.standing(project, folder, kept.tag(language))
        return kept.save(project, folder, kept.reviewed(there, project, changes))

    def _project(self, name: str) -> Project:
        return _read(self._projects.read(name))


def _label(name: str, language: str) -> str:
    return f"{name}: {language}"


def _read(version: Version) -> Project:
    """Raises ScriptError."""
    return version.project or reading.read(version.text)


def _answer(name: str, there: Standing) -> web.Response:
    return web.json_response({"project": name, **there.as_json()}, headers=_FRESH)


def _told(state: State) -> dict[str, Any]:
    return {
        "id": state.id, "status": state.status, "done": round(state.done, 4), "note": state.note,
    }  # fmt: skip


def _counted(there: Standing) -> dict[str, Any]:
    return {
        "language": there.language,
        "name": LANGUAGES[code_of(there.language)].name,
        "direction": kept.direction(there.language),
        "by": there.by,
        "texts": len(there.pairs),
        **{
            state: sum(pair.state == state for pair in there.pairs)
            for state in ("machine", "checked", "stale")
        },
    }


def _changes(given: Mapping[str, Any]) -> dict[Key, tuple[str, Reading]]:
    """What somebody wrote, by whose text it is. Raises Unprocessable."""
    rows = given.get("pairs")
    if not isinstance(rows, list):
        raise Unprocessable('Send {"pairs": [{"scene", "field", "target"}]}.', _WRONG)
    return dict(map(_change, rows))


def _change(row: object) -> tuple[Key, tuple[str, Reading]]:
    if not isinstance(row, dict):
        raise Unprocessable("A pair is an object.", _WRONG)
    field = next((each for each in FIELDS if each == row.get("field")), None)
    if field is None:
        raise Unprocessable(f"A pair's field is one of {', '.join(FIELDS)}.", _WRONG)
    state: Reading = "machine" if row.get("state") == "machine" else "checked"
    return (_text(row, "scene"), field), (_text(row, "target"), state)


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key, "")
    if not isinstance(value, str):
        raise Unprocessable(f"`{key}` is a text.", _WRONG)
    return value
