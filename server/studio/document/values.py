"""A table of settings, of TOML or JSON, read strictly; what is wrong is noted and left out."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

# key, what is wrong, what mends it
Note = Callable[[str, str, str], None]

_UNWANTED: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
_LONGEST: Final = 200  # characters of a short text
_MANY: Final = 500  # entries of a list or a table


class Values:
    """Keys are taken one by one; `done` notes those that nobody took."""

    def __init__(self, given: Mapping[str, Any], note: Note, within: str = "") -> None:
        self._given, self._note, self._within = given, note, within
        self._known: list[str] = []

    def fault(self, key: str, what: str, fix: str) -> None:
        """Note what is wrong with a key."""
        whole = f"{self._within}.{key}" if self._within else key
        self._note(whole, f"{whole} {what}", fix)

    def has(self, key: str) -> bool:
        """Whether a key is there, with something in it."""
        return self._given.get(key) is not None

    def raw(self, key: str) -> Any:
        """Whatever is there; None: nothing."""
        self._known.append(key)
        return self._given.get(key)

    def text(self, key: str, most: int = _LONGEST, default: str = "") -> str:
        """A text on one line, without blanks around it."""
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self.fault(key, "is no text", 'write it in quotes, as "..."')
            return default
        return self.short(key, value, most)

    def short(self, key: str, value: str, most: int = _LONGEST) -> str:
        """The text of a key as one line of so many characters at most."""
        line = " ".join(tidied(value).split())
        if len(line) > most:
            self.fault(key, f"has {len(line)} characters", f"write {most} at most")
            return line[:most]
        return line

    def flag(self, key: str) -> bool:
        """true or false, by default false."""
        value = self.raw(key)
        if value is not None and not isinstance(value, bool):
            self.fault(key, "is neither true nor false", "write true or false, without quotes")
        return value is True

    def number(self, key: str, default: float, least: float, most: float) -> float:
        """A number in [least, most]."""
        value = self.raw(key)
        if value is None:
            return default
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not fits or not math.isfinite(value) or not least <= value <= most:
            self.fault(key, "cannot be that", f"write a number from {least:g} to {most:g}")
            return default
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of short texts, by default none."""
        value = self.raw(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self.fault(key, "is no list of texts", 'write it as ["...", "..."]')
            return ()
        if len(value) > _MANY:
            self.fault(key, f"has {len(value)} entries", f"write {_MANY} at most")
        told = (self.short(key, each) for each in value[:_MANY])
        return tuple(dict.fromkeys(each for each in told if each))

    def pairs(self, key: str) -> dict[str, str]:
        """A table of short texts, by default empty."""
        value = self.raw(key)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            self.fault(key, "is no table of texts", 'write lines such as Nguyen = "win" below it')
            return {}
        if len(value) > _MANY:
            self.fault(key, f"has {len(value)} entries", f"write {_MANY} at most")
        few = list(value.items())[:_MANY]
        told = {self.short(key, name): self.short(key, text) for name, text in few}
        return {name: text for name, text in told.items() if name and text}

    def table(self, key: str) -> Values | None:
        """A table in this one; None: there is none."""
        value = self.raw(key)
        if not isinstance(value, dict):
            return None
        return Values(value, self._note, f"{self._within}.{key}" if self._within else key)

    def done(self) -> None:
        """Note every key that was not asked for."""
        for key in self._given:
            if key not in self._known:
                fix = f"remove it; known are {', '.join(dict.fromkeys(self._known))}"
                self.fault(str(key)[:_LONGEST], "is not known here", fix)


def tidied(text: str) -> str:
    r"""A text without what no file has: each end of a line is \n, no other control characters.

    Halves of characters, which a program leaves that cut an emoji in two, are left out.
    """
    joined = "\n".join(text.splitlines())
    return _UNWANTED.sub("", joined + "\n" if text.endswith(("\n", "\r")) else joined)
