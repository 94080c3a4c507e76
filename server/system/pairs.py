"""Settings that say which of our names stands for which of others': THEIRS=OURS, with spaces."""

from __future__ import annotations

from visavis.server.system.errors import ConfigError

ANY = "*"


def pairs(setting: str, text: str) -> dict[str, str]:
    """Theirs -> ours; `*` stands for all that are not named. Raises ConfigError."""
    found: dict[str, str] = {}
    for word in text.split():
        theirs, equals, ours = word.partition("=")
        if not theirs or not equals or not ours or "=" in ours:
            raise ConfigError(f"{setting}: {word!r} is no pair: write THEIR-ID=AVATAR")
        if theirs in found:
            raise ConfigError(f"{setting}: {theirs!r} is there twice: keep one of them")
        found[theirs] = ours
    return found


def ours(names: dict[str, str], theirs: str) -> str:
    """Our name for one of theirs: the pair's, else it is a name of ours, as far as is known."""
    return names.get(theirs) or names.get(ANY) or theirs
