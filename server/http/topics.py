"""What visitors may ask, for a page that suggests it: `GET /v1/topics`."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from pathlib import Path

from aiohttp import web

from visavis.engines.dialogue import knowledge_file
from visavis.engines.dialogue.entries import Knowledge, KnowledgeError
from visavis.engines.dialogue.topics import greeting, topics

log = logging.getLogger(__name__)


class TopicRoutes:
    """The questions of a knowledge file, read anew once it has changed. knowledge: None: none."""

    def __init__(self, knowledge: Path | None) -> None:
        self._path = knowledge
        self._stamp: tuple[int, int] | None = None
        self._known: Knowledge | None = None

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [web.get("/v1/topics", self._list)]

    async def close(self) -> None:
        """Nothing is under way here."""

    async def _list(self, request: web.Request) -> web.Response:
        if self._path is not None:
            await asyncio.to_thread(self._refresh, self._path)
        if self._known is None:
            return web.json_response({"greeting": "", "topics": []})
        language = request.query.get("language", self._known.language)
        found = [asdict(each) for each in topics(self._known, language)]
        return web.json_response({"greeting": greeting(self._known, language), "topics": found})

    def _refresh(self, path: Path) -> None:
        """A file that is being edited, or is broken, leaves what was read before."""
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._known = knowledge_file.load(path)
        except (OSError, KnowledgeError):
            log.warning("the topics could not be read", extra={"file": path.name})
