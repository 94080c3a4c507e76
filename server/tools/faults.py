"""What can go wrong with a tool, in a plain sentence for a mind, and in a word for the metrics."""

from __future__ import annotations

from typing import Final, Literal

Outcome = Literal["done", "refused", "timeout", "too_large", "unreachable", "failed"]
# What a mind is told besides, so that its visitor hears something true.
ADVICE: Final = (
    "Say to the visitor in plain words that this does not work at the moment. Make nothing up."
)


class ToolFault(Exception):
    """A call did not work. `words`: a sentence of our own, with nothing of a visitor's in it."""

    def __init__(self, outcome: Outcome, words: str) -> None:
        super().__init__(words)
        self.outcome, self.words = outcome, words


def late(seconds: float) -> ToolFault:
    """There was no answer in time."""
    return ToolFault("timeout", f"There was no answer within {seconds:g} s.")


def too_large(most: int) -> ToolFault:
    """The answer went beyond its limit."""
    return ToolFault("too_large", f"The answer has over {most} bytes and was not read.")
