"""Avatars over HTTP: listed, made from an uploaded photo, and removed again."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, cast
from urllib.parse import quote

from aiohttp import BodyPartReader, MultipartReader, StreamReader, hdrs, web
from aiohttp.http import HttpProcessingError

from visavis.engines import load
from visavis.models.avatar.file import SHIPPED, Consent, check_name
from visavis.models.bake import photo as photos
from visavis.models.bake.framing import FRAMINGS
from visavis.models.clip.reading import is_clip
from visavis.models.errors import AvatarError
from visavis.server.avatars.baking import Order
from visavis.server.avatars.challenges import VALID
from visavis.server.avatars.footage import MOST_BYTES as MOST_VIDEO
from visavis.server.avatars.granting import granted
from visavis.server.avatars.identity import Identity
from visavis.server.avatars.likeness import checked_words
from visavis.server.avatars.presence import Evidence
from visavis.server.avatars.previews import Previews
from visavis.server.avatars.standing import utc
from visavis.server.avatars.store import AvatarStore, title
from visavis.server.avatars.workshop import Job, Workshop
from visavis.server.http.callers import caller
from visavis.server.http.forms import MULTIPART, Lines
from visavis.server.http.passes import PASS
from visavis.server.http.problems import json_object
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

_MAX_FIELD: Final = 4_000  # bytes; the file's own reader takes texts of 4,000 characters
_MAX_PARTS: Final = 12
_MAX_LINES: Final = 200  # of headers and boundaries; browsers send 4 a part
_MOST_CLIP: Final = 64 * 1024 * 1024  # bytes; a minute of 8 Mbit/s
_MAX_UPLOAD: Final = _MOST_CLIP + MOST_VIDEO + 64 * 1024  # bytes of the whole body
_MOST: Final = 100  # avatars, of about 1 MB each
_PATIENCE: Final = 120.0  # s in which the whole body must arrive
_FIELDS: Final = frozenset(
    {
        "name", "subject", "consent", "given_by", "licence", "confirmed", "until", "uses",
        "languages", "likeness", "presence", "voice", "frame",
    }
)  # fmt: skip
_LICENCE: Final = "all rights reserved"
LABEL: Final = "Visavis-Label"  # of a preview: its label as JSON, see session messages' `ready`
_OFF: Final = "Making avatars from the page is switched off here (setting create_avatars)."


class AvatarRoutes:
    """The avatars of a server, and the jobs that make them.

    default: of a session that names none. may_create: whether callers may make and remove avatars.
    identity: how it is made sure whose face a new one has; None: nobody asks.
    """

    def __init__(
        self,
        store: AvatarStore,
        default: str,
        *,
        may_create: bool,
        audit: Audit | None = None,
        identity: Identity | None = None,
        previews: Previews | None = None,
    ) -> None:
        """previews: labels those that are handed out; None: they have no label."""
        self._previews = previews or Previews(None)
        self._store, self._default, self._may_create = store, default, may_create
        self._identity = identity
        self._workshop = Workshop(store, audit, identity)
        self._uploads = Uploads()

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.get("/v1/avatars", self._list),
            web.get("/v1/avatars/{name}/preview.webp", self._preview),
            web.post("/v1/avatars", self._create),
            web.post("/v1/avatars/sentences", self._show_sentence),
            web.get("/v1/avatars/jobs/{id}", self._progress),
            web.delete("/v1/avatars/jobs/{id}", self._cancel),
            web.delete("/v1/avatars/{name}", self._remove),
        ]

    async def close(self) -> None:
        """End what is being made."""
        await self._workshop.close()

    async def _list(self, request: web.Request) -> web.Response:
        found = await asyncio.to_thread(self._store.find)
        if self._identity is not None and self._identity.comparing is not None:
            await asyncio.to_thread(self._identity.comparing.tidy, found.cards)
        it = request.get(PASS)  # whoever has a visitor's token sees what it is for
        own = it.avatars if it is not None else ()
        default = own[0] if own else self._default
        avatars = [
            {
                "name": name,
                "title": title(name),
                "preview": _preview_address(name),
                "voice": found.cards[name].voice,
                "clip": found.cards[name].clip,
                "shipped": path.parent == SHIPPED,
                "default": name == default,
                "until": found.cards[name].consent.until,
                "uses": list(found.cards[name].consent.uses),
                "languages": list(found.cards[name].consent.languages),
            }
            for name, path in sorted(found.readable.items())
            if name in own or not own
        ]
        faults = found.broken if it is None else {}
        broken = [
            {"name": name, "why": why, "code": found.codes.get(name, "")}
            for name, why in sorted(faults.items())
        ]
        presence = self._identity.presence if self._identity else "off"
        may_create = self._may_create and it is None
        return web.json_response({
            "avatars": avatars, "broken": broken, "create": may_create, "presence": presence,
        })  # fmt: skip

    async def _preview(self, request: web.Request) -> web.Response:
        it, name = request.get(PASS), request.match_info["name"]
        if it is not None and it.avatars and name not in it.avatars:
            raise Forbidden("The token is for another avatar.", "token-bounds")
        picture = await asyncio.to_thread(self._store.preview, name)
        picture, label = await asyncio.to_thread(self._previews.labelled, picture)
        headers: dict[str, str] = {hdrs.CACHE_CONTROL: "no-cache"}  # a name may get another face
        if label:
            headers[LABEL] = label
        return web.Response(body=picture, content_type="image/webp", headers=headers)

    async def _create(self, request: web.Request) -> web.Response:
        """202 and the job that makes the avatar."""
        self._check_allowed()
        if request.content_type != MULTIPART:
            msg = f"Send photo, name, subject, consent and confirmed as {MULTIPART}."
            raise WrongType(msg)
        if (request.content_length or 0) > _MAX_UPLOAD:
            raise TooLarge(_TOO_LARGE, "image-too-large")
        self._workshop.check_free()  # rather than let somebody send 20 MB in vain
        who = caller(request)
        with self._uploads.receiving(who):
            fields, files = await _received(request)
        photo = files["photo"]
        # The place is taken now, not before: a slow upload must not hold it.
        with self._workshop.place():
            order = await self._order(fields)
            evidence = self._evidence(fields, files.get("video", b""))
            self._uploads.begin(who)
            job = self._workshop.start(order, photo, evidence)
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
        licence, voice = fields.get("licence") or _LICENCE, fields.get("voice", "")
        if voice and voice not in await asyncio.to_thread(self._known):
            msg = f"There is no voice {voice!r} here: /v1/voices names those there are."
            raise Unprocessable(msg, "unknown-voice")
        frame = fields.get("frame") or "auto"
        if frame not in FRAMINGS:
            msg = f"There is no frame {frame[:40]!r}: use {', '.join(FRAMINGS)}."
            raise Unprocessable(msg, "unknown-frame")
        return Order(name, path, consent, licence, voice=voice, frame=frame)

    def _known(self) -> set[str]:
        return {voice.name for voice in load.voices(self._store.folder.parent)}

    async def _show_sentence(self, request: web.Request) -> web.Response:
        """201 and something to read into the camera, once and soon."""
        self._check_allowed()
        if self._identity is None or self._identity.presence == "off":
            msg = "Nobody has to show here that they are present (setting consent_presence)."
            raise Forbidden(msg, "presence-off")
        wished = await json_object(request)
        words = {key: wished.get(key, "") for key in ("name", "subject", "language")}
        if not all(isinstance(each, str) and len(each) <= _MAX_FIELD for each in words.values()):
            msg = "Say name, subject and language as texts."
            raise Unprocessable(msg, "presence-invalid")
        give = self._identity.challenges.give
        given = await asyncio.to_thread(give, words["language"], words["name"], words["subject"])
        shown = {"id": given.id, "text": given.text, "language": given.language, "seconds": VALID}
        headers = {hdrs.CACHE_CONTROL: "no-store"}
        return web.json_response(shown, status=201, headers=headers)

    def _evidence(self, fields: dict[str, str], video: bytes) -> Evidence | None:
        """That the person is there; None: nobody says so. Raises Unprocessable."""
        identity, key = self._identity, fields.get("presence", "")
        if identity is None or identity.presence == "off":
            return None
        if bool(key) != bool(video):
            msg = (
                "A proof of presence is the id of a sentence (presence) and a video of it (video)."
            )
            raise Unprocessable(msg, "presence-invalid")
        if key:
            shown = identity.challenges.take(key, fields["name"], fields["subject"])
            return Evidence(video, shown.text, shown.language)
        if identity.presence == "required":
            msg = (
                "Here an avatar is made only when the person in the photo shows that they are "
                "there: read a sentence into the camera. Of nobody's face the operator makes one, "
                "with `visavis avatar create`."
            )
            raise Unprocessable(msg, "presence-required")
        return None

    async def _progress(self, request: web.Request) -> web.Response:
        """How far a job is; what went wrong with it is this address' own problem."""
        job = self._workshop.job(request.match_info["id"])
        if job.failure is not None:
            too_large = job.failure.code in {"image-too-large", "clip-too-large"}
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
_LARGE_CLIP: Final = (
    "The clip is over 64 MB. Cut it to 20 seconds, or export it at 1920 x 1080 px or less."
)
_LONG: Final = "The video is over 16 MB. Record the sentence alone, at 1280 x 720 px or less."


