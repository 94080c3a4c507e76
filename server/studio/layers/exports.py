"""Files that are made of a film: which there are."""

from __future__ import annotations

from typing import Final, Literal, get_args

Format = Literal["mp4", "webm", "webp", "gif", "m4a", "mp3", "ogg", "wav", "srt", "vtt", "txt"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
