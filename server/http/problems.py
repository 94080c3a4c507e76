"""Errors as problem+json (RFC 9457), and bodies read with their limits."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import hdrs, web

from visavis.server.system import strict_json
from visavis.server.system.errors import (
    Busy,
    Full,
    Malformed,
    NotReady,
    Problem,
    TooLarge,
    TooMany,
    Unauthorized,
    WrongType,
)
from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

MAX_BODY: Final = 64 * 1024  # bytes of a body that is no upload
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii"})
_PROBLEM: Final = "application/problem+json"
NOTHING: Final[Mapping[str, Any]] = {}
_INVALID: Final = ' error="invalid_token"'
SDP: Final = "application/sdp"


def shown(problem: Problem) -> web.Response:
    """The response to a request that cannot be served."""
    told = plain(problem.status, problem.title, problem.detail, problem.code, problem.more)
    return refused(problem, told)


def refused(problem: Problem, response: web.Response) -> web.Response:
    """With the headers that go with it, in whatever words."""
    if isinstance(problem, (Busy, Full, NotReady, TooMany)):
        response.headers[hdrs.RETRY_AFTER] = str(problem.retry_after)
    if isinstance(problem, TooMany):
        response.force_close()  # the next try costs a connection
    if isinstance(problem, Unauthorized):
        was_one = problem.code.startswith("token-")  # RFC 6750 3.1
        response.headers[hdrs.WWW_AUTHENTICATE] = f"Bearer{_INVALID if was_one else ''}"
    return response


def of(error: Exception, path: str) -> web.Response:
    """The response to a request whose handling ended with this; logs what is a fault of ours.

    The log gets type and place only: an exception's text may quote a visitor.
    """
    if isinstance(error, Problem):
        return shown(error)
    if isinstance(error, web.HTTPException):
        response = plain(error.status, error.reason, error.reason)
        if hdrs.ALLOW in error.headers:
            response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
        return response
    if isinstance(error, (web.RequestPayloadError, ConnectionError)):
        return shown(Malformed("The body ended before it was whole, or is not what it says."))
    log.error("a request failed", extra={"path": path, "fault": fault(error)})
    return plain(500, "Internal error", "The server's log says more.")


def plain(
    status: int, title: str, detail: str, code: str = "", more: Mapping[str, Any] = NOTHING
) -> web.Response:
    """A problem of these words; its type is about:blank unless there is a code.

    more: further members of it.
    """
    kind = f"urn:visavis:{code}" if code else "about:blank"
    body = {**more, "type": kind, "title": title, "status": status, "detail": detail}
    return web.Response(status=status, text=json.dumps(body), content_type=_PROBLEM)


def passed_on(status: int, content: bytes) -> web.Response:
    """A problem that another process made."""
    return web.Response(status=status, body=content, content_type=_PROBLEM)


async def body(request: web.Request, most: int = MAX_BODY) -> str:
    """The body as text. most: bytes. Raises TooLarge, Malformed."""
    # Never decoded as the caller names it: Python knows charsets such as punycode and undefined.
    if (request.charset or "utf-8").lower() not in _CHARSETS:
        raise Malformed("The body must be UTF-8 text.")
    try:
        return (await content(request, most)).decode()
    except UnicodeDecodeError:
        raise Malformed("The body must be UTF-8 text.") from None


async def content(request: web.Request, most: int = MAX_BODY) -> bytes:
    """The body as it is. Raises TooLarge."""
    try:
        if most != MAX_BODY:  # which is what the application lets through
            return await _long(request, most)
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise TooLarge(f"The body is over {most} bytes.") from error


async def _long(request: web.Request, most: int) -> bytes:
    """A body that may be longer than others. Raises HTTPRequestEntityTooLarge."""
    read = bytearray()
    async for piece in request.content.iter_any():
        read += piece
        if len(read) > most:
            raise web.HTTPRequestEntityTooLarge(most, len(read))
    return bytes(read)


async def sdp_offer(request: web.Request) -> str:
    """The body as an SDP offer, not yet looked into. Raises WrongType, Malformed, TooLarge."""
    if request.content_type != SDP:
        raise WrongType(f"Send the SDP offer as {SDP}.")
    text = await body(request)
    if not text.startswith("v=0"):
        raise Malformed("The body is no SDP: it must begin with v=0.", "malformed-sdp")
    return text


async def json_object(request: web.Request, most: int = MAX_BODY) -> dict[str, Any]:
    """The body as a JSON object, empty where there is none. Raises TooLarge, Malformed."""
    if not request.can_read_body:
        return {}
    try:
        fields = strict_json.parse(await body(request, most))
    except strict_json.NotJson:
        raise Malformed("The body is not JSON.", "malformed-json") from None
    if not isinstance(fields, dict):
        raise Malformed("The body must be a JSON object.", "malformed-json")
    return fields
