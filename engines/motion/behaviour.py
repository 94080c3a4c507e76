"""How the avatar behaves while it idles, listens, thinks or speaks: one table. No motion here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from visavis.engines.base import Attention


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way to behave.

    blinks: a minute, without those that gaze shifts and pauses provoke (Bentivoglio et al. 1997:
    17 at rest, 26 in conversation). away: probability that the next fixation is off the visitor;
    away_length: factor on how long; away_pitch: between which angles;
    away_yaw: to where sideways, None: to either side. ponders: may look from one
    place away to the next. pose: mean posture as in FaceState. wander: factor on posture shifts;
    hold: s between them. nods: s between nods, 0 for none. face: ARKit units on top. reads: share
    of looks away that go to its own words. about: factor on how far from the visitor's middle it
    looks at the visitor.
    """

    blinks: float
    away: float
    away_length: float
    away_pitch: tuple[float, float]
    pose: tuple[float, float, float, float, float, float]
    wander: float
    hold: float
    ponders: bool = False
    nods: float = 0.0
    face: Mapping[str, float] = field(default_factory=dict)
    away_yaw: float | None = None
    reads: float = 0.0
    about: float = 1.0


BEHAVIOURS: Final[Mapping[Attention, Behaviour]] = {
    "idle": Behaviour(
        blinks=11.0,
        away=0.24,
        away_length=1.0,
        away_pitch=(-7.0, 3.0),
        pose=(0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        wander=1.0,
        hold=4.2,
    ),
    "listening": Behaviour(
        blinks=12.5,
        away=0.09,
        away_length=0.7,
        away_pitch=(-5.0, 2.0),
        about=0.55,  # into the camera: who listens attends
        pose=(0.0, -0.8, 1.2, 0.0, -0.006, 0.055),  # leans in, head a little aside
        wander=0.7,
        hold=4.0,
        nods=6.0,  # besides those at the visitor's pauses
        face={"browInnerUp": 0.18, "browOuterUp": 0.16, "eyeWide": 0.08},
    ),
    "thinking": Behaviour(
        blinks=9.5,
        away=0.78,
        away_length=1.7,
        away_pitch=(4.0, 10.0),
        pose=(0.0, 1.0, -1.6, 0.0, 0.0, -0.015),
        wander=1.1,
        hold=3.0,
        ponders=True,
        reads=0.12,
        face={
            "browInnerUp": 0.10, "browDown": 0.24, "eyeSquint": 0.16, "mouthPress": 0.14,
            "mouthLeft": 0.06,
        },
    ),
    "speaking": Behaviour(
        blinks=20.0,
        away=0.26,
        away_length=0.8,
        away_pitch=(-6.0, 4.0),
        pose=(0.0, 0.2, 0.0, 0.0, 0.0, 0.015),
        wander=2.2,
        hold=2.6,
        reads=0.3,
        face={"browInnerUp": 0.04, "browOuterUp": 0.05},
    ),
}  # fmt: skip


@lru_cache(64)
def borne(attention: Attention, away: float, look: tuple[float, float] | None) -> Behaviour:
    """The behaviour of an attention with an expression's gaze: see base.Expression."""
    behaviour = BEHAVIOURS[attention]
    if not away and look is None:
        return behaviour
    share = behaviour.away + away * ((1.0 - behaviour.away) if away > 0 else behaviour.away)
    behaviour = replace(
        behaviour,
        away=share,
        away_length=behaviour.away_length * (1.0 + max(away, 0.0)),
        ponders=behaviour.ponders or away >= 0.4,
    )
    if look is None:
        return behaviour
    yaw, pitch = look
    return replace(behaviour, away_yaw=yaw, away_pitch=(pitch - 2.0, pitch + 2.0), reads=0.0)
