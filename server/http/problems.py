"""Errors as problem+json (RFC 9457), and bodies read with their limits."""

from __future__ import annotations

import json
from typing import Any, Final

from aiohttp import hdrs, web

from visavis.server.system.errors import (
    Busy,
    Full,
    Malformed,
    NotReady,
    Problem,
    TooLarge,
    Unauthorized,
)

MAX_BODY: Final = 64 * 1024  # bytes of a body that is no upload
_PROBLEM: Final = "application/problem+json"


def shown(problem: Problem) -> web.Response:
    """The response to a request that cannot be served."""
    response = plain(problem.status, problem.title, problem.detail, problem.code)
    if isinstance(problem, (Busy, Full, NotReady)):
        response.headers[hdrs.RETRY_AFTER] = str(problem.retry_after)
    if isinstance(problem, Unauthorized):
        response.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    return response


def plain(status: int, title: str, detail: str, code: str = "") -> web.Response:
    """A problem of these words; its type is about:blank unless there is a code."""
    kind = f"urn:visavis:{code}" if code else "about:blank"
    body = {"type": kind, "title": title, "status": status, "detail": detail}
    return web.Response(status=status, text=json.dumps(body), content_type=_PROBLEM)


async def body(request: web.Request) -> str:
    """The body as text. Raises TooLarge, Malformed."""
    try:
        return await request.text()
    except web.HTTPRequestEntityTooLarge as error:
        raise TooLarge(f"The body is over {MAX_BODY} bytes.") from error
    except (UnicodeDecodeError, LookupError) as error:
        raise Malformed("The body is not UTF-8 text.") from error


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object, empty where there is none. Raises TooLarge, Malformed."""
    if not request.can_read_body:
        return {}
    try:
        fields = json.loads(await body(request))
    except (json.JSONDecodeError, RecursionError) as error:
        raise Malformed("The body is not JSON.", "malformed-json") from error
    if not isinstance(fields, dict):
        raise Malformed("The body must be a JSON object.", "malformed-json")
    return fields
