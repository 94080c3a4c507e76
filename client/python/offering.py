"""The one request that begins a session: an SDP offer, and what the server says to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urljoin

import aiohttp

from visavis.remote.errors import Refused, Unreachable, refusal

_PATIENCE: Final = aiohttp.ClientTimeout(10.0)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, and as whom; empty: the server's default."""

    url: str
    token: str = ""
    avatar: str = ""
    voice: str = ""
    language: str = ""
    source: str = ""
    relay_only: bool = False

    @property
    def sessions(self) -> str:
        """The address that takes offers."""
        names = "avatar", "voice", "language", "source"
        query = urlencode({name: value for name in names if (value := getattr(self, name))})
        return f"{self.url.rstrip('/')}/v1/sessions{'?' if query else ''}{query}"

    @property
    def headers(self) -> dict[str, str]:
        """Of every request."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@dataclass(frozen=True, slots=True)
class Answer:
    """sdp: the server's part. location: the address of the session."""

    sdp: str
    location: str


async def offered(
    http: aiohttp.ClientSession, target: Target, sdp: str, resume: str = ""
) -> Answer:
    """Open a session, or go on with the one whose token `resume` is.

    Raises Unreachable, Unauthorised, Full, Refused.
    """
    headers = {**target.headers, "Content-Type": "application/sdp"}
    if resume:
        headers["Visavis-Resume"] = resume
    try:
        async with http.post(
            target.sessions, data=sdp, headers=headers, timeout=_PATIENCE
        ) as response:
            if response.status != 201:
                raise await _refused(response)
            location = urljoin(str(response.url), response.headers["Location"])
            return Answer(await response.text(), location)
    except (aiohttp.ClientError, TimeoutError, KeyError) as error:
        msg = f"no visavis server answers at {target.url}"
        raise Unreachable(msg) from error


async def _refused(response: aiohttp.ClientResponse) -> Refused:
    try:
        problem = await response.json(content_type=None)
    except ValueError:
        problem = None
    return refusal(response.status, problem, response.headers.get("Retry-After"))
