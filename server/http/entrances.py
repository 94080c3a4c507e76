"""Addresses with a key of their own: those of wires, where clients of other systems come in.

Such a client sends its key in its own way, and must not be given the server's token, which may do
everything. The guard compares keys in constant time, counts wrong ones, and answers preflights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import hdrs, web

from visavis.server.system.errors import Problem

Sent = Callable[[web.Request], str]  # what a request sends as its key; empty: nothing


@dataclass(frozen=True, slots=True)
class Entrance:
    """What begins with one of `prefixes` wants `key`; empty: the server's token, as /v1/ does.

    Where there is a key, the server's token opens the entrance as well: the operator may do
    everything. sent: how a request sends it. how: the same in words. loose: whether a request goes
    in without it, since the wire looks at a token of its own (`wires.tokens`). headers: that pages
    of other origins may send, besides those that all may. credentials: whether they may also send
    cookies, as some clients insist to; none are ever read.
    """

    prefixes: tuple[str, ...]
    key: str = ""
    sent: Sent | None = None
    how: str = "as `Authorization: Bearer TOKEN`"
    loose: Callable[[web.Request], bool] = lambda request: False
    headers: tuple[str, ...] = ()
    credentials: bool = False
    shown: Callable[[Problem], web.Response] | None = None

    def holds(self, path: str) -> bool:
        """Whether a path is one of its addresses: a prefix itself, or one below it."""
        return any(
            path == prefix.rstrip("/") or path.startswith(prefix.rstrip("/") + "/")
            for prefix in self.prefixes
        )


def bearer(request: web.Request) -> str:
    """The token of a request (RFC 6750; a scheme's case does not matter: RFC 9110 11.1)."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def header(name: str) -> Sent:
    """The key as a header of that name."""
    return lambda request: request.headers.get(name, "").strip()


def query(name: str) -> Sent:
    """The key as a parameter of the address: for clients that know no other way, for it is logged
    by proxies.
    """
    return lambda request: request.query.get(name, "")


def protocol(prefix: str) -> Sent:
    """The key as one of a web socket's subprotocols, behind a prefix: how browsers send it."""

    def sent(request: web.Request) -> str:
        names = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",")
        found = (name.strip().removeprefix(prefix) for name in names if prefix in name)
        return next(found, "")

    return sent


def either(*ways: Sent) -> Sent:
    """The first of several ways that a request uses."""
    return lambda request: next((key for way in ways if (key := way(request))), "")
