"""Pictures of cards, from the operator's folder alone."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import hdrs, web

from visavis.server.system.errors import NotFound
from visavis.server.tools.gallery import ADDRESS, LARGEST, Gallery, kind

_KEPT: Final = "private, max-age=300"  # a page that shows the same picture twice asks once


class CardRoutes:
    """What `gallery` holds."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [web.get(f"{ADDRESS}{{name}}", self._picture)]

    async def close(self) -> None:
        """Nothing is under way here."""

    async def _picture(self, request: web.Request) -> web.Response:
        data = await asyncio.to_thread(self._read, request.match_info["name"])
        media = kind(data) if data is not None else None
        if data is None or media is None:  # whatever its name says, it is no picture
            raise NotFound("There is no such picture.")
        return web.Response(body=data, content_type=media, headers={hdrs.CACHE_CONTROL: _KEPT})

    def _read(self, name: str) -> bytes | None:
        path = self._gallery.path(name)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                data = file.read(LARGEST + 1)
        except OSError:
            return None
        return data if len(data) <= LARGEST else None
