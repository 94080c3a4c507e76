"""Which function does which kind of job; imported where it is done, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORKS: Final[Mapping[str, str]] = {
    "film": "visavis.server.studio.film.work:film",
    "translation": "visavis.server.studio.translation.work:translation",
    "voice": "visavis.server.studio.own_voices:voice",
}
