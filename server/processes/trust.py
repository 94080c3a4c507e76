"""Whom a worker believes: its parent, over a socket that nobody else can reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from visavis.server.http import problems

CALLER: Final = "Visavis-Caller"  # header: the address from which the parent was asked
# Header: the body of a refusal, whose own a client of web sockets does not read.
_REFUSAL: Final = "Visavis-Refusal"


@web.middleware
async def trusting(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The middleware of a worker's addresses: the guard is the parent's, errors are problems."""
    try:
        return await handler(request.clone(remote=request.headers.get(CALLER, "")))
    except Exception as error:
        if isinstance(error, web.HTTPException) and error.status < 400:
            raise
        refused = problems.of(error, request.path)
        if hdrs.UPGRADE in request.headers and isinstance(refused.body, bytes):
            refused.headers[_REFUSAL] = quote(refused.body)
        return refused


def refusal(status: int, headers: Mapping[str, str] | None) -> web.Response:
    """What a worker refused a web socket with, as the parent says it."""
    told = headers or {}
    refused = problems.passed_on(status, unquote(told.get(_REFUSAL, "")).encode())
    if hdrs.RETRY_AFTER in told:
        refused.headers[hdrs.RETRY_AFTER] = told[hdrs.RETRY_AFTER]
    return refused
