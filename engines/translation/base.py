"""The seam of translators: texts of one language put into another, and what stays in them.

A translator is a plain synchronous object, called from one thread at a time. What it is given are
sentences and paragraphs in which everything that must stay as it is stands as a mark of the
translator's own making; `keeping` puts marks in, takes them out and mends what was lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, Protocol, runtime_checkable

# How something that stays behaves in its sentence: as a name does, or as nothing that is said.
Role = Literal["name", "direction"]
LONGEST: Final = 20_000  # characters of one text


class Translator(Protocol):
    """A machine that translates. name: in words for people, as "apertium eng-spa"."""

    name: str

    def mark(self, number: int, role: Role) -> str:
        """How it is shown the thing of that number that stays: most likely to come out again."""
        ...

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """As many texts, in order. source, target: BCP 47. Raises EngineError.

        The texts are parts of one script: who can, reads them in each other's light. A text that
        is not understood comes back as it was; none is left out.
        """
        ...


@runtime_checkable
class Shortening(Translator, Protocol):
    """A translator that can say the same in fewer words."""

    def shortened(
        self, texts: Sequence[str], drafts: Sequence[str], most: Sequence[int],
        source: str, target: str,
    ) -> list[str]:  # fmt: skip
        """Drafts of texts, said again in at most so many characters each. Raises EngineError.

        A draft that cannot be shorter comes back as it was.
        """
        ...


class Translators(Protocol):
    """Who translates between two languages."""

    def __call__(self, source: str, target: str) -> Translator:
        """Raises EngineError, with the fix, where there is nobody."""
        ...

    def words(self) -> str:
        """Who there is, for people; "" where nobody is. Raises EngineError."""
        ...
