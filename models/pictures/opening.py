"""The one place that opens a picture: JPEG, PNG and WebP, by what the file holds, not by its name.

Pillow alone opens every format it knows, and hands PostScript to Ghostscript, which runs it. Here a
file's parts are walked first, its size is checked, and the decoder gets the bare picture.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from PIL import Image
from PIL import WebPImagePlugin as _WebPImagePlugin  # noqa: F401 (else Pillow loads all plug-ins)

from visavis.models.errors import PortraitError
from visavis.models.pictures import jpeg, png, profiles, webp
from visavis.models.pictures.plain import Damaged, Plain

Format = Literal["JPEG", "PNG", "WEBP"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest file in bytes, picture in px, and side in px: checked before anything is decoded.

    A decoded px takes 4 bytes at most.
    """

    size: int
    pixels: int
    side: int


PHOTO: Final = Limits(20 * 1024 * 1024, 50_000_000, 10_000)

_WALKS: Final[dict[Format, Callable[[bytes], Plain]]] = {
    "JPEG": jpeg.plain,
    "PNG": png.plain,
    "WEBP": webp.plain,
}
_TURNS: Final = {  # of EXIF's orientations
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What people take for a photo, and attackers for a way in; by its first bytes.
_OTHERS: Final = tuple(
    (re.compile(begin, re.DOTALL), name)
    for begin, name in (
        (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript file"),
        (rb"\s*%PDF", "a PDF file"),
        (rb".{4}ftyp(avif|avis)", "an AVIF picture"),
        (rb".{4}ftyp(hei|hev|mif1|msf1)", "a HEIC picture"),
        (rb".{4}ftyp", "a video"),
        (rb"GIF8", "a GIF picture"),
        (rb"II\*\0|MM\0\*|II\+\0|MM\0\+", "a TIFF or raw picture"),
        (rb"BM", "a BMP picture"),
        (rb"8BPS", "a Photoshop file"),
        (rb"\0\0\0\x0c(JXL |jP  )|\xff\x0a|\xff\x4f\xff\x51", "a JPEG XL or JPEG 2000 picture"),
        (rb"(\xef\xbb\xbf)?\s*<(\?xml|svg|!DOCTYPE svg|!--)", "an SVG drawing"),
    )
)


def upright(data: bytes, limits: Limits = PHOTO, *, colours: bool = False) -> Image.Image:
    """A decoded picture, turned as its camera was held; of an animation the first frame.

    colours: as its profile means them, in sRGB; else as they are stored.

    Raises PortraitError: image-format, image-too-large, image-unreadable.
    """
    if len(data) > limits.size:
        raise too_large(f"the file has {len(data) / 1e6:.0f} MB; the limit is {_mega(limits)}")
    kind = _kind(data)
    try:
        plain = _WALKS[kind](data)
        _check(plain, limits)
        picture = _turned(_decoded(kind, plain), plain.orientation)
        if not colours:
            return picture
        return profiles.converted(picture, plain.profile, adobe_rgb=plain.adobe_rgb)
    except (PortraitError, MemoryError):
        raise
    # Decoders of broken files raise whatever they stumble over.
    except Exception as error:
        raise _unreadable() from error


def too_large(what: str) -> PortraitError:
    """With the way out in its words."""
    message = f"Too large: {what}. Save a smaller copy, for example 2000 px wide."
    return PortraitError("image-too-large", message)


def _kind(data: bytes) -> Format:
    if data.startswith(jpeg.MAGIC):
        return "JPEG"
    if data.startswith(png.MAGIC):
        return "PNG"
    if webp.is_webp(data):
        return "WEBP"
    for begin, name in _OTHERS:
        if begin.match(data):
            message = f"This is {name}: save it as JPEG, PNG or WebP, and use that file."
            raise PortraitError("image-format", message)
    raise _unreadable()


def _unreadable() -> PortraitError:
    message = "This is not a picture that can be read: use an undamaged JPEG, PNG or WebP file."
    return PortraitError("image-unreadable", message)


def _check(plain: Plain, limits: Limits) -> None:
    width, height = plain.width, plain.height
    if width * height > limits.pixels:
        most = f"{limits.pixels / 1e6:.0f} million px"
        raise too_large(f"the picture has {width} x {height} px; the limit is {most}")
    if max(width, height) > limits.side:
        how = "wide" if width >= height else "high"
        most = f"{limits.side:,} px a side"
        raise too_large(f"the picture is {max(width, height):,} px {how}; the limit is {most}")


def _decoded(kind: Format, plain: Plain) -> Image.Image:
    picture = Image.open(io.BytesIO(plain.data), formats=(kind,))
    if picture.size != (plain.width, plain.height):
        raise Damaged  # what was checked is not what would be decoded
    picture.load()
    return picture


def _turned(picture: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def _mega(limits: Limits) -> str:
    return f"{limits.size / 1024**2:.0f} MB"
