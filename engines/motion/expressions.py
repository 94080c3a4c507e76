"""The faces of a contact sheet: mouth shapes, feelings, looks and turns, by name."""

from __future__ import annotations

from typing import Final

import numpy as np

from visavis.engines.base import Affect, FaceState
from visavis.engines.curves import Doubles
from visavis.engines.motion.affect import expressed, vector
from visavis.engines.motion.articulation import CHANNELS, coefficients
from visavis.engines.motion.visemes import VISEMES

# The names that others call the 14 mouth shapes by (Oculus' list), and ours of visemes.VISEMES.
MOUTHS: Final = {
    "PP": "pp", "FF": "ff", "TH": "th", "DD": "dd", "kk": "kk", "CH": "sh", "SS": "ss",
    "nn": "nn", "RR": "rr", "aa": "aa", "E": "eh", "ih": "ih", "oh": "ao", "ou": "uw",
}  # fmt: skip
FEELINGS: Final = {
    "smile": Affect(0.9, 0.2, 0.3),
    "sorry": Affect(-0.6, -0.4, -0.6),
    "surprised": Affect(0.2, 0.9, 0.0),
}
LOOKS: Final = {  # degrees; left and right are the picture's
    "look left": (-20, 0), "look right": (20, 0), "look up": (0, 15), "look down": (0, -15),
}  # fmt: skip
TURNS: Final = {  # degrees of yaw, pitch and roll: the ends of the range that is drawn
    "yaw -15": (-15, 0, 0), "yaw +15": (15, 0, 0), "pitch -10": (0, -10, 0),
    "pitch +10": (0, 10, 0), "roll -10": (0, 0, -10), "roll +10": (0, 0, 10),
}  # fmt: skip


def expressions() -> dict[str, FaceState]:
    """Neutral, 14 mouth shapes, 3 feelings, a blink, 4 looks and 6 turns."""
    return {
        "neutral": FaceState(),
        **{name: _face(_mouth(ours)) for name, ours in MOUTHS.items()},
        **{name: _face(expressed(affect)) for name, affect in FEELINGS.items()},
        "blink": _face(vector({"eyeBlink": 1.0})),
        **{name: FaceState(gaze=np.array(look, np.float32)) for name, look in LOOKS.items()},
        **{name: FaceState(pose=np.array([*t, 0, 0, 0], np.float32)) for name, t in TURNS.items()},
    }


def _mouth(name: str) -> Doubles:
    """(52,): one sound held, its seal shut."""
    viseme = VISEMES[name]
    channels = np.array([viseme.targets.get(unit, 0.0) for unit in CHANNELS])
    if viseme.seal:
        channels[CHANNELS.index(viseme.seal)] = 1.0
    return coefficients(channels)


def _face(amounts: Doubles) -> FaceState:
    return FaceState(np.clip(amounts, 0, 1).astype(np.float32))
