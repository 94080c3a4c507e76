"""A question as a session puts it to a mind, and what the mind says to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import aclosing

from visavis.engines.base import UNTOLD, Fragment, Mind, Mood, Remark, Thought

SECRET = "my secret question"


class Asking:
    """Implements `Question`; `sure` says that the visitor has finished."""

    def __init__(
        self,
        text: str = SECRET,
        history: Sequence[Remark] = (),
        *,
        language: str = "en",
        mood: Mood = UNTOLD,
        confirmed: bool = True,
    ) -> None:
        self.text, self.history, self.language, self.mood = text, history, language, mood
        self.staffed = False
        self.sure = asyncio.Event()
        if confirmed:
            self.sure.set()

    @property
    def speculative(self) -> bool:
        return not self.sure.is_set()

    async def confirmed(self) -> None:
        await self.sure.wait()


async def answered(mind: Mind, question: Asking | None = None) -> list[Thought]:
    """All of an answer."""
    async with aclosing(mind.answer(question or Asking())) as answer:
        return [thought async for thought in answer]


def words(thoughts: Iterable[Thought]) -> str:
    """What of it is spoken."""
    return "".join(t.text for t in thoughts if isinstance(t, Fragment))
