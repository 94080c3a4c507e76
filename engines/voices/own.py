"""Voices of one's own, made from a person's sample: files of `models.voice_file` in the home.

A file's kind says who speaks it. Whether the consent to it is in force is for the server to say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from visavis.engines.base import EngineError, Tts, Voice
from visavis.models import voice_file
from visavis.models.errors import AvatarError
from visavis.models.voice_file import SUFFIX, OwnVoice, VoiceCard

if TYPE_CHECKING:
    from collections.abc import Mapping

LICENCE: Final = "of the person whose voice it is like: see its consent"
# The file of a kind has `DESCRIPTION`, `speak(file, voice, base, home) -> Tts`,
# `also(card)`, codes of what it speaks besides its language, and `forget(file)`, for what lies
# elsewhere; who makes its voices is an engines.base.VoiceCloner.
KINDS: Final[Mapping[str, str]] = {
    "tuned": "visavis.engines.voices.tuned",
    "served": "visavis.engines.voices.served",
}
Base = Callable[[str], Tts]  # another voice by its name; raises EngineError


def voices(home: Path | None) -> tuple[Voice, ...]:
    """Those that lie in `home`, their signatures true."""
    return tuple(voice(card) for card in spoken(home).values()) if home else ()


def cards(home: Path) -> dict[str, VoiceCard]:
    """Of all that lie in `home` and that this version can speak, by name."""
    found, _ = voice_file.listed(home)
    return {name: card for name, card in found.items() if card.kind in KINDS}


def spoken(home: Path) -> dict[str, VoiceCard]:
    """The same, and once more for each other language that it speaks: "anna-fr" beside "anna"."""
    found = cards(home)
    for name, card in list(found.items()):
        for code in _module(card.kind).also(card):
            found.setdefault(f"{name}-{code}", replace(card, name=f"{name}-{code}", language=code))
    return found


def voice(card: VoiceCard) -> Voice:
    """What it is chosen by. Its description names no person: visitors read it."""
    return Voice(card.name, card.language, _module(card.kind).DESCRIPTION, LICENCE)


def load(home: Path, name: str, base: Base) -> Tts:
    """One of them. base: who loads the voice that it is made of. Raises EngineError."""
    folder = voice_file.folder_of(home)
    path = folder / f"{name}{SUFFIX}"
    if not path.exists():
        path = folder / f"{name.rpartition('-')[0]}{SUFFIX}"
    try:
        found = voice_file.read(path)
    except AvatarError as error:
        raise EngineError(error.message) from error
    card = spoken(home).get(name, found.card)
    made: Tts = _module(card.kind).speak(replace(found, card=card), voice(card), base, home)
    return made


def forget(found: OwnVoice) -> None:
    """Have deleted what lies elsewhere of it. Raises EngineError where that is not sure."""
    _module(found.card.kind).forget(found)


def _module(kind: str) -> Any:
    if kind not in KINDS:
        raise EngineError(f"a voice of the kind {kind[:40]!r} needs another version of visavis")
    return import_module(KINDS[kind])
