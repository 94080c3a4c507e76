"""Who speaks a translated scene: the same voice where it can, else one like it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

from visavis.engines import load
from visavis.engines.base import Voice
from visavis.engines.language.languages import code_of
from visavis.engines.registry import VOICE
from visavis.engines.voices import own

_SEXES: Final = re.compile(r"\b(woman|female|man|male)\b", re.IGNORECASE)
_ROBOTS: Final = "espeak-"


def spoken(home: Path) -> frozenset[str]:
    """Codes of the languages that a voice has. Reads files."""
    return frozenset(code_of(voice.language) for voice in load.voices(home))


class Casting:
    """See pairs.VoiceFor. Reads what voices there are once.

    usual: an avatar's name -> the voice it has where none is named, "" for the house's.
    """

    def __init__(self, home: Path, usual: Callable[[str], str]) -> None:
        self._home, self._usual = home, usual
        self._known = load.voices(home)

    def __call__(self, voice: str, avatar: str, language: str) -> str:
        """A voice that is named and speaks the language stays. Else "", whoever is the language's
        first, unless that one is a man's and the voice before a woman's, or the other way.
        """
        before = self._named(voice or self._usual(avatar) or VOICE)
        if before is not None and code_of(before.language) == code_of(language):
            return voice
        if before is not None and before.licence == own.LICENCE:
            abroad = f"{before.name}-{code_of(language)}"  # the same person's, where there is one
            return abroad if self._named(abroad) else ""
        first = self._named(load.voice_for(language, self._home) or VOICE)
        if before is None or first is None or _sex(first) in {None, _sex(before)}:
            return ""
        return self._like(before, first, language)

    def _named(self, name: str) -> Voice | None:
        return next((voice for voice in self._known if voice.name == name), None)

    def _like(self, before: Voice, first: Voice, language: str) -> str:
        """One of the same kind as the first, so that nobody becomes a robot by it; else ""."""
        kind = first.name.startswith(_ROBOTS)
        able: Sequence[Voice] = [
            voice
            for voice in self._known
            if voice.licence != own.LICENCE  # nobody else's voice is lent to anybody
            and code_of(voice.language) == code_of(language)
            and voice.name.startswith(_ROBOTS) == kind
            and _sex(voice) == _sex(before)
        ]
        near = sorted(able, key=lambda voice: voice.language != language)
        return near[0].name if near else ""


def _sex(voice: Voice) -> Literal["w", "m"] | None:
    """As its description says it; None: it does not."""
    found = _SEXES.search(voice.description)
    if found is None:
        return None
    return "w" if found[1].lower() in {"woman", "female"} else "m"
