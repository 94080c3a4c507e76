"""Avatars over HTTP: listed, made from an uploaded photo, and removed again."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, cast
from urllib.parse import quote

from aiohttp import BodyPartReader, MultipartReader, StreamReader, hdrs, web
from aiohttp.http import HttpProcessingError

from visavis.models.avatar.file import SHIPPED, Consent, check_name
from visavis.models.bake import photo as photos
from visavis.models.errors import AvatarError
from visavis.server.avatars.baking import Order
from visavis.server.avatars.granting import granted
from visavis.server.avatars.standing import utc
from visavis.server.avatars.store import AvatarStore, title
from visavis.server.avatars.workshop import Job, Workshop
from visavis.server.http.callers import caller
from visavis.server.http.uploads import Uploads
from visavis.server.system.audit import Audit
from visavis.server.system.errors import (
    Conflict,
    Forbidden,
    Malformed,
    Problem,
    TooLarge,
    TooSlow,
    Unprocessable,
    WrongType,
)

log = logging.getLogger(__name__)

_FORM: Final = "multipart/form-data"
_MAX_FIELD: Final = 4_000  # bytes; the file's own reader takes texts of 4,000 characters
_MAX_PARTS: Final = 12
_MAX_LINES: Final = 200  # of headers and boundaries; browsers send 4 a part
_MAX_UPLOAD: Final = photos.MAX_BYTES + 64 * 1024  # bytes of the whole body
_MOST: Final = 100  # avatars, of about 1 MB each
_PATIENCE: Final = 120.0  # s in which the whole body must arrive
_FIELDS: Final = frozenset(
    {
        "name", "subject", "consent", "given_by", "licence", "confirmed", "until", "uses",
        "languages",
    }
)  # fmt: skip
_LICENCE: Final = "all rights reserved"
_OFF: Final = "Making avatars from the page is switched off here (setting create_avatars)."


class AvatarRoutes:
    """The avatars of a server, and the jobs that make them.

    default: of a session that names none. may_create: whether callers may make and remove avatars.
    """

    def __init__(
        self, store: AvatarStore, default: str, *, may_create: bool, audit: Audit | None = None
    ) -> None:
        self._store, self._default, self._may_create = store, default, may_create
        self._workshop = Workshop(store, audit)
        self._uploads = Uploads()

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.get("/v1/avatars", self._list),
            web.get("/v1/avatars/{name}/preview.webp", self._preview),
            web.post("/v1/avatars", self._create),
            web.get("/v1/avatars/jobs/{id}", self._progress),
            web.delete("/v1/avatars/jobs/{id}", self._cancel),
            web.delete("/v1/avatars/{name}", self._remove),
        ]

    async def close(self) -> None:
        """End what is being made."""
        await self._workshop.close()

    async def _list(self, _request: web.Request) -> web.Response:
        found = await asyncio.to_thread(self._store.find)
        avatars = [
            {
                "name": name,
                "title": title(name),
                "preview": _preview_address(name),
                "shipped": path.parent == SHIPPED,
                "default": name == self._default,
                "until": found.cards[name].consent.until,
                "uses": list(found.cards[name].consent.uses),
                "languages": list(found.cards[name].consent.languages),
            }
            for name, path in sorted(found.readable.items())
        ]
        broken = [
            {"name": name, "why": why, "code": found.codes.get(name, "")}
            for name, why in sorted(found.broken.items())
        ]
        return web.json_response({"avatars": avatars, "broken": broken, "create": self._may_create})

    async def _preview(self, request: web.Request) -> web.Response:
        picture = await asyncio.to_thread(self._store.preview, request.match_info["name"])
        headers = {hdrs.CACHE_CONTROL: "no-cache"}  # a name may be given to another face
        return web.Response(body=picture, content_type="image/webp", headers=headers)

    async def _create(self, request: web.Request) -> web.Response:
        """202 and the job that makes the avatar."""
        self._check_allowed()
        if request.content_type != _FORM:
            msg = f"Send photo, name, subject, consent and confirmed as {_FORM}."
            raise WrongType(msg)
        if (request.content_length or 0) > _MAX_UPLOAD:
            raise TooLarge(_TOO_LARGE, "image-too-large")
        self._workshop.check_free()  # rather than let somebody send 20 MB in vain
        who = caller(request)
        with self._uploads.receiving(who):
            fields, photo = await _received(request)
        # The place is taken now, not before: a slow upload must not hold it.
        with self._workshop.place():
            order = await self._order(fields)
            self._uploads.begin(who)
            job = self._workshop.start(order, photo)
        log.info("an avatar is being made", extra={"avatar": job.name, "bytes": len(photo)})
        headers = {hdrs.LOCATION: f"/v1/avatars/jobs/{job.id}"}
        return web.json_response(_shown(job), status=202, headers=headers)

    async def _order(self, fields: dict[str, str]) -> Order:
        """Raises Unprocessable, Conflict."""
        try:
            path = self._store.file(name := fields.get("name", ""))
            consent = _consent(fields)
        except AvatarError as error:
            raise Unprocessable(error.message, error.code) from error
        names = await self._names()
        if len(names) >= _MOST:
            msg = f"There are {len(names)} avatars already: remove one first."
            raise Conflict(msg, "too-many-avatars")
        if name in {taken.casefold() for taken in names}:  # file systems may not tell case apart
            msg = f"There is an avatar {name!r} already: choose another name."
            raise Conflict(msg, "name-taken")
        licence = fields.get("licence") or _LICENCE
        return Order(name, path, consent, licence)

    async def _progress(self, request: web.Request) -> web.Response:
        """How far a job is; what went wrong with it is this address' own problem."""
        job = self._workshop.job(request.match_info["id"])
        if job.failure is not None:
            too_large = job.failure.code == "image-too-large"
            problem = TooLarge if too_large else Unprocessable
            raise problem(job.failure.message, job.failure.code)
        return web.json_response(_shown(job), headers={hdrs.CACHE_CONTROL: "no-store"})

    async def _cancel(self, request: web.Request) -> web.Response:
        self._workshop.cancel(self._workshop.job(request.match_info["id"]))
        return web.Response(status=204)

    async def _remove(self, request: web.Request) -> web.Response:
        self._check_allowed()
        name = request.match_info["name"]
        try:
            check_name(name)
        except AvatarError as error:
            raise Unprocessable(error.message, error.code) from error
        if name == self._default:
            msg = f"{name!r} is the avatar that sessions begin with: choose another one first."
            raise Conflict(msg, "avatar-in-use")
        await self._workshop.remove(name, set(await self._names()))
        return web.Response(status=204)

    async def _names(self) -> list[str]:
        """Taken ones, those of broken files among them."""
        found = await asyncio.to_thread(self._store.find)
        return [*found.readable, *(found.broken.keys() - found.readable.keys())]

    def _check_allowed(self) -> None:
        if not self._may_create:
            raise Forbidden(_OFF, "creation-off")


