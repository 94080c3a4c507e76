"""Whom a worker believes: its parent, over a socket that nobody else can reach."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from visavis.server.http import problems

CALLER: Final = "Visavis-Caller"  # header: the address from which the parent was asked


@web.middleware
async def trusting(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The middleware of a worker's addresses: the guard is the parent's, errors are problems."""
    try:
        return await handler(request.clone(remote=request.headers.get(CALLER, "")))
    except Exception as error:
        if isinstance(error, web.HTTPException) and error.status < 400:
            raise
        return problems.of(error, request.path)
