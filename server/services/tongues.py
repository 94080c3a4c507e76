"""The languages that a server's sessions can be in, and who speaks each of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from visavis.engines import load
from visavis.engines.base import EngineError, Voice
from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import ENGLISH
from visavis.server.services.voices import Loaded, Voices
from visavis.server.session.speaking import Spoken
from visavis.server.system.config_faults import AUTO

log = logging.getLogger(__name__)

_MISSING: Final = (
    "language is {setting!r}, and there is no recognition or no voice for it here: "
    "`pip install visavis[languages]`, see `visavis voices`"
)
_NOBODY: Final = "Nobody speaks {language} here: see `visavis voices`."


def unspoken(setting: str, languages: Sequence[str]) -> str:
    """Why a server cannot be set to a language, and the fix; "": it can. setting: or AUTO."""
    missing = len(languages) == 1 if setting == AUTO else code_of(setting) not in languages
    return _MISSING.format(setting=setting) if missing else ""


def voice_of(language: str, wanted: Sequence[str], home: Path) -> str:
    """The first of some voices that speaks a language, or that is none at all; else its own.

    wanted: "" is nobody. Reads files. Raises EngineError.
    """
    code, known = code_of(language), load.voices(home)
    for voice in filter(None, wanted):
        if _language_of(voice, known) in (code, ""):
            return voice
    found = load.voice_for(language, home)
    if found is None:  # of English, that is because any will do
        found = next((each.name for each in known if code_of(each.language) == code), None)
    if found is None:
        raise EngineError(_NOBODY.format(language=code))
    return found


def _language_of(voice: str, known: Sequence[Voice]) -> str:
    found = next((each for each in known if each.name == voice), None)
    return code_of(found.language) if found is not None else ""


class Tongues:
    """Voices by language: one that was asked for, where it speaks it, else the language's own."""

    def __init__(self, voices: Voices, home: Path, default: str) -> None:
        """default: who speaks where nobody is named, and the avatar has no voice of its own."""
        self._voices, self._home, self._default = voices, home, default
        self._told: set[tuple[str, str]] = set()  # what the log has named

    def name(self, language: str, wanted: str) -> str:
        """The voice of a language: `wanted`, if it is of that. Reads files. Raises EngineError."""
        return voice_of(language, (wanted, self._default), self._home)

    def own(self, avatar: str, voice: str) -> str:
        """The voice that belongs to an avatar, where there is that voice here; else the default.

        Reads files.
        """
        if not voice or _language_of(voice, load.voices(self._home)):
            return voice or self._default
        if (avatar, voice) not in self._told:
            self._told.add((avatar, voice))
            extra = {"avatar": avatar, "voice": voice, "instead": self._default}
            log.warning("an avatar's own voice is not here", extra=extra)
        return self._default

    def language_of(self, voice: str) -> str:
        """The code of a voice's language; "" of one that there is not. Reads files."""
        return _language_of(voice, load.voices(self._home))

    async def get(self, language: str, wanted: str) -> Loaded:
        """Raises EngineError, NotFound."""
        return await self._voices.get(await asyncio.to_thread(self.name, language, wanted))


class Abroad:
    """Who speaks other languages in one session; `session.speaking.Speakers.abroad`.

    wanted: the voice that the session asked for.
    """

    def __init__(self, tongues: Tongues, wanted: str) -> None:
        self._tongues, self._wanted = tongues, wanted

    async def __call__(self, language: str) -> Spoken:
        """Raises EngineError."""
        loaded = await self._tongues.get(language or ENGLISH, self._wanted)
        return Spoken(loaded.tts, loaded.shelf, loaded.apology)
