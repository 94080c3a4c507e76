"""A mind whose answers mind how the visitor feels: an apology where it helps, a person on offer.

What a visitor's mood is, their words tell (`engines/direction/mood.py`). A language model is told
of it with the question and says its own apologies; a person is offered whoever answers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from visavis.engines.base import UNTOLD, Fragment, HandOver, Mind, Mood, Question, Thought
from visavis.engines.dialogue.danger import danger
from visavis.engines.direction import mood
from visavis.engines.direction.mood import TOLD, Turn, agrees, course, rises, turns
from visavis.engines.language.brackets import unmarked, wishes
from visavis.engines.language.phrasebook import LANGUAGES, phrase, phrases, voiced

ACCEPTED: Final = "the visitor was offered a person, and said yes"
_AGAIN: Final = 4  # turns after which a person is offered again
_SORRY_AGAIN: Final = 3  # turns after which it is sorry again


class ConsiderateMind:
    """Implements `Mind` over another one."""

    def __init__(self, mind: Mind) -> None:
        self._mind = mind

    async def answer(self, question: Question) -> AsyncGenerator[Thought, None]:
        """The mind's answer, with what the mood calls for around it. Raises EngineError."""
        said, language = turns(question.history), question.language
        turn = len(said)
        offered = bool(said) and not said[-1].cut and _has(said[-1:], "mood.offer", language)
        if offered and agrees(question.text, language):
            said_yes = phrase("mood.called", language, turn)
            yield Fragment(said_yes, 1.0, language=voiced(language))
            yield HandOver(ACCEPTED)
            return
        felt = course([*said, Turn(question.text)], language)
        sorry = ""
        own_words = voiced(language) == language  # else two languages would be in one sentence
        if own_words and _is_newly(felt) and not _has(said[-_SORRY_AGAIN:], "mood.sorry", language):
            sorry = phrase("mood.sorry", language, turn)
        async with aclosing(self._mind.answer(question)) as thoughts:
            async for thought in thoughts:
                yield _with(sorry, thought)
                sorry = "" if isinstance(thought, Fragment) else sorry
        lately = said[-_AGAIN:]
        if not question.staffed or any(danger(each.text) for each in lately):
            return  # nobody to offer, or somebody was called
        if rises(felt) and not _has(lately, "mood.offer", language):
            offer = phrase("mood.offer", language, turn)
            yield Fragment(f" {offer}", language=voiced(language))


def _with(sorry: str, thought: Thought) -> Thought:
    """The first words of an answer after an apology.

    None before "I do not know": that would promise what does not follow; none before an answer that
    is sorry itself. None of a mind that does not say how sure it is: it was told the mood, and
    speaks for itself.
    """
    if not sorry or not isinstance(thought, Fragment) or not thought.sure:
        return thought
    if "sorry" in (wishes(thought.text) or [""])[0]:
        return thought
    begins = "" if thought.text.lstrip().startswith("[") else "[sympathetic, calm] "
    return replace(thought, text=f"{sorry} {begins}{thought.text}")


def _is_newly(felt: Sequence[Mood]) -> bool:
    """Whether these words made a visitor more frustrated, so that somebody would notice."""
    before, now = (each.frustration for each in (UNTOLD, *felt)[-2:])
    return now >= TOLD and now > before


def _has(said: Sequence[Turn], key: str, language: str) -> bool:
    """Whether one of these turns' answers has such a phrase in it."""
    texts = [unmarked(each) for each in phrases(key, language)]
    return any(text in turn.answer for turn in said for text in texts)


def warm() -> None:
    """Read the phrases, so that the first visitor need not wait."""
    mood.warm()
    for language in LANGUAGES:
        phrases("mood.offer", language)
