"""What a session's face may be asked to stand before: the operator's pictures, colours, nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from visavis.models.avatar import backdrop
from visavis.models.avatar.backdrop import BLUR, NOTHING, ORIGINAL, Backdrop
from visavis.server.system.errors import Malformed

_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")
_WORDS: Final = {"original": ORIGINAL, "blur": BLUR, "transparent": NOTHING}


@dataclass(frozen=True, slots=True)
class Backgrounds:
    """folder: pictures, known by their names without the ending. default: of who asks for none."""

    folder: Path | None = None
    default: str = ""

    def find(self, wanted: str) -> Backdrop:
        """Of a word, a colour or a picture's name. Raises Malformed("unknown-background").

        Looks into the folder: not for the event loop.
        """
        wanted = wanted or self.default or "original"
        found = _WORDS.get(wanted) or backdrop.colour(wanted)
        found = found or self._picture(wanted)
        if found is None:
            raise Malformed(self._unknown(wanted), "unknown-background")
        return found

    def _pictures(self) -> dict[str, Path]:
        if self.folder is None:
            return {}
        try:
            files = sorted(self.folder.iterdir())
        except OSError:  # no picture was put there yet
            return {}
        return {path.stem: path for path in files if path.suffix.lower() in _SUFFIXES}

    def _picture(self, name: str) -> Backdrop | None:
        path = self._pictures().get(name)  # looked up, so that no name leads out of the folder
        if path is None:
            return None
        return Backdrop("picture", picture=path, edition=path.stat().st_mtime_ns)

    def _unknown(self, wanted: str) -> str:
        known = ", ".join([*_WORDS, *self._pictures()])
        return f"background is {wanted[:60]!r}: choose a colour such as #00b140, or one of {known}."
