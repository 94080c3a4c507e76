"""The portraits of the face benchmark, and their avatars. Every one is of nobody.

`bench/face/portraits` holds pictures rendered by models/tools/persona/build.py (see sitters there),
576 px at 14 to 16 samples a pixel, as WebP; the painting is derived from one of them here. Before
them stand the personas that are shipped.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from visavis.models.avatar.file import Avatar, Consent, load_avatar
from visavis.models.bake import portrait
from visavis.models.pictures import opening

Rgb = npt.NDArray[np.uint8]

FOLDER: Final = Path(__file__).parent / "portraits"
MODELS: Final = Path(portrait.__file__).parents[1]
SHIPPED: Final = MODELS / "data" / "personas"
CONSENT: Final = Consent(
    "nobody: a synthetic person", "rendered from CC0 data", "this benchmark", "2026-11-22"
)


@dataclass(frozen=True, slots=True)
class Portrait:
    """Who, in which style, and the file; painted: derived from it by `painted`."""

    name: str
    style: str
    what: str
    path: Path
    paint: bool = False

    def content(self) -> bytes:
        """The picture file's bytes."""
        data = self.path.read_bytes()
        if not self.paint:
            return data
        picture = np.asarray(opening.upright(data).convert("RGB"))
        file = io.BytesIO()
        Image.fromarray(painted(picture)).save(file, "PNG")
        return file.getvalue()


WHO: Final = {"mira": "woman of 30, long hair", "tomas": "man of 58, short grey beard"}
PERSONAS: Final = tuple(
    Portrait(path.stem, "photo", WHO.get(path.stem, "a persona"), path)
    for path in sorted(SHIPPED.glob("*.webp"))
)
PORTRAITS: Final = (
    *PERSONAS,
    Portrait("ada", "photo", "woman of 70, pale, thin glasses", FOLDER / "ada.webp"),
    Portrait("kofi", "photo", "man of 25, dark skin, turned left by 15", FOLDER / "kofi.webp"),
    Portrait("bruno", "photo", "man of 40, full beard, dark glasses", FOLDER / "bruno.webp"),
    Portrait("mei", "photo", "woman of 25, turned right by 15", FOLDER / "mei.webp"),
    Portrait("toon", "3D cartoon", "large eyes, round head", FOLDER / "toon.webp"),
    Portrait("painting", "painting", "ada's picture in brush strokes", FOLDER / "ada.webp", True),
)


def painted(picture: Rgb, radius: int = 7) -> Rgb:
    """Brush strokes: in each px the mean of the calmest of eight sectors around it (Kuwahara 1976;
    sectors as in Papari et al. 2007), colour made fuller, over a canvas."""
    source = picture.astype(np.float32)
    reach = np.arange(-radius, radius + 1, dtype=np.float32)
    x, y = np.meshgrid(reach, reach)
    disc = np.exp(-(x * x + y * y) / (2 * (radius / 1.8) ** 2)) * (x * x + y * y <= radius**2)
    best = np.zeros_like(source)
    total = np.zeros(source.shape[:2], np.float32)
    for k in range(8):
        turned = np.angle(np.exp(1j * (np.arctan2(y, x) - k * np.pi / 4)))
        sector = disc * (np.abs(turned) <= np.pi / 8 + 0.01)
        sector[radius, radius] = 1
        sector /= sector.sum()
        mean = cv2.filter2D(source, -1, sector)
        spread = cv2.filter2D(source**2, -1, sector) - mean**2
        weight = 1 / (1 + np.maximum(spread, 0).sum(-1)) ** 4
        best += mean * weight[..., None]
        total += weight
    strokes = best / total[..., None]
    grey = strokes.mean(-1, keepdims=True)
    weave = np.random.default_rng(7).normal(0, 1, source.shape[:2]).astype(np.float32)
    canvas = cv2.GaussianBlur(weave, (0, 0), 1.2)[..., None] * 9
    return np.clip(grey + (strokes - grey) * 1.25 + canvas, 0, 255).astype(np.uint8)


def avatar(one: Portrait, folder: Path) -> Avatar:
    """Baked as the code stands; kept until the portrait or anything in models changes."""
    return baked(one.name, one.content(), folder)


def baked(name: str, data: bytes, folder: Path) -> Avatar:
    """The avatar of a picture file's content, kept in `folder`."""
    digest = hashlib.sha256(data)
    for source in sorted([*MODELS.glob("*.py"), *MODELS.glob("[!t]*/*.*")]):
        digest.update(source.read_bytes())
    path = folder / f"{name}-{digest.hexdigest()[:12]}.avatar"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{name}-????????????.avatar"):
            old.unlink()
        portrait.create_avatar(data, name, CONSENT, "CC0-1.0").save(path)
    return load_avatar(path)


def present(names: Sequence[str]) -> list[Portrait]:
    """Those of the named portraits (all, when none is named) whose picture is there."""
    chosen = [p for p in PORTRAITS if not names or p.name in names]
    return [p for p in chosen if p.path.exists()]
