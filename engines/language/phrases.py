"""How far a visitor's words make a whole sentence, and how two pieces of one are put together.

What is read here was written by a recogniser: it closes a sentence that sounds finished with a
mark, and one that breaks off with none, a comma, a dash or three dots.
"""

from __future__ import annotations

import re
from typing import Final

from visavis.engines.language.languages import ENGLISH, LANGUAGES, code_of, is_english

_CLOSED: Final = (".", "?", "!", "。", "？", "！", "｡", "؟", "۔", "।")
_OPEN: Final = (
    *("...", "\u2026", ",", ";", ":", "-", "\u2013", "\u2014"),
    *("，", "、", "；", "：", "،", "؛"),
)
# Words after which something must follow.
_DANGLING: Final = frozenset((
    "a", "an", "and", "because", "but", "erm", "er", "every", "hmm", "how's", "i", "i'd", "i'll",
    "i'm", "i've", "if", "into", "its", "may", "might", "my", "or", "our", "shall", "should",
    "than", "the", "their", "uh", "um", "until", "very", "we'd", "we'll", "we're", "we've",
    "what's", "when's", "where's", "whether", "which", "while", "who's", "your",
))  # fmt: skip
_PREPOSITIONS: Final = frozenset((
    "about", "as", "at", "by", "for", "from", "in", "like", "near", "of", "on", "to", "with",
))  # fmt: skip
_VERBS: Final = frozenset((
    "am", "are", "can", "could", "did", "do", "does", "had", "has", "have", "is", "must", "was",
    "were", "will", "would",
))  # fmt: skip
# "What is it for?" is whole, "What do I have to?" is not.
_BEFORE_TO: Final = frozenset((
    "able", "going", "got", "have", "how", "is", "like", "love", "need", "supposed", "want",
))  # fmt: skip
_PRONOUNS: Final = frozenset(["he", "i", "it", "she", "that", "there", "they", "this", "we", "you"])
# Words with which a sentence seldom begins, but often goes on.
_JOINING: Final = frozenset((
    "and", "or", "but", "because", "so", "that", "than", "then", "which", "who", "whose", "for",
    "from", "of", "on", "in", "at", "to", "by", "with", "without", "near", "until", "after",
    "before", "into",
))  # fmt: skip
_ASKED: Final = frozenset((
    "how", "how's", "what", "what's", "when", "where", "where's", "which", "who", "who's", "whose",
    "why",
))  # fmt: skip

# What is said before one comes to the point, or alone.
_FIRST: Final = frozenset((
    "actually", "ah", "alright", "but", "excuse", "good", "hello", "hey", "hi", "listen", "look",
    "me", "no", "nope", "oh", "okay", "ok", "pardon", "please", "right", "so", "sorry", "thank",
    "thanks", "uh", "um", "wait", "well", "yeah", "yes", "yep", "you",
))  # fmt: skip

# With these alone nobody has asked for anything yet: "Could you please ...", "Excuse me, ...".
_OPENING: Final = re.compile(
    r"(?:(?:hello|hi|hey|sorry|excuse me|good (?:morning|evening|afternoon)|well|so|okay|yes|and)"
    r" )*"
    r"(?:(?:can|could|would|will) you(?: please)?"
    r"(?: (?:tell|show|give|send|bring)(?: (?:me|us))?)?"
    r"|(?:please )?(?:tell|show|give|send|bring) (?:me|us)|i was wondering|i think|i guess|i'd like"
    r"|(?:i|we) (?:need|want|wanted|would like)|do you (?:know|have|think)|the thing is|actually"
    r"|well|so)"
)


def words_of(text: str) -> list[str]:
    """Lower-case words without marks."""
    return re.findall(r"[\w']+", text.lower().replace("\u2019", "'"))


def closed(text: str) -> bool:
    """Whether it is written as a finished sentence."""
    text = text.rstrip(" \"'\u201d\u2019»」』")
    return text.endswith(_CLOSED) and not text.endswith(_OPEN)


def open_ended(text: str) -> bool:
    """Whether it is written as if something followed, in whatever language: "Ich möchte...","."""
    return bool(words_of(text)) and text.rstrip().endswith(_OPEN)


def dangling(text: str, *, familiar: bool = False) -> bool:
    """Whether it breaks off before something that must follow: "I would like to", "and the".

    familiar: nearly what somebody knows as a question, which may well end in "check in".
    """
    words = words_of(text)
    if not words or open_ended(text):
        return bool(words)
    if _OPENING.fullmatch(" ".join(words)):
        return True
    *before, last = words
    if last in _PREPOSITIONS:
        if familiar:
            return False
        stranded = closed(text) and len(words) > 2 and words[0] in _ASKED
        return not stranded or (last == "to" and before[-1] in _BEFORE_TO)
    if last in _VERBS:  # "Yes, I do." is whole
        answered = text.rstrip().endswith(".") or words[0] in _ASKED  # so is "What can I do?"
        if closed(text) and before and answered and before[-1] in _PRONOUNS:
            return False
        # "Can you tell me where the pool is?"
        return not (closed(text) and not _ASKED.isdisjoint(before[1:-1]))
    return last in _DANGLING or (bool(before) and last in _ASKED)


def opens(text: str) -> bool:
    """Whether these words may be all, and are more often the beginning: "No,", "Sorry,"."""
    words = words_of(text)
    return bool(words) and _FIRST.issuperset(words)


def goes_on(before: str, after: str, language: str = "en") -> bool:
    """Whether `after` reads like the rest of the sentence that `before` began."""
    begins = after.lstrip()[:1]
    following = words_of(after)
    if not following or not words_of(before):
        return False
    if not closed(before):
        return True
    if not is_english(language):
        return begins.islower()
    return dangling(before) or begins.islower() or following[0] in _JOINING


def joined(before: str, after: str, language: str = "en") -> str:
    """Both as one sentence: "I would like to." and "Book a room." -> "I would like to book ..."."""
    before, after = before.strip(), after.strip()
    if not before or not after:
        return before or after
    head = before.rstrip(" .?!,;:-\u2013\u2014\u2026。，、？！")
    if not is_english(language):  # a capital letter may be a German noun's
        blank = " " if LANGUAGES.get(code_of(language), ENGLISH).blanks else ""
        return f"{head}{blank}{after}"
    first = after.split(maxsplit=1)[0]
    name = first in ("I", "I'm", "I'd", "I'll", "I've") or first[1:] != first[1:].lower()
    return f"{head} {after if name else after[0].lower() + after[1:]}"
