"""What of a text the voices can say: those of English read Latin letters and figures alone."""

from __future__ import annotations

import re
from typing import Final

from visavis.engines.language import native
from visavis.engines.language.brackets import unmarked, wishes
from visavis.engines.language.languages import is_english
from visavis.engines.language.markup import plain
from visavis.engines.language.spoken import spell

NOTHING: Final = "nothing-to-say"  # the code of the error, in every door
WHY: Final = "There is nothing to say: no word of it is one that the voice can read."

_CERTAIN: Final = re.compile("[A-Za-z0-9]")


def sayable(clause: str, language: str = "en") -> tuple[str, tuple[str, ...]]:
    """A clause -> it without the words of other scripts than the language's, and those words.

    Emoji and dashes stay: nothing is said for them, and nobody misses it. "" where nothing that
    can be said is left.
    """
    if not is_english(language):
        return native.sayable(clause, language)
    if clause.isascii() and any(char.isalnum() for char in clause):
        return clause, ()
    words = spell(clause)
    left = tuple(word.text for word in words if not word.spoken and _foreign(word.text))
    if not any(word.spoken for word in words):
        return "", left
    return " ".join(w.text for w in words if w.spoken or not _foreign(w.text)), left


def _foreign(word: str) -> bool:
    return not word.isascii() and any(char.isalnum() for char in word)


def empty(text: str, language: str = "en") -> bool:
    """Whether a text, with its mark-up and its directions in brackets, asks for nothing at all."""
    words = plain(text)
    if wishes(words):
        return False
    said = unmarked(words)
    if not is_english(language):
        return not native.sayable(said, language)[0]
    # Whatever has one of these is said somehow, and reading all of a long text takes its time.
    return not _CERTAIN.search(said) and not any(word.spoken for word in spell(said))
