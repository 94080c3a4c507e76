"""The cuts by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from models.tools.persona.head import Floats
from models.tools.persona.mesh import Surface

from .body import Body
from .coily import grow_afro, grow_crop, grow_puff
from .drawn import grow_bun
from .filling import Texture, baby_hair
from .long import grow_bob, grow_long
from .short import grow_short, pixie, scissor, tousled
from .strands import Rng, Strands
from .style import HairStyle

Grower = Callable[[Body, Surface, Floats, Floats, HairStyle, Rng], Mapping[str, Strands]]


def grow_wrapped(
    body: Body, skin: Surface, weight: Floats, rim: Floats, style: HairStyle, rng: Rng
) -> Mapping[str, Strands]:
    """Under a headwrap: only the fine hair at the edge."""
    return {"baby": baby_hair(body, skin, rim, np.array([0.4, 0.5, 0.4]), style, rng, 2200, 0.06)}


SHORT: Final = Texture(tufts=3600, held=0.58, frizz=0.014, stray=0.028, loose=0.018, uneven=0.28)
TOUSLED: Final = Texture(tufts=2400, held=0.70, frizz=0.017, stray=0.030, loose=0.016, uneven=0.32)
PIXIE: Final = Texture(tufts=3200, held=0.68, frizz=0.016, stray=0.03, loose=0.010, uneven=0.30)

CUTS: Final[Mapping[str, Grower]] = {
    "afro": grow_afro,
    "bob": grow_bob,
    "bun": grow_bun,
    "crop": grow_crop,
    "long": grow_long,
    "pixie": grow_short(pixie, PIXIE),
    "puff": grow_puff,
    "short": grow_short(scissor, SHORT),
    "textured": grow_short(tousled, TOUSLED),
    "wrapped": grow_wrapped,
}
