"""Voices of one's own over HTTP: made of a recording as a job, and deleted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from pathlib import Path
from typing import Any, Final

from aiohttp import hdrs, web

from visavis.engines.base import EngineError
from visavis.models.avatar.consent import Consent
from visavis.models.errors import AvatarError
from visavis.models.files import PRIVATE, private_folder
from visavis.server.avatars.granting import granted
from visavis.server.avatars.standing import utc
from visavis.server.http.forms import Upload, form
from visavis.server.jobs.job import OVER, Job, State
from visavis.server.jobs.queued import JobQueue
from visavis.server.studio.own_voices import FOLDER, KIND
from visavis.server.system.audit import Audit, Unaudited
from visavis.server.system.config import Config
from visavis.server.system.errors import (
    ConfigError,
    Conflict,
    Forbidden,
    NoSpace,
    NotFound,
    Unprocessable,
)
from visavis.server.voices import making
from visavis.server.voices.store import OwnVoices

MOST: Final = 32 << 20  # bytes of a recording: 5 minutes of WAV
_TEXTS: Final = (
    "name", "subject", "consent", "given_by", "confirmed", "kind", "language", "text", "until",
    "uses", "languages",
)  # fmt: skip
_PRIORITY: Final = 7
_OLD: Final = 86_400.0  # s
_FRESH: Final = {hdrs.CACHE_CONTROL: "no-store"}
_OFF: Final = "Making voices over HTTP is switched off here (setting create_avatars)."


class OwnVoiceRoutes:
    """may_create: whether callers may make and delete voices."""

    def __init__(
        self, config: Config, voices: OwnVoices, queue: JobQueue, *, may_create: bool,
        audit: Audit | None = None,
    ) -> None:  # fmt: skip
        self._config, self._voices, self._queue = config, voices, queue
        self._may_create, self._audit = may_create, audit or Unaudited()

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        job = "/v1/voices/jobs/{id}"
        return [
            web.post("/v1/voices", self._make),
            web.get(job, self._progress),
            web.delete(job, self._cancel),
            web.delete("/v1/voices/{name}", self._delete),
        ]

    async def close(self) -> None:
        """The queue has an owner of its own."""

    async def _make(self, request: web.Request) -> web.Response:
        """202 and the job that makes it."""
        self._check_allowed()
        async with form(request, {"sample": MOST}, _TEXTS) as sent:
            if "sample" not in sent.files:
                raise Unprocessable("Send the recording as the file sample.", "sample-invalid")
            order = await asyncio.to_thread(self._order, sent.texts)
            sample = await asyncio.to_thread(self._kept, sent.files["sample"])
        job = Job(
            secrets.token_hex(8), KIND, order | {"sample": str(sample)}, _PRIORITY,
            label=order["name"],
        )  # fmt: skip
        (state,) = await self._queue.add(job)
        headers = {hdrs.LOCATION: f"/v1/voices/jobs/{job.id}"}
        return web.json_response(shown(job, state), status=202, headers=headers)

    def _order(self, texts: dict[str, str]) -> dict[str, Any]:
        """The work's request but for its sample. Raises Unprocessable, Conflict."""
        if texts.get("confirmed") != "yes":
            msg = "confirmed must be yes: whoever sends this has the person's consent."
            raise Unprocessable(msg, "consent-missing")
        kind, language = texts.get("kind") or "tuned", texts.get("language") or "en"
        try:
            making.check_consent(consent := _consent(texts))
            making.check_name(self._voices, texts.get("name", ""))
            making.cloner(self._config, kind, language)
        except AvatarError as error:
            problem = Conflict if error.code == "name-taken" else Unprocessable
            raise problem(error.message, error.code) from error
        except (ConfigError, EngineError) as error:
            raise Unprocessable(str(error), "voice-kind") from error
        return {
            "name": texts["name"], "kind": kind, "language": language,
            "text": texts.get("text", ""), "consent": consent.as_json(),
        }  # fmt: skip

    def _kept(self, upload: Upload) -> Path:
        """Where the job finds it, for the server's user alone. Raises NoSpace."""
        folder = self._config.home_path / FOLDER
        path = folder / secrets.token_hex(16)
        _tidy(folder)
        try:
            private_folder(folder)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
            with os.fdopen(descriptor, "wb") as file:
                while piece := upload.file.read(1 << 20):
                    file.write(piece)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise NoSpace("The disk of the server has no room for it.", "not-kept") from error
        return path

    async def _progress(self, request: web.Request) -> web.Response:
        return web.json_response(shown(*await self._of(request)), headers=_FRESH)

    async def _cancel(self, request: web.Request) -> web.Response:
        """What is under way is cancelled, its recording deleted; what is over is forgotten."""
        job, state = await self._of(request)
        await asyncio.to_thread(Path(job.request["sample"]).unlink, missing_ok=True)
        if state.status in OVER:
            await self._queue.forget(job.id)
        else:
            await self._queue.cancel(job.id)
        return web.Response(status=204)

    async def _delete(self, request: web.Request) -> web.Response:
        self._check_allowed()
        name = request.match_info["name"]
        try:
            stays = await asyncio.to_thread(self._voices.delete, name)
        except AvatarError as error:
            raise Unprocessable(error.message, error.code) from error
        self._audit.record("voice-deleted", voice=name)
        if stays:  # the file is gone; somebody has to know that not all is
            return web.json_response({"name": name, "note": stays})
        return web.Response(status=204)

    def _check_allowed(self) -> None:
        if not self._may_create:
            raise Forbidden(_OFF, "creation-off")

    async def _of(self, request: web.Request) -> tuple[Job, State]:
        id = request.match_info["id"]
        job, state = await self._queue.job(id), await self._queue.state(id)
        if job is None or state is None or job.kind != KIND:
            raise NotFound("There is no such job; it may have been forgotten.")
        return job, state


def _tidy(folder: Path) -> None:
    """Recordings of jobs that never ended: a day old, and nobody's business any more."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if time.time() - path.stat().st_mtime > _OLD:
                path.unlink()


def _consent(texts: dict[str, str]) -> Consent:
    """Raises AvatarError."""
    said = {key: texts.get(key, "") for key in _TEXTS}
    return granted(
        said["subject"], said["consent"], said["given_by"] or said["subject"], utc(),
        until=said["until"], uses=said["uses"], languages=said["languages"],
    )  # fmt: skip


def shown(job: Job, state: State) -> dict[str, Any]:
    """A voice in the making, as callers see it."""
    return {
        "id": job.id,
        "name": job.label,
        "status": state.status,
        "done": round(state.done, 4),
        "left": None if state.left is None else round(state.left, 1),
        "note": state.note,
        "fault": state.fault,
        "code": state.code,
        "alike": state.result.get("alike"),
        "notes": list(state.result.get("notes", [])),
    }
