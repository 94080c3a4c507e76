"""Whether a visitor asks for a person, and for nothing else, in a language without commands.

The phrases are data/calling.toml; those of English are among its commands.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

from visavis.engines.language.patterns import pattern, written

_PATH: Final = Path(__file__).parents[1] / "data" / "calling.toml"
_LONGEST: Final = 40  # words; of Chinese, characters


def calls(text: str) -> bool:
    """Whether the whole text is one of the phrases, but for what is polite."""
    said = written(text)
    if not 0 < said.count(" ") <= _LONGEST:
        return False
    return any(say.fullmatch(polite.sub("", said)) for polite, say in phrases())


@cache
def phrases() -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    """What is polite, and what calls, of each language; reads the file the first time."""
    rows = tomllib.loads(_PATH.read_text(encoding="utf-8")).values()
    return tuple((pattern(row["polite"]), pattern(row["say"])) for row in rows)
