"""The relays that a server offers: accounts that end by themselves, asked for anew in time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiohttp
from aiortc import RTCIceServer

_PATIENCE: Final = aiohttp.ClientTimeout(2.0)


class Relays:
    """Of one server. own: the program's, which then are the only ones."""

    def __init__(self, url: str, headers: Mapping[str, str], own: Sequence[RTCIceServer]) -> None:
        self._url = f"{url.rstrip('/')}/v1/ice-servers"
        self._headers, self._own = headers, tuple(own)
        self._found: tuple[RTCIceServer, ...] = ()
        self._until = 0.0

    async def now(self, http: aiohttp.ClientSession) -> tuple[RTCIceServer, ...]:
        """Those to be used; none where the server does not say."""
        if self._own:
            return self._own
        if time.monotonic() >= self._until:
            try:
                async with http.get(
                    self._url, headers=self._headers, timeout=_PATIENCE
                ) as response:
                    found = await response.json() if response.status == 200 else None
            except (aiohttp.ClientError, TimeoutError, ValueError):
                found = None
            self._take(found)
        return self._found

    def _take(self, found: Any) -> None:
        try:
            servers = tuple(
                RTCIceServer(each["urls"], each.get("username"), each.get("credential"))
                for each in found["iceServers"]
            )
            self._until = time.monotonic() + float(found["seconds"]) / 2
        except (TypeError, KeyError, ValueError, AttributeError):
            return  # an old one is better than none
        self._found = servers
