"""Directions in plain words ("appear thoughtful", "very warm") -> affect, from a readable table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from visavis.engines.base import Affect

# Word stem -> valence, arousal, confidence, attention at full strength.
STYLES: Final[dict[str, tuple[float, float, float, float]]] = {
    "neutral": (0.0, 0.0, 0.0, 1.0),
    "calm": (0.1, -0.6, 0.2, 1.0),
    "confident": (0.2, 0.2, 1.0, 1.0),
    "thoughtful": (0.0, -0.3, -0.2, 0.5),
    "warm": (0.7, 0.0, 0.2, 1.0),
    "friendly": (0.6, 0.2, 0.2, 1.0),
    "happy": (0.8, 0.4, 0.3, 1.0),
    "delighted": (1.0, 0.7, 0.4, 1.0),
    "excited": (0.7, 0.9, 0.4, 1.0),
    "energetic": (0.4, 0.9, 0.5, 1.0),
    "serious": (-0.3, -0.1, 0.5, 1.0),
    "sorry": (-0.6, -0.4, -0.6, 1.0),
    "sad": (-0.8, -0.6, -0.4, 0.8),
    "concerned": (-0.4, 0.1, -0.2, 1.0),
    "worried": (-0.5, 0.3, -0.6, 1.0),
    "surprised": (0.2, 0.9, 0.0, 1.0),
    "curious": (0.3, 0.4, 0.0, 1.0),
    "tired": (-0.2, -0.9, -0.2, 0.6),
    "angry": (-0.9, 0.7, 0.6, 1.0),
}
_SYNONYMS: Final = {
    "confidence": "confident", "assured": "confident", "thinking": "thoughtful",
    "pensive": "thoughtful", "kind": "warm", "warmth": "warm", "warmly": "warm",
    "cheerful": "happy", "smile": "happy", "smiling": "happy", "smiles": "happy", "joy": "happy",
    "excitement": "excited", "energy": "energetic", "lively": "energetic", "earnest": "serious",
    "apologetic": "sorry", "regret": "sorry", "sadness": "sad", "worry": "worried",
    "concern": "concerned", "surprise": "surprised", "curiosity": "curious", "relaxed": "calm",
    "slow": "calm", "calmly": "calm", "normal": "neutral", "anger": "angry",
}  # fmt: skip
_STRENGTH: Final = {
    "slightly": 0.4, "little": 0.4, "bit": 0.4, "somewhat": 0.6, "very": 1.4, "extremely": 1.6,
    "really": 1.3, "more": 1.2, "less": 0.5, "not": 0.0,
}  # fmt: skip
_ORDINARY: Final = 0.8


@dataclass(frozen=True, slots=True)
class Direction:
    """What was understood of a wish: the affect that it makes, and the styles by name."""

    affect: Affect
    styles: tuple[str, ...]


def understand(prompt: str) -> Direction:
    """Every known style in `prompt`, averaged, each scaled by the strength word before it."""
    found: list[tuple[str, float]] = []
    strength = _ORDINARY
    for word in re.findall(r"[a-z]+", prompt.lower()):
        style = _SYNONYMS.get(word, word)
        if style in STYLES:
            found.append((style, strength))
            strength = _ORDINARY
        else:
            strength = _STRENGTH.get(word, strength)
    if not found:
        return Direction(Affect(), ())
    mixed = [sum(STYLES[s][axis] * k for s, k in found) / len(found) for axis in range(3)]
    attention = sum(STYLES[s][3] for s, _ in found) / len(found)
    valence, arousal, confidence = (max(-1.0, min(1.0, value)) for value in mixed)
    affect = Affect(valence, arousal, confidence, attention)
    return Direction(affect, tuple(style for style, _ in found))
