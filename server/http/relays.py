"""Relays for viewers: `GET /v1/ice-servers`, before they offer."""

from __future__ import annotations

from aiohttp import hdrs, web

from visavis.server.rtc.relays import Relays


class RelayRoutes:
    """Whoever may open a session may have an account for its way."""

    def __init__(self, relays: Relays) -> None:
        self._relays = relays

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [web.get("/v1/ice-servers", self._list)]

    async def close(self) -> None:
        """Nothing is under way here."""

    async def _list(self, _request: web.Request) -> web.Response:
        found = {"iceServers": self._relays.servers(), "seconds": self._relays.seconds}
        return web.json_response(found, headers={hdrs.CACHE_CONTROL: "no-store"})
