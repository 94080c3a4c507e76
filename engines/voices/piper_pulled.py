"""Piper's voices that an operator has pulled: `visavis models pull piper:de_DE-thorsten-medium`."""

from __future__ import annotations

from pathlib import Path

from visavis.engines.base import EngineError, Voice
from visavis.engines.voices.piper import PiperTts, Source
from visavis.models import piper_voices
from visavis.models.manifest import ManifestError
from visavis.models.piper_voices import Pulled


def voices(home: Path | None) -> tuple[Voice, ...]:
    """Those that lie in `home`, unread; none without it."""
    return tuple(map(_voice, piper_voices.pulled(home / "models"))) if home else ()


def load(home: Path, name: str) -> PiperTts:
    """One of them, its files verified. Raises EngineError."""
    try:
        found = piper_voices.located(name, home / "models")
    except ManifestError as error:
        raise EngineError(str(error)) from error
    source = Source(_voice(found), found.model, found.config)
    return PiperTts(home / "cache", source=source)


def _voice(found: Pulled) -> Voice:
    description = f"{found.speaker}, {found.quality} quality, {found.language_name}"
    licence = f"{found.licence}; spoken by piper (GPL-3.0)"
    return Voice(found.name, found.language, description, licence)
