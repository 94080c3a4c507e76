"""Back-channels: what a listener says to show that they follow, and not to have the turn.

English, as whisper writes it. Duncan (1974) and Ward & Tsukahara (2000) list the kinds: hums,
words of agreement, brief praise. Noises that whisper puts into brackets are none of the words.
"""

from __future__ import annotations

import re
from typing import Final

_MOST: Final = 4  # words: "okay, great, thank you"; more is a sentence
_NOISE: Final = re.compile(r"\[[^\]]*\]?|\([^)]*\)?|\*[^*]*\*?|[♪♫]+")  # "(coughs)", "[LAUGHTER]"
_HUM: Final = re.compile(
    r"[mhn]+|m+[aeu]*h*m+[aeu]*h*|a?hem+|u*m+h+u*m+|u+h*m*|u+h+u+h+|u+h+u+m+|ah+|a+ha+|o+h+|ooh*|eh+|er+m*|"
    r"huh+|hu+m+|ha+h*|heh+|a?h?(?:ha|he|ho|ah|eh){2,}h?|pff+|phew|wow+"
)
_WORDS: Final = frozenset(
    (
        *("yes", "yeah", "yep", "yup", "ya", "yah", "okay", "ok", "kay", "right", "alright"),
        *("sure", "great", "good", "nice", "fine", "cool", "perfect", "lovely", "wonderful"),
        *("excellent", "brilliant", "awesome", "amazing", "interesting", "exactly", "indeed"),
        *("true", "really", "thanks", "understood", "absolutely", "definitely", "aye"),
    )
)
_PHRASES: Final = re.compile(
    r"\b(?:i see|got it|gotcha|of course|all right|thank you|thats right|thats great|thats good|"
    r"thats nice|sounds good|very good|very nice|makes sense|fair enough|oh no)\b"
)


def only_follows(text: str) -> bool:
    """Whether these words, said while somebody else speaks, leave the turn to them.

    True as well where there are no words.
    """
    plain = _NOISE.sub(" ", text.lower()).replace("'", "").replace("’", "")
    plain = re.sub(r"[^a-z0-9]+", " ", re.sub(r"(?<=\w)-(?=\w)", "", plain))
    if not plain.strip():
        return not re.search(r"\w", _NOISE.sub(" ", text))  # another script's letters are words
    words = plain.split()
    if len(words) > _MOST:  # somebody laughs, or whisper made of a cough what it makes of coughs
        return _rambles(words) or all(_HUM.fullmatch(word) for word in words)
    left = _PHRASES.sub(" ", plain)
    return all(word in _WORDS or _HUM.fullmatch(word) for word in left.split())


def _rambles(words: list[str]) -> bool:
    """Whether the same few words come again and again: "and then, and, and, and, and, and"."""
    return len(words) >= 2 * _MOST and len(set(words)) <= len(words) // _MOST
