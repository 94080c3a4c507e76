"""Styles of Kokoro's voices, and the one that a person's speaker embedding comes nearest to.

A style is what that network speaks like: 128 numbers of timbre, 128 of pitch and pace. Between the
54 styles that came with it lie others that sound like somebody, too. How a style's embedding
follows from it was learnt once, as a plane (`models/tools/voices/styles.py`); the style for a
person is where that plane comes nearest, not far from the styles that there are.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from visavis.engines.base import EngineError, Floats, Tts, Voice
from visavis.engines.voices.kokoro import SPOKEN, KokoroTts, speaks
from visavis.models import manifest
from visavis.models.manifest import ManifestError

__all__ = ["NETWORK", "SPOKEN", "available", "load", "near"]

NETWORK: Final = "kokoro"
SIZE: Final = 256
_NEAREST: Final = 2  # styles that there are, which are tried as they are
_ROUNDS: Final = 300
_PACE: Final = 4.0
_LEASH: Final = 0.0015  # what a step away from the middle of all styles costs


class _Known(NamedTuple):
    """styles, heard: (54, 256), each style and its embedding. lengths: (510, 256), what the number
    of symbols adds to any style. basis: (24, 256) directions; plane: (25, 256), from steps along
    them, and one, to an embedding."""

    styles: Floats
    heard: Floats
    lengths: Floats
    basis: Floats
    plane: Floats

    @property
    def middle(self) -> Floats:
        return np.asarray(self.styles.mean(axis=0), np.float32)


def available(language: str) -> bool:
    """Whether the network is here and speaks a language."""
    return speaks(language)


def near(person: Floats) -> list[Floats]:
    """(256,) embedding of a person -> styles that may sound like them. Raises EngineError."""
    known = _known()
    order = np.argsort(known.heard @ person)[::-1]
    nearest = [known.styles[at] for at in order[:_NEAREST]]
    return [*nearest, _between(known, person, nearest[0])]


def load(voice: Voice, style: Floats, home: Path) -> Tts:
    """Who speaks in a style. Raises EngineError."""
    if style.shape != (SIZE,):
        raise EngineError(f"{voice.name}: its style is none")
    return KokoroTts(voice, style[None] + _known().lengths, home / "models")


def _between(known: _Known, person: Floats, start: Floats) -> Floats:
    """Uphill on the cosine from half of the way to the nearest."""
    directions = known.plane[:-1]
    steps = np.linalg.lstsq(known.basis.T, start - known.middle, rcond=None)[0] / 2
    for _ in range(_ROUNDS):
        heard = np.append(steps, 1) @ known.plane
        size = np.linalg.norm(heard)
        rise = directions @ (person / size - (heard @ person) * heard / size**3)
        steps = steps + _PACE * (rise - 2 * _LEASH * steps)
    return np.asarray(known.middle + steps @ known.basis, np.float32)


@cache
def _known() -> _Known:
    """Raises EngineError."""
    try:
        with np.load(manifest.locate("voice-styles"), allow_pickle=False) as parts:
            found = {name: parts[name].astype(np.float32) for name in parts.files}
    except (OSError, ValueError, ManifestError) as error:
        raise EngineError("voice_styles.npz is missing or damaged: install visavis anew") from error
    lengths = found["length_weights"] @ found["length_directions"]
    return _Known(found["styles"], found["heard"], lengths, found["basis"], found["plane"])
