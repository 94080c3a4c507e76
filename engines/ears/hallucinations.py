"""What whisper wrote -> what was said: repetitions, tags of sounds, and how far it is in doubt.

Whisper writes something about any sound. What it was trained on, subtitles, comes back over noise
and music: "Thank you for watching", "[Music]", one word again and again.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_COMPRESSIBLE: Final = 2.4  # whisper's own threshold for text that repeats itself
_AGAIN: Final = 3  # words
_STUCK: Final = re.compile(r"(\D{1,6}?)\1{6,}")  # "an old-s-y-y-y-y-y-y-y-y"

# Its confidence tells words from noise only where there are enough of them: over single words the
# area under the curve is 0.76, of no_speech 0.98 (134 words that were right, 210 noises).
_ENOUGH: Final = 3
_SURE: Final = 3.0  # words are as sure as no_speech says up to a mean probability of a third
_SLOW: Final = 2.0  # s of sound a word, from where it is too little for so much
_SLOWNESS: Final = 0.1  # doubt for each second more
_BRIEF: Final = 0.45  # s: a word with the silence around it is longer; of a crowd it hears scraps
_BREVITY: Final = 2.0  # doubt for each second less
_QUICK: Final = 0.2  # s of sound a word
_QUICKNESS: Final = 3.0
# Who says "thank you" takes half a second a word, and whisper is sure of it; over the soft start
# of a piece of music it wrote the same with a no_speech of 0.2, for 2 s a word and in doubt.
_SUSPICION: Final = 0.15
_UNSURE: Final = 0.8  # of the log probability
_UNSURENESS: Final = 0.2
_LINGERING: Final = 0.9  # s of sound a word
_LINGERINGNESS: Final = 0.3

_TAG: Final = re.compile(r"\[[^\]]*\]?|\([^)]*\)?|\*[^*]*\*|<[^>]*>?|[♪♫♬#]+")
# Sounds that people make and nobody answers. "Mm-hmm" and "uh-huh" are none: they mean yes.
_SOUND: Final = re.compile(
    r"(?:m+|h+m+|h*u+h*|u+m+|a+h*|o+h?|oh+|o+w+|e+h*|sh+|ps+t|[bhmw]a+h+|h[aeo]+(?:h+[aeo]+)*h*)"
)
_FAVOURITES: Final = frozenset(
    (
        *("you", "bye", "bye bye", "so", "the", "i'm", "i", "and", "beep", "music"),
        *("thank you", "thanks for watching", "thank you for watching", "i'm sorry"),
        *("thank you very much", "thank you so much", "we'll be right back", "see you next time"),
        *("please subscribe", "subtitles by the amara org community", "i'm so sorry"),
    )
)


@dataclass(frozen=True, slots=True)
class Guess:
    """What whisper wrote about `seconds` of sound.

    no_speech: the probability of its token for that, in [0, 1]. log_probability: mean over the
    tokens it wrote, at most 0. foreign: in [0, 1], that the sound was no English.
    """

    text: str
    seconds: float
    no_speech: float
    log_probability: float
    foreign: float = 0.0


def doubt_of(guess: Guess, once: str) -> float:
    """In [0, 1]: how little the sound carries the words `once`, which `said_once` left of it.

    Over 0.55 are 3 of 419 clips of words and none of 180 of music, noise and babble; of 227 sounds
    of animals, doors and monsters the most are (`tests/engines/test_hallucinations.py`).
    """
    keys = [_key(word) for word in once.split()]
    probability = math.exp(guess.log_probability)
    if len(keys) >= _ENOUGH and len(keys) == len(guess.text.split()):
        unlikely = guess.no_speech * (1.0 - probability)
        doubt = 1.0 - (1.0 - unlikely) * min(1.0, _SURE * probability)
    else:  # what repeats itself is sure of it, too
        doubt = guess.no_speech
    pace = guess.seconds / max(len(keys), 1)
    if " ".join(keys) in _FAVOURITES:
        doubt += _SUSPICION
        doubt += _UNSURENESS * max(-guess.log_probability - _UNSURE, 0.0)
        doubt += _LINGERINGNESS * max(pace - _LINGERING, 0.0)
    doubt += _SLOWNESS * max(pace - _SLOW, 0.0) + _QUICKNESS * max(_QUICK - pace, 0.0)
    return min(doubt + _BREVITY * max(_BRIEF - guess.seconds, 0.0), 1.0)


def said_once(guess: Guess) -> str | None:
    """The words without tags and repetitions; None if it repeats itself so as to hide the end.

    "Hello there. Hello there. Hello" -> "Hello there."; marks, tags and sounds that are no words
    count as nothing said.
    """
    words = _TAG.sub(" ", guess.text).split()
    keys = [_key(word) for word in words]
    if not any(keys) or all(_SOUND.fullmatch(key) for key in keys if key):
        return ""
    if period := _period(keys):
        return " ".join(words[:period])
    text = " ".join(words)
    if _STUCK.search(text):
        return None
    raw = text.encode()
    return None if len(raw) > _COMPRESSIBLE * len(zlib.compress(raw)) else text


def is_repeated(text: str) -> bool:
    """Whether a text that may go on says again what it has said; two words alone may be meant."""
    keys = [_key(word) for word in _TAG.sub(" ", text).split()]
    period = _period(keys)
    return 0 < period <= len(keys) - _AGAIN


def _period(keys: Sequence[str]) -> int:
    """How many words it takes before they are said again; 0: they are not."""
    for period in range(1, len(keys)):
        again = len(keys) - period
        # The last word may be cut in the middle by the bound on the answer's length.
        if (
            again >= min(period, 3)
            and all(keys[at] == keys[at % period] for at in range(period, len(keys) - 1))
            and keys[(len(keys) - 1) % period].startswith(keys[-1])
        ):
            return period
    return 0


def _key(word: str) -> str:
    return re.sub(r"[^\w']", "", word).lower()
