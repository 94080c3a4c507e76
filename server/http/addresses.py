"""Host and Origin of a request, read as RFC 9110 has them and no more leniently."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import hdrs, web

from visavis.server.system.config import LOOPBACK
from visavis.server.system.errors import Malformed

SCHEME: Final = "X-Forwarded-Proto"  # header: how a proxy was called that is before us
_AUTHORITY: Final = r"(?:\[(?P<v6>[0-9a-f:.]{2,45})\]|(?P<name>[a-z0-9._-]{1,253}))(?::\d{1,5})?"
_HOST: Final = re.compile(_AUTHORITY, re.IGNORECASE | re.ASCII)
_ORIGIN: Final = re.compile(rf"[a-z][a-z0-9+.-]*://{_AUTHORITY}", re.IGNORECASE | re.ASCII)


def host(request: web.Request) -> str:
    """The host that a request names, without its port. Raises Malformed."""
    if len(request.headers.getall(hdrs.HOST, ())) > 1:
        raise Malformed("The request names more than one Host.")
    found = _HOST.fullmatch(request.host)
    if found is None:
        raise Malformed("The Host header is no host and port.")
    return _named(found)


def is_secure(request: web.Request) -> bool:
    """Whether the caller came by TLS, to us or to a proxy before us: for addresses it is given."""
    return request.secure or request.headers.get(SCHEME, "").lower() == "https"


def is_of_this_machine(origin: str) -> bool:
    """Whether an Origin is a page of this machine, on any port; "null" and nonsense are not."""
    found = _ORIGIN.fullmatch(origin)
    return found is not None and _named(found) in LOOPBACK


def _named(found: re.Match[str]) -> str:
    return (found["v6"] or found["name"]).lower()
