"""A picture's colours as its profile means them (ICC.1, by LittleCMS): to sRGB.

Without this a photo in Adobe RGB or ProPhoto looks dull, and one for print has colours that nobody
printed. A profile is a stranger's file and so is read only where pictures of strangers are.
"""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageCms

from visavis.models.pictures import assumed
from visavis.models.pictures.plain import LARGEST

_SPACES: Final = {"RGB ": ("RGB", "RGBA", "P", "PA"), "GRAY": ("L", "LA"), "CMYK": ("CMYK",)}


def converted(picture: Image.Image, profile: bytes, *, adobe_rgb: bool = False) -> Image.Image:
    """In sRGB: RGB, or RGBA where it has opacity. As it is where the profile does not fit it.

    profile: as the file has it; b"": it has none. adobe_rgb: what it is without one. Never fails:
    what cannot be read is left aside, and ink is then taken for a press's on coated paper.
    """
    if not profile and adobe_rgb and picture.mode == "RGB":
        profile = assumed.adobe_rgb()
    opened = _fitting(picture, profile)
    if opened is None and picture.mode == "CMYK":
        opened = _fitting(picture, assumed.coated_paper())
    if opened is None:
        return picture
    clear = "A" in picture.getbands() or "transparency" in picture.info
    opacity = picture.convert("RGBA").getchannel("A") if clear else None
    grey = opened.profile.xcolor_space == "GRAY"
    plain = picture.convert("L") if grey else picture
    plain = plain if plain.mode in ("L", "CMYK") else plain.convert("RGB")
    try:
        shown = ImageCms.profileToProfile(
            plain, opened, ImageCms.createProfile("sRGB"), outputMode="RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )  # fmt: skip
    except (ImageCms.PyCMSError, ValueError, OSError):
        return picture
    if shown is None:
        return picture
    if opacity is not None:
        shown.putalpha(opacity)
    return shown


def _fitting(picture: Image.Image, profile: bytes) -> ImageCms.ImageCmsProfile | None:
    """None: it is of no use for this picture."""
    opened = _opened(profile)
    if opened is None or picture.mode not in _SPACES.get(opened.profile.xcolor_space, ()):
        return None
    return opened


def _opened(profile: bytes) -> ImageCms.ImageCmsProfile | None:
    """None: there is none, none that can be read, or it is sRGB itself."""
    if not 128 < len(profile) <= LARGEST:
        return None
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = opened.profile.profile_description or ""
        space = opened.profile.xcolor_space
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if space == "RGB " and "sRGB" in name else opened
