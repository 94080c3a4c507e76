"""Affect to expression and voice: brows, lids, mouth corners, liveliness, speed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from visavis.engines.base import Affect, Expression, Prosody
from visavis.engines.curves import Doubles
from visavis.models import arkit

_BENT: Final = 7.0  # degrees

# ARKit units at full strength of each ingredient. After the action units that Ekman & Friesen
# (FACS) give for joy (6, 12), sadness (1, 4, 15), anger (4, 7, 23) and surprise (1, 2, 5), held
# below the picture-book face: a host's, not an actor's. Judged on rendered faces.
_INGREDIENTS: Final[Mapping[str, Mapping[str, float]]] = {
    "pleased": {
        "mouthSmile": 0.72, "cheekSquint": 0.50, "mouthDimple": 0.12, "browOuterUp": 0.12,
        "browInnerUp": 0.08, "eyeSquint": 0.14,
    },
    "displeased": {"mouthFrown": 0.60, "browInnerUp": 0.20, "browDown": 0.34, "mouthPress": 0.12},
    "awake": {"eyeWide": 0.50, "browOuterUp": 0.62, "browInnerUp": 0.52},
    "sleepy": {"eyeBlink": 0.24, "browDown": 0.06},
    "sure": {"browDown": 0.12, "mouthDimple": 0.08, "eyeSquint": 0.06},
    "unsure": {"browInnerUp": 0.54, "mouthPress": 0.10, "mouthStretch": 0.06},
    "angry": {
        "browDown": 0.90, "eyeSquint": 0.45, "noseSneer": 0.22, "mouthPress": 0.22,
        "eyeWide": -0.30, "browOuterUp": -0.38, "browInnerUp": -0.60,
    },
    "sad": {
        "browInnerUp": 0.95, "browDown": -0.24, "mouthFrown": 0.40, "mouthShrugLower": 0.22,
        "eyeBlink": 0.06,
    },
    "absent": {"eyeBlink": 0.10},
}  # fmt: skip


def columns(unit: str) -> list[int]:
    """Where a unit sits in ARKit's 52; "browDown" stands for its left and right half."""
    names = [unit] if unit in arkit.INDEX else [f"{unit}Left", f"{unit}Right"]
    return [arkit.INDEX[name] for name in names]


def vector(amounts: Mapping[str, float]) -> Doubles:
    """Units by name -> (52,)."""
    result = np.zeros(arkit.COUNT)
    for unit, amount in amounts.items():
        result[columns(unit)] += amount
    return result


_VECTORS: Final = {name: vector(units) for name, units in _INGREDIENTS.items()}


def expressed(affect: Affect) -> Doubles:
    """(52,) amounts, possibly negative: they add to whatever else the face does."""
    up, down = max(affect.valence, 0.0), max(-affect.valence, 0.0)
    awake, sleepy = max(affect.arousal, 0.0), max(-affect.arousal, 0.0)
    strength = {
        "pleased": up,
        "displeased": down,
        "awake": awake,
        "sleepy": sleepy,
        "sure": max(affect.confidence, 0.0),
        "unsure": max(-affect.confidence, 0.0),
        "angry": min(down, awake),
        "sad": min(down, max(0.4 - affect.arousal, 0.0)),
        "absent": 1.0 - affect.attention,
    }
    return np.asarray(sum(strength[name] * _VECTORS[name] for name in strength))


def posture(affect: Affect) -> Doubles:
    """(6,) degrees and inter-ocular distances: chin up when sure, head down when sad."""
    pitch = 1.2 * affect.confidence + 0.8 * affect.valence - 0.4 * max(-affect.arousal, 0.0)
    roll = 0.8 * max(affect.valence, 0.0)
    nearer = 0.025 * affect.arousal + 0.02 * (affect.attention - 1.0)
    return np.array([0.0, pitch, roll, 0.0, 0.004 * affect.arousal, nearer])


def liveliness(affect: Affect) -> float:
    """Factor on head movement, nods and blinks: 0.6 when sleepy, 1.5 when excited."""
    return 1.0 + 0.5 * max(affect.arousal, 0.0) - 0.4 * max(-affect.arousal, 0.0)


def restlessness(affect: Affect) -> float:
    """In [0, 1]: how much more the eyes wander off when inattentive or unsure."""
    away = 0.6 * (1.0 - affect.attention) + 0.3 * max(-affect.confidence, 0.0)
    return min(away + 0.1 * max(affect.arousal, 0.0), 1.0)


def voiced(affect: Affect) -> Prosody:
    """How a voice speaks with this affect; (0, 0, 0) is its plain speech.

    Arousal speeds up and raises, sadness slows and lowers (Scherer 2003, Juslin & Laukka 2003);
    held to a third of what actors do, since a host only colours what it says. Confidence speaks
    up and, where it is missing, falters.
    """
    up, down = max(affect.valence, 0.0), max(-affect.valence, 0.0)
    awake, sleepy = max(affect.arousal, 0.0), max(-affect.arousal, 0.0)
    sad = min(down, max(0.4 - affect.arousal, 0.0))
    unsure = max(-affect.confidence, 0.0)
    speed = 1.0 + 0.10 * awake - 0.09 * sleepy - 0.05 * sad - 0.03 * unsure
    pitch = 0.9 * awake + 0.5 * up - 0.7 * sad - 0.4 * sleepy - 0.25 * max(affect.confidence, 0.0)
    energy = 0.5 * awake - 0.4 * sleepy - 0.3 * sad + 0.25 * affect.confidence
    return Prosody(speed, pitch, energy)


def mixed(bearings: Iterable[tuple[Expression, float]]) -> Expression:
    """Several bearings at their strengths: what they add is summed, the last look counts.

    The head turns by no more than _BENT, so that there is room left for its own movements.
    """
    face: dict[str, float] = {}
    pose = np.zeros(6)
    lively, away, look = 1.0, 0.0, None
    for expression, strength in bearings:
        for unit, amount in expression.face.items():
            face[unit] = face.get(unit, 0.0) + strength * amount
        pose += strength * np.array(expression.pose)
        lively *= expression.lively**strength
        away += strength * expression.away
        look = expression.look or look
    yaw, pitch, roll, x, y, z = np.clip(pose, -_BENT, _BENT).tolist()
    return Expression(face, (yaw, pitch, roll, x, y, z), lively, min(max(away, -1.0), 1.0), look)
