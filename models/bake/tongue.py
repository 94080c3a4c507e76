"""The tongue behind the lower teeth, its tip, and the dark behind them, as pictures in mm."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from visavis.models.avatar.rig import Floats

TONGUE: Final = (196, 92, 87)
COAT: Final = (192, 112, 105)  # on its back
THROAT: Final = (78, 27, 24)
CHEEK: Final = (150, 66, 60)  # its inside, beside the teeth
REACH: Final = 31.0  # mm to both sides of the middle
ABOVE: Final = 24.0  # mm over the lower teeth's edges
BELOW: Final = 26.0
TIP: Final = (11.0, 12.0)  # mm: half the width and the height of the tip's picture


def body(
    scale: float, lift: float, tilt: Floats, grain: np.random.Generator
) -> tuple[Floats, float]:
    """(h, w, 4) RGBA, 0 to 255, and mm from its top to the lower teeth's edges.

    Opaque over all of an open mouth: the tongue's back rises behind the lower teeth and goes down
    into the throat; above it the palate, in the dark. scale: samples a mm; lift: mm that the tongue
    lies over the teeth; tilt: see crowns.View.
    """
    size = (int((ABOVE + BELOW) * scale), int(2 * REACH * scale))
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    x = (x + 0.5) / scale - REACH
    up = ABOVE - (y + 0.5) / scale
    u = x / 21.5
    arch = np.sqrt(np.clip(1 - np.abs(u) ** 2.3, 0, 1))
    top = -6.0 + (lift + 6.0) * arch - 0.7 * np.exp(-((x / 2.6) ** 2)) * arch
    back = np.clip((up + 3.5) / (lift + 3.5), 0, 1)  # 0 at the tip, 1 where its back is lost
    noise = _grain(size, scale, grain)
    lit = 0.85 - 0.57 * back**0.9 - 0.42 * np.abs(u) ** 2.5 + 0.10 * tilt[0] * u
    lit -= 0.10 * np.exp(-((x / (0.8 + 1.2 * back)) ** 2)) * np.clip(1 - back, 0, 1)
    lit -= 0.35 * np.clip((-up - 6.0) / 14.0, 0, 1)  # its underside
    lit *= 1 + 0.028 * noise
    coat = (0.55 * np.clip(1 - np.abs(u), 0, 1) * np.clip(back * 2.2, 0, 1))[..., None]
    colour = np.array(TONGUE, np.float32) * (1 - coat) + np.array(COAT, np.float32) * coat
    colour = colour * np.clip(lit, 0.05, 1.2)[..., None]
    colour = colour + (_wet(x, up, noise) * 52)[..., None]
    cover = np.clip((top - up) * (0.45 - 0.25 * u * u) + 0.5, 0, 1)[..., None]
    colour = _throat(x, up, lift) * (1 - cover) + colour * cover
    out = np.dstack([np.clip(colour, 0, 255), np.full(size, 255, np.float32)])
    out[..., 3] *= np.clip((REACH - np.abs(x)) * 0.6, 0, 1)
    return np.asarray(out, np.float32), ABOVE


def _throat(x: Floats, up: Floats, lift: float) -> Floats:
    """Palate and cheeks: a little light on the roof and the sides, none behind the tongue."""
    roof = np.exp(-(((up - 17.0) / 8.0) ** 2)) * 0.55
    side = np.clip((np.abs(x) - 13.0) / 13.0, 0, 1)[..., None] ** 1.5 * 0.8
    near = np.exp(-(((up - lift) / 3.0) ** 2)) * 0.10
    dark = np.clip(0.40 + 0.8 * roof - near, 0.15, 1.0)[..., None]
    throat = np.array(THROAT, np.float32) * dark
    cheek = np.array(CHEEK, np.float32) * 0.48
    return np.asarray(throat + (cheek - throat) * side, np.float32)


def _wet(x: Floats, up: Floats, noise: Floats) -> Floats:
    """Broken highlights near the tip, 0 to 1."""
    band = np.exp(-(((np.abs(x) - 5.5) / 3.4) ** 2) - ((up - 0.8) / 1.3) ** 2)
    return np.asarray(band * np.clip(0.45 + 0.5 * noise, 0, 1), np.float32)


def _grain(size: tuple[int, int], scale: float, rng: np.random.Generator) -> Floats:
    """Papillae: (h, w) of deviation 1, 0.6 mm across."""
    noise = rng.normal(0, 1, size).astype(np.float32)
    fine = cv2.GaussianBlur(noise, (0, 0), 0.30 * scale)
    return np.asarray(fine / max(float(fine.std()), 1e-6), np.float32)


def tip(scale: float, tilt: Floats, grain: np.random.Generator) -> tuple[Floats, float]:
    """(h, w, 4) of the tip as it shows under the upper teeth, and mm from its top to its end."""
    wide, tall = TIP
    size = (int((tall + 1) * scale), int(2 * (wide + 1) * scale))
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    x = (x + 0.5) / scale - wide - 1
    down = (y + 0.5) / scale
    end = tall * (0.45 + 0.55 * np.sqrt(np.clip(1 - (np.abs(x) / wide) ** 2.4, 0, 1)))
    inside = np.minimum((end - down) * 0.9, (wide - np.abs(x)) * 1.0)
    near = np.clip((end - down) / 3.2, 0, 1)  # 0 at the end, 1 on its back
    noise = _grain(size, scale, grain)
    lit = 0.72 + 0.30 * near - 0.22 * (np.abs(x) / wide) ** 2 + 0.10 * tilt[0] * x / wide
    lit -= 0.10 * np.exp(-((x / 0.9) ** 2)) * near
    lit *= 1 + 0.022 * noise
    shine = np.exp(-(((np.abs(x - 1.2) - 3.4) / 2.2) ** 2) - ((end - down - 2.1) / 0.8) ** 2)
    colour = np.array(TONGUE, np.float32) * np.clip(lit, 0.1, 1.2)[..., None]
    colour = colour + (shine * np.clip(0.5 + 0.4 * noise, 0, 1) * 60)[..., None]
    alpha = 255 * np.clip(inside + 0.5, 0, 1)
    return np.dstack([np.clip(colour, 0, 255), alpha]).astype(np.float32), tall
