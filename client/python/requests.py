"""Requests to a server's HTTP API, and its streams of events; what goes wrong is a RemoteError."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from visavis.remote.errors import Refused, Unreachable, refusal

_PATIENCE: Final = aiohttp.ClientTimeout(total=60.0)
_QUIET: Final = 15.0  # s without a sign of life; servers give one every 3 s
_ENDLESS: Final = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=_QUIET)
_LONG: Final = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=60.0)
_PIECE: Final = 1 << 18  # bytes


class Requests:
    """url: of the server. token: the operator's, where it has one."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str = "") -> None:
        self._http, self._url = http, url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def json(self, method: str, path: str, **sent: Any) -> Any:
        """What is answered; None: nothing. Raises Unreachable, Unauthorised, Full, Refused."""
        return (await self.whole(method, path, **sent))[0]

    async def whole(self, method: str, path: str, **sent: Any) -> tuple[Any, Mapping[str, str]]:
        """The same, with the headers."""
        async with self._asked(method, path, **sent) as answer:
            text = await answer.text()
            return (json.loads(text) if text else None), answer.headers

    async def save(self, path: str, into: Path) -> Path:
        """A file of the server's, as `into`; whole, or not there."""
        part = into.with_name(f".{into.name}.part")
        async with self._asked("GET", path, limits=_LONG) as answer:
            file = await asyncio.to_thread(part.open, "wb")
            try:
                async for piece in answer.content.iter_chunked(_PIECE):
                    await asyncio.to_thread(file.write, piece)
            finally:
                await asyncio.to_thread(file.close)
        await asyncio.to_thread(part.replace, into)
        return into

    async def events(self, path: str) -> AsyncIterator[Any]:
        """JSON of server-sent events, until they end; a stream that breaks off is begun anew."""
        while True:
            try:
                async with self._asked("GET", path, limits=_ENDLESS) as answer:
                    async for line in answer.content:
                        if line.startswith(b"data: "):
                            yield json.loads(line.removeprefix(b"data: "))
                    return
            except Broken:
                await asyncio.sleep(1.0)

    @asynccontextmanager
    async def _asked(
        self, method: str, path: str, limits: aiohttp.ClientTimeout = _PATIENCE,
        headers: Mapping[str, str] | None = None, **sent: Any,
    ) -> AsyncIterator[aiohttp.ClientResponse]:  # fmt: skip
        begun = False
        try:
            async with self._http.request(
                method, self._url + path, timeout=limits,
                headers={**self._headers, **(headers or {})}, **sent,
            ) as answer:  # fmt: skip
                if answer.status >= 400:
                    raise await _refused(answer)
                begun = True
                yield answer
        except (aiohttp.ClientError, TimeoutError) as error:
            if begun:
                raise Broken(f"the answer of {self._url} broke off") from error
            raise Unreachable(f"no visavis server answers at {self._url}") from error


class Broken(Unreachable):
    """An answer had begun, and ended before it was whole."""


async def _refused(answer: aiohttp.ClientResponse) -> Refused:
    try:
        problem = await answer.json(content_type=None)
    except ValueError:
        problem = None
    return refusal(answer.status, problem, answer.headers.get("Retry-After"))