_TOO_LARGE: Final = "The photo is over 20 MB. Save a smaller copy, for example 2000 px wide."


def _consent(fields: dict[str, str]) -> Consent:
    """The record as of now. Raises AvatarError: "consent-missing", "consent-invalid"."""
    subject = fields.get("subject", "")
    limits = {each: fields.get(each, "") for each in ("until", "uses", "languages")}
    consent = granted(
        subject, fields.get("consent", ""), fields.get("given_by") or subject, utc(), **limits
    )
    if fields.get("confirmed") != "yes":
        msg = "Confirm that the consent is true (confirmed: yes): without it there is no avatar."
        raise AvatarError("consent-missing", msg)
    return consent


def _preview_address(name: str) -> str:
    return f"/v1/avatars/{quote(name)}/preview.webp"


def _shown(job: Job) -> dict[str, Any]:
    done = {"preview": _preview_address(job.name)} if job.state == "done" else {}
    return {
        "id": job.id,
        "name": job.name,
        "title": title(job.name),
        "state": job.state,
        "what": job.what,
        "share": round(job.share, 3),
        "warnings": list(job.warnings),
        **done,
    }


# --- the upload ---------------------------------------------------------------------------------


async def _received(request: web.Request) -> tuple[dict[str, str], bytes]:
    """The form's texts and its photo. Raises Malformed, TooLarge, TooSlow, Unprocessable."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await _form(request)
    except TimeoutError:
        msg = f"The photo did not arrive within {_PATIENCE:.0f} s."
        raise TooSlow(msg, "upload-timeout") from None
    except (ValueError, AssertionError, HttpProcessingError, web.HTTPException) as error:
        msg = "The body is not proper multipart/form-data."
        raise Malformed(msg, "malformed-form") from error


async def _form(request: web.Request) -> tuple[dict[str, str], bytes]:
    fields: dict[str, str] = {}
    photo = b""
    reader = MultipartReader(request.headers, cast(StreamReader, _Lines(request.content)))
    for _ in range(_MAX_PARTS):
        part = await reader.next()
        if part is None:
            break
        if not isinstance(part, BodyPartReader):
            msg = "The form has a form in it."
            raise Malformed(msg, "malformed-form")
        if part.name == "photo":
            photo = await _content(part, photos.MAX_BYTES, TooLarge(_TOO_LARGE, "image-too-large"))
        elif part.name in _FIELDS:
            too_long = Unprocessable(f"{part.name} is too long.", "field-too-long")
            fields[part.name] = (await _content(part, _MAX_FIELD, too_long)).decode().strip()
        else:
            msg = f"The form has no field {str(part.name)[:40]!r}."
            raise Malformed(msg, "unknown-field")
    if not photo:
        msg = "The form has no photo."
        raise Unprocessable(msg, "photo-missing")
    return fields, photo


class _Lines:
    """A body of which so many lines are read one by one, as aiohttp does before the first part.

    A byte may be a line, and 20 MB of them held up everybody for 20 s.
    """

    def __init__(self, body: StreamReader) -> None:
        self._body, self._left = body, _MAX_LINES

    async def readline(self, **limits: int) -> bytes:
        """Raises ValueError for one too many."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("too many lines")
        return await self._body.readline(**limits)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)


async def _content(part: BodyPartReader, most: int, otherwise: Problem) -> bytes:
    """One part, read no further than `most` bytes."""
    out = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        out += chunk
        if len(out) > most:
            raise otherwise
    return bytes(out)
