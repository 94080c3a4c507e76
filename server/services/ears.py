"""Speech recognition of a running server, by language: loaded when a session first needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from visavis.engines import load
from visavis.engines.base import HEAR_RATE, Stt
from visavis.engines.language.languages import LANGUAGES, code_of, is_english
from visavis.server.system.flow import Worker
from visavis.server.system.served import Served

_DEADLINE: Final = 20.0  # s for one utterance

Serve = Callable[[str, str, Stt, Worker], Served[Stt]]


class Ears:
    """Recognisers by language, and whether others are listened for.

    All but the English one share a network, so a further language costs nothing; each is served by
    its own thread, and they take turns.
    """

    def __init__(self, home: Path, serve: Serve) -> None:
        """serve: takes an engine and its thread in, by a name for metrics and one in words."""
        self._home, self._serve = home, serve
        self._opening = asyncio.Lock()
        self._loaded: dict[tuple[str, bool, frozenset[str]], Served[Stt]] = {}

    async def get(
        self, language: str, *, detect: bool = False, among: Collection[str] = LANGUAGES
    ) -> Served[Stt]:
        """The one of a BCP 47 language. Raises EngineError, ManifestError.

        detect: what is said in another language of `among` is written in that.
        """
        key = code_of(language) or "en", detect, frozenset(among) if detect else frozenset()
        async with self._opening:
            if key not in self._loaded:
                self._loaded[key] = await self._load(*key)
        return self._loaded[key]

    async def _load(self, language: str, detect: bool, among: frozenset[str]) -> Served[Stt]:
        plain = is_english(language) and not detect
        name = "stt" if plain else f"stt-{'any' if detect else language}"
        worker = Worker(name, deadline=_DEADLINE)
        try:
            stt = await worker.load(
                partial(load.stt, self._home, language, detect=detect, among=among)
            )
            if not plain:  # a first call takes several times as long as a later one
                await worker.load(stt.transcribe, np.zeros(HEAR_RATE, np.int16))
        except BaseException:
            worker.close()
            raise
        return self._serve(name, "Speech recognition", stt, worker)
