"""Personal data taken out of what was said: numbers, addresses, names that somebody gives.

By patterns, in the languages that the avatar has words in; a name that nothing announces stays. So
this lowers what a kept text gives away, and promises no more.
"""

from __future__ import annotations

import re
from typing import Final

BLANK: Final = "..."

_MAIL: Final = re.compile(r"\S+@\S+|@\w+|\S+ (?:dot \S+ )*at \S+(?: dot \S+)+", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?:/\S*)?\b")
_NUMBER: Final = re.compile(r"[+#]?\d(?:[\d\s().,/:-]*\d)?\w*")
_COUNTED: Final = (
    "zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple|"
    "cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|"
    "un|deux|trois|quatre|cinq|sept|huit|neuf|"
    "null|eins|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun"
)
# Three digits in words are a number of a room, a card, a telephone; "two or three" is not.
_SAID: Final = re.compile(rf"\b(?:{_COUNTED})(?:[\s,-]+(?:{_COUNTED})){{2,}}\b", re.IGNORECASE)
_SPELLED: Final = re.compile(r"\b(?:[^\W\d_][\s.,-]+){2,}[^\W\d_]\b")
_HAN_NUMBER: Final = re.compile(r"[零〇一二两三四五六七八九十幺]{3,}")
# What announces a name, whatever its case; up to three words after it, but none that goes on.
_ON: Final = (
    "and|but|or|i|can|could|do|does|is|are|what|when|where|how|please|from|in|at|with|my|we|"
    "y|pero|puedo|tengo|et|mais|je|est|und|aber|ich|kann|wo|wann|wie"
)
_CALLED: Final = re.compile(
    r"(?P<cue>\b(?:my (?:full |first |last |sur)?name(?: is|'s|’s)|the name is|i am called|"
    r"i'm called|call me|under the name(?: of)?|"
    r"me llamo|mi nombre es|soy la señora|soy el señor|a nombre de|"
    r"je m['’]appelle|mon nom est|au nom de|"
    r"ich heiße|ich heisse|mein name ist|auf den namen|"
    r"اسمي)\b)"
    rf"(?:[\s,:]+(?!(?:{_ON})\b)[^\W\d_][\w'’-]*){{1,3}}",
    re.IGNORECASE,
)
_HAN_CALLED: Final = re.compile(
    r"(?P<cue>我(?:的名字)?(?:叫做?|是叫)|我姓|名字是)[\u3400-\u9fff]{1,4}"
)
# Here only what is written like a name is one: "I am Anna", and not "I am late".
_NAME: Final = r"(?!(?:Mrs?|Ms|Miss|Dr|Herr|Frau)\b)[A-ZÀ-ÖØ-Þ][\w'’-]+"
_PERSON: Final = re.compile(
    r"(?P<cue>\b(?i:i am|i'm|i’m|this is|it's|it is|je suis|ich bin|hier ist|hier spricht|soy|"
    r"for|by|mr|mrs|ms|miss|dr|herr|frau|señor|señora|monsieur|madame)\b\.?)"
    rf"(?:\s+{_NAME}){{1,3}}"
)


def blanked(text: str) -> str:
    """With dots in place of what may tell who somebody is."""
    for found in (_MAIL, _ADDRESS):
        text = found.sub(BLANK, text)
    for announced in (_CALLED, _HAN_CALLED, _PERSON):
        text = announced.sub(rf"\g<cue> {BLANK}", text)
    for found in (_SAID, _SPELLED, _HAN_NUMBER, _NUMBER):
        text = found.sub(BLANK, text)
    return " ".join(text.split())
