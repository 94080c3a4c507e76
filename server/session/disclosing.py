"""The sentence that says that a computer speaks: said once a session, in front of its first reply.

Not in front of what a person says through the face, nor before an answer to a danger or one that
says it itself, nor where a program has words of its own said (`say`), unless they have the sentence
in them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final, Literal

from visavis.engines.base import Fragment, Movement, Thought
from visavis.engines.direction.lines import Line, Lines
from visavis.engines.language.phrasebook import LANGUAGES, phrase, voiced
from visavis.engines.settings import Labelled

KEY: Final = "disclosure.spoken"
_ANSWERED: Final = "disclosure.answered"  # who asks whether it is a computer is told in other words
# Who says that a computer speaks: the next reply will, one has, whoever shows the session must, or
# nobody need, because the operator says so.
By = Literal["reply", "told", "page", "nobody"]


class Disclosure:
    """Of one session. told: whether the visitor has heard it, or will not.

    label: what its pictures say, and where; None: nothing.
    """

    def __init__(self, label: Labelled | None = None, *, spoken: bool) -> None:
        """spoken: whether its replies say it."""
        self.label, self.told, self._spoken = label, not spoken, spoken
        self._turn: int | None = None  # in which they heard it

    @property
    def by(self) -> By:
        """Who is to say it, for clients. With no label either the operator wants nobody to."""
        if self._spoken:
            return "told" if self.told else "reply"
        return "page" if self.label is not None else "nobody"

    def due(self, language: str) -> str:
        """What the next reply begins with; "" once it was told. language: BCP 47, of the reply."""
        return "" if self.told else phrase(KEY, language)

    def heard(self, turn: int, first: int, words: str) -> None:
        """Of a reply these words were heard so far, the first ones of which are the sentence.

        Half of it is enough: whoever interrupts it has understood, and to hear it again is worse.
        Of a turn fewer may turn out to have been heard than was thought.
        """
        if (first and 2 * len(words.split()) >= first) or _says(words):
            self._tell(turn)
        elif turn == self._turn:
            self.told, self._turn = False, None

    def _tell(self, turn: int) -> None:
        if not self.told:
            self.told, self._turn = True, turn

    def restore(self, *, told: bool) -> None:
        """Go on from a session in which it was told, or not: its answers alone do not say, for in
        front of a danger, or of words of staff, it is left out.
        """
        self.told = self.told or told


class Opening:
    """What one reply says before its answer. words, count: of it and its lines, once written."""

    def __init__(self, sentence: str, language: str) -> None:
        """language: BCP 47, of the reply."""
        self._sentence, self._language = sentence, language
        self.words = self.count = 0

    def lines(self, thought: Thought, movements: tuple[Movement, ...]) -> list[Line]:
        """To be said before this thought: nothing, unless it has the first words of the answer.

        Lines of their own, so that those of the answer are the ones that were made ahead.
        movements: done with its first word.
        """
        if not self._sentence or not isinstance(thought, Fragment):
            return []
        sentence, self._sentence = self._sentence, ""
        if thought.urgent or _says(thought.text):
            return []
        clauses = Lines(voiced(self._language))
        made = [*clauses.text(f"{sentence} "), *clauses.flush()]
        self.words, self.count = len(sentence.split()), len(made)
        return [replace(made[0], movements=movements), *made[1:]]


def without(answer: str) -> str:
    """An answer less the sentence before it."""
    for each in _sentences():
        answer = answer.removeprefix(each).lstrip()
    return answer


def _says(words: str) -> bool:
    """Whether they say it; voices of scripts without blanks have some between their words."""
    said = "".join(words.split())
    return any("".join(each.split()) in said for each in _sentences())


@cache
def _sentences() -> tuple[str, ...]:
    return tuple(phrase(key, language) for key in (KEY, _ANSWERED) for language in LANGUAGES)
