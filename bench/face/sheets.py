"""Pictures to look at: sheets of expressions; pairs of truth and warp with their difference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bench.face.likeness import Compared
from bench.face.tracking import command
from visavis.engines.base import Draw, FaceState
from visavis.models.quality.subject import as_rgb

Rgb = npt.NDArray[np.uint8]

GAIN: Final = 4  # by which differences are shown
POSES: Final[dict[str, FaceState]] = {
    "neutral": command(),
    "jaw 0.3": command(jawOpen=0.3),
    "jaw 0.7": command(jawOpen=0.7),
    "jaw 1": command(jawOpen=1.0),
    "ah": command((3, 1, 1), jawOpen=0.4, mouthLowerDown=0.24, mouthUpperUp=0.1),
    "ee": command((-4, 1, -2), jawOpen=0.12, mouthSmile=0.2, mouthStretch=0.34, mouthUpperUp=0.15,
                  mouthLowerDown=0.25),
    "oo": command((4, 0, 2), jawOpen=0.08, mouthFunnel=0.3, mouthPucker=0.8),
    "oh": command(jawOpen=0.2, mouthFunnel=0.42, mouthPucker=0.44),
    "f": command(jawOpen=0.035, mouthClose=0.035, mouthRollLower=0.42, mouthUpperUp=0.44),
    "m": command(jawOpen=0.06, mouthClose=0.06, mouthPress=0.4),
    "th": command(jawOpen=0.1, tongueOut=0.35, mouthLowerDown=0.2, mouthUpperUp=0.1),
    "s": command(jawOpen=0.03, mouthLowerDown=0.48, mouthUpperUp=0.32, mouthStretch=0.2),
    "smile": command(mouthSmile=0.8, cheekSquint=0.6, eyeSquint=0.3),
    "laugh": command((2, 4, -3), jawOpen=0.35, mouthSmile=0.8, cheekSquint=0.7, eyeSquint=0.5,
                     mouthUpperUp=0.2),
    "frown": command(mouthFrown=0.7, browInnerUp=0.8),
    "surprise": command(jawOpen=0.3, eyeWide=0.8, browInnerUp=0.8, browOuterUp=0.8),
    "blink": command(eyeBlink=1.0),
    "half blink": command(eyeBlink=0.5),
    "look right": command(gaze=(22, 0)),
    "look up": command(gaze=(0, 14)),
    "look down": command(gaze=(0, -14)),
    "yaw 15": command((15, 0, 0)),
    "yaw -15": command((-15, 0, 0)),
    "up, tilted": command((8, 10, 8), jawOpen=0.15),
    "down": command((-6, -10, -8)),
}  # fmt: skip


def _labelled(picture: Rgb, text: str) -> Rgb:
    out = np.ascontiguousarray(picture)
    for colour, thick in (((0, 0, 0), 4), ((255, 235, 120), 1)):
        cv2.putText(out, text, (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, colour, thick, cv2.LINE_AA)
    return out


def _table(cells: Sequence[Rgb], columns: int) -> Rgb:
    blank = np.zeros_like(cells[0])
    whole = [*cells, *[blank] * (-len(cells) % columns)]
    rows = [np.hstack(whole[k : k + columns]) for k in range(0, len(whole), columns)]
    return np.asarray(np.vstack(rows), np.uint8)


def write(path: Path, picture: Rgb) -> None:
    """As the suffix says; JPEG at quality 90."""
    path.parent.mkdir(parents=True, exist_ok=True)
    how = [cv2.IMWRITE_JPEG_QUALITY, 90] if path.suffix == ".jpg" else []
    cv2.imwrite(str(path), picture[..., ::-1], how)


def expressions(draw: Draw, path: Path) -> None:
    """One sheet of all POSES, the frame's upper four fifths."""
    cells = []
    for name, one in POSES.items():
        picture = as_rgb(draw(one))
        height, width = picture.shape[:2]
        side = width // 10
        cells.append(_labelled(picture[: height * 4 // 5, side:-side], name))
    write(path, _table(cells, 5))


def pairs(rows: Sequence[Compared], path: Path) -> None:
    """Truth, warp and GAIN times their difference side by side, three pairs a row."""
    cells = []
    for k, row in enumerate(rows):
        y, x = np.nonzero(row.region)
        box = slice(max(y.min() - 8, 0), y.max() + 8), slice(max(x.min() - 8, 0), x.max() + 8)
        apart = np.abs(row.truth.astype(int) - row.warp) * GAIN * row.region[..., None]
        apart = np.clip(apart, 0, 255).astype(np.uint8)
        strip = np.hstack([p[box] for p in (row.truth, row.warp, apart)])
        text = f"{k} ssim {row.ssim:.3f} psnr {row.psnr:.1f} lip {row.lips:.1f} lid {row.lids:.1f}"
        cells.append(_labelled(cv2.resize(strip, (660, 280), interpolation=cv2.INTER_AREA), text))
    write(path, _table(cells, 3))
