"""How a face is drawn at one instant: shade in its openings, its lids, and the light on its skin.

Shared by everything that draws a scene. Amounts (len(CONTROLS),) and motion (3, 3, 4) are those of
`kernel.forward`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from visavis.models import arkit
from visavis.models.warp.scene import Floats, Gap

BASE_STEP: Final = 8  # px between the nodes at which the base is inverted
PATCH_STEP: Final = 4
CROWDED: Final = 0.1  # of its width that what has turned out of sight keeps at least
HOOD: Final = 0.6  # the same of lids whose shadow reaches farther
LID_HOOD: Final = 0.85  # share of the light that a closing lid and its lashes keep off an eyeball
BARE: Final = 0.4  # of a closed lid, from which on its lashes are drawn by themselves
LOOK_SHUTS: Final = 0.5  # of a blink that a look down is, see models/eyes.TRAVEL
LASHES_OPEN: Final = 50.0  # degrees that lashes point up when the eye is open, and shut
LASHES_SHUT: Final = -35.0
# Beside path-traced lids: opacity of the line where two shut ones meet, and the share of theirs
# that lashes lose which lie over it, for light falls between them.
LINE: Final = 0.5
LOOSE: Final = 0.5
LIP_HOOD: Final = 0.65  # share of the light in the mouth that rounded lips keep out


def _index(name: str) -> int:
    return arkit.INDEX[name]


def turn(light: Floats, motion: Floats) -> Floats:
    """(3,): how the light has changed as a turned head sees it."""
    return np.asarray((motion[0, :, :3].T - np.eye(3, dtype=np.float32)) @ light, np.float32)


def shade(gap: Gap, amounts: Floats) -> Floats:
    """(6,): what keeps light out of a gap now; see kernel_patch.Inside."""
    if gap.hooded:
        return gap.shade + np.array([LIP_HOOD * _rounding(amounts), 0, 0, 0, 0, 0], np.float32)
    if not gap.side:
        return gap.shade
    shut = amounts[_index(f"eyeBlink{gap.side}")]
    if not gap.shaded:
        own = gap.shade[0]
        return gap.shade + np.array([(1 - own) * HOOD * shut, 0, 0, 0, 0, 0], np.float32)
    # The photo's own eyeball lies in the shadow of its open lids already.
    kept = gap.shade * np.array([shut, 1, shut, 1, 1, 1], np.float32)
    return kept + np.array([LID_HOOD * shut, 0, 0, 0, 0, 0], np.float32)


def closed(gap: Gap, amounts: Floats) -> float:
    """How far an upper lid is down, in [0, 1]; 0 of what has none that can be drawn."""
    if gap.lid is None:
        return 0.0
    blink, down = (amounts[_index(f"{unit}{gap.side}")] for unit in ("eyeBlink", "eyeLookDown"))
    return min(float(blink + LOOK_SHUTS * down), 1.0)


def skin(closed: float) -> tuple[int, int]:
    """In 256ths: how far a lid's lashes are gone from its skin, and how far its fold is too."""
    return int(256 * min(closed / BARE, 1)), int(256 * closed)


def lashes(closed: float) -> Floats:
    """(3,): height, opacity, and the line's opacity; see kernel_patch.draw_lashes."""
    opacity = min(closed / BARE, 1) * (1 - LOOSE * closed)
    return np.array([_height(closed), opacity, LINE * closed**2], np.float32)


def _height(closed: float) -> float:
    """How high lashes stand over the lid's edge, of their height in the photo."""
    angle = LASHES_OPEN + (LASHES_SHUT - LASHES_OPEN) * closed
    return float(np.sin(np.radians(angle)) / np.sin(np.radians(LASHES_OPEN)))


def _rounding(amounts: Floats) -> float:
    """How far the lips are rounded and pushed out, in [0, 1]."""
    return float(max(amounts[_index("mouthPucker")], amounts[_index("mouthFunnel")]))
