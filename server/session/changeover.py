"""A session goes over to another language: it is told, and heard by another recogniser."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from visavis.engines.base import EngineError, Stt
from visavis.engines.language.languages import code_of
from visavis.server.session import events
from visavis.server.session.hearing import Hearing
from visavis.server.session.switching import Switching, Wish, unknown
from visavis.server.system.config_faults import AUTO
from visavis.server.system.flow import Tasks
from visavis.server.system.served import Served

log = logging.getLogger(__name__)

# (BCP 47, whether others are written as what they are) -> recognition. Raises EngineError.
Hears: TypeAlias = Callable[[str, bool], Awaitable[Served[Stt]]]


class Changeover:
    """Of one session. ear: what changes with the language; None: it has none that hears words.

    hears: recognition in a language; None: there is no other than the ear has.
    """

    def __init__(
        self,
        switching: Switching,
        ear: Hearing | None,
        hears: Hears | None,
        tasks: Tasks,
        tell: Callable[[events.Event], None],
    ) -> None:
        self._switching, self._ear, self._hears = switching, ear, hears
        self._tasks, self._tell = tasks, tell

    @property
    def language(self) -> str:
        """BCP 47, of what is said and answered."""
        return self._switching.language

    @property
    def follows(self) -> bool:
        """Whether it goes over to the visitor's."""
        return self._switching.follows

    def restore(self, language: str, *, follows: bool) -> None:
        """Be in that language, of which everybody knows."""
        self._switching.language, self._switching.follows = language, follows

    def asked(self, text: str) -> Wish | None:
        """What a text that asks for a language comes to; None: it asks for none."""
        return self._switching.asked(text)

    def speak(self, language: str) -> events.Failure | None:
        """Go over to a language (BCP 47), or with AUTO to whichever the visitor speaks."""
        switching, follows = self._switching, language == AUTO
        if not follows and code_of(language) not in switching.languages:
            return events.Failure("unknown-language", unknown(language, switching.languages))
        switching.follows = follows
        self.to(switching.language if follows else language, anyhow=True)
        return None

    def to(self, language: str, *, anyhow: bool = False) -> None:
        """anyhow: even if it is in that already, because its ear is to change."""
        if language == self._switching.language and not anyhow:
            return
        self._switching.language = language
        self._tell(events.LanguageSpoken(language))
        if self._ear is not None and self._hears is not None:
            hear = self._hear(self._ear, self._hears, language)
            self._tasks.start(hear, name="hear another language")

    async def _hear(self, ear: Hearing, hears: Hears, language: str) -> None:
        try:
            stt = await hears(language, self._switching.follows)
        except EngineError as error:  # it goes on with the ear that it has
            log.warning("a language cannot be heard", extra={"fault": str(error)})
            return
        if language == self._switching.language:
            ear.listen_with(stt, language)