def _consent(fields: dict[str, str]) -> Consent:
    """The record as of now. Raises AvatarError: "consent-missing", "consent-invalid"."""
    subject = fields.get("subject", "")
    limits = {each: fields.get(each, "") for each in ("until", "uses", "languages")}
    consent = granted(
        subject, fields.get("consent", ""), fields.get("given_by") or subject, utc(), **limits,
        likeness=checked_words(fields.get("likeness", "")),
    )  # fmt: skip
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


async def _received(request: web.Request) -> tuple[dict[str, str], dict[str, bytes]]:
    """The form's texts, and its files, a photo among them.

    Raises Malformed, TooLarge, TooSlow, Unprocessable.
    """
    try:
        async with asyncio.timeout(_PATIENCE):
            return await _form(request)
    except TimeoutError:
        msg = f"The photo did not arrive within {_PATIENCE:.0f} s."
        raise TooSlow(msg, "upload-timeout") from None
    except (ValueError, AssertionError, HttpProcessingError, web.HTTPException) as error:
        msg = "The body is not proper multipart/form-data."
        raise Malformed(msg, "malformed-form") from error


async def _form(request: web.Request) -> tuple[dict[str, str], dict[str, bytes]]:
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    reader = MultipartReader(
        request.headers, cast(StreamReader, Lines(request.content, _MAX_LINES))
    )
    for _ in range(_MAX_PARTS):
        part = await reader.next()
        if part is None:
            break
        if not isinstance(part, BodyPartReader):
            msg = "The form has a form in it."
            raise Malformed(msg, "malformed-form")
        if part.name == "photo":
            files["photo"] = await _likeness(part)
        elif part.name == "video":
            files["video"] = await _content(part, MOST_VIDEO, TooLarge(_LONG, "presence-too-large"))
        elif part.name in _FIELDS:
            too_long = Unprocessable(f"{part.name} is too long.", "field-too-long")
            fields[part.name] = (await _content(part, _MAX_FIELD, too_long)).decode().strip()
        else:
            msg = f"The form has no field {str(part.name)[:40]!r}."
            raise Malformed(msg, "unknown-field")
    if not files.get("photo"):
        msg = "The form has no photo."
        raise Unprocessable(msg, "photo-missing")
    return fields, files


async def _likeness(part: BodyPartReader) -> bytes:
    """A photo, or a clip, which may be larger. Raises TooLarge."""
    first = await part.read_chunk(64 * 1024)
    if is_clip(first):
        too_large = TooLarge(_LARGE_CLIP, "clip-too-large")
        return first + await _content(part, _MOST_CLIP - len(first), too_large)
    too_large = TooLarge(_TOO_LARGE, "image-too-large")
    return first + await _content(part, photos.MAX_BYTES - len(first), too_large)


async def _content(part: BodyPartReader, most: int, otherwise: Problem) -> bytes:
    """One part, read no further than `most` bytes."""
    out = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        out += chunk
        if len(out) > most:
            raise otherwise
    return bytes(out)
