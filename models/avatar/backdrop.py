"""What a person is drawn before: the photo's own background, another one, or nothing at all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

_COLOUR: Final = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Backdrop:
    """kind: `nothing`: the picture carries a matte, see models/warp/cutout.py.

    colour: RGB, of a colour. picture: the file of a picture, and edition: its mtime in ns, so that
    one that was written anew is another one.
    """

    kind: Literal["original", "blur", "colour", "picture", "nothing"] = "original"
    colour: tuple[int, int, int] = (0, 0, 0)
    picture: Path | None = None
    edition: int = 0

    @property
    def is_own(self) -> bool:
        """Whether it is the photo's own, as it was taken or blurred."""
        return self.kind in ("original", "blur")


ORIGINAL: Final = Backdrop()
BLUR: Final = Backdrop("blur")
NOTHING: Final = Backdrop("nothing")


def colour(text: str) -> Backdrop | None:
    """Of "#rrggbb" or "#rgb"; None: it is no colour."""
    found = _COLOUR.fullmatch(text.strip())
    if found is None:
        return None
    digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
    red, green, blue = bytes.fromhex(digits)
    return Backdrop("colour", (red, green, blue))
