"""Translators of our own, which do to a text what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from visavis.engines.translation.base import Role


def shouted(text: str) -> str:
    """Every word in capitals but for marks, which have a digit."""
    return " ".join(w if any(map(str.isdigit, w)) else w.upper() for w in text.split(" "))


@dataclass
class DoubleTranslator:
    """Shouts, or does what `change` does to each text."""

    change: Callable[[str], str] = shouted
    name: str = "a double"
    asked: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)

    def mark(self, number: int, role: Role) -> str:
        return f"<{number}>" if role == "direction" else f"N{number}N"

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        self.asked.append((source, target, tuple(texts)))
        return [self.change(text) for text in texts]
