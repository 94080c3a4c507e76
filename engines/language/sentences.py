"""English abbreviations, what is said for each, and where sentences end in spite of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

CLOSERS: Final = "\"')]}»”’*_"
ENDS: Final = ".!?…。！？"
_OPENERS: Final = "\"'([{«“‘*_"
# Written with a full stop; the stop belongs to the word and does not end the sentence.
ABBREVIATIONS: Final = {
    "mr": "Mister", "mrs": "Missus", "ms": "Miz", "dr": "Doctor", "prof": "Professor",
    "st": "Street", "ave": "Avenue", "blvd": "Boulevard", "rd": "Road", "apt": "apartment",
    "dept": "department", "approx": "approximately", "vs": "versus", "etc": "et cetera",
    "e.g": "for example", "i.e": "that is", "a.k.a": "also known as", "jr": "Junior",
    "sr": "Senior", "inc": "Incorporated", "ltd": "Limited", "co": "Company", "ext": "extension",
    "min": "minimum", "max": "maximum", "hrs": "hours", "tel": "telephone", "est": "established",
    "mon": "Monday", "tue": "Tuesday", "tues": "Tuesday", "wed": "Wednesday", "thu": "Thursday",
    "thurs": "Thursday", "fri": "Friday", "sat": "Saturday", "sun": "Sunday",
    "jan": "January", "feb": "February", "mar": "March", "apr": "April", "jun": "June",
    "rev": "Reverend", "hon": "Honorable", "gen": "General", "gov": "Governor", "sen": "Senator",
    "rep": "Representative", "capt": "Captain", "lt": "Lieutenant", "col": "Colonel",
    "sgt": "Sergeant", "ph.d": "P H D", "incl": "including", "excl": "excluding", "vol": "volume",
    "hwy": "Highway", "pkwy": "Parkway", "expy": "Expressway", "ca": "circa",
    "jul": "July", "aug": "August", "sep": "September", "sept": "September", "oct": "October",
    "nov": "November", "dec": "December",
}  # fmt: skip
# Before a name or a number: a full stop after one does not end a sentence, whatever follows.
_TITLES: Final = frozenset({
    "mr", "mrs", "ms", "dr", "prof", "st", "mt", "ft", "gen", "gov", "sen", "rep", "capt", "lt",
    "col", "sgt", "rev", "hon", "vs", "approx", "incl", "excl", "vol", "ca", "ph.d",
})  # fmt: skip
# After one of these it does, if a capital letter follows.
_SHORT: Final = (ABBREVIATIONS.keys() - _TITLES) | {"am", "pm", "corp", "fig"}
_NEVER_LAST: Final = frozenset({"e.g", "i.e", "a.k.a"})
_NUMBERING: Final = frozenset({"no", "nos"})
_GAP: Final = re.compile(r"(?<!\S)(\S*[.!?…])([\"”’)]*)\s+(?=(\S+))")


def sentences(text: str) -> list[str]:
    """Spoken text -> its sentences, without the blanks between them."""
    found, start = [], 0
    begins = len(text) - len(text.lstrip())  # where the first word of the sentence does
    for gap in _GAP.finditer(text):
        if ends_sentence(gap[1] + gap[2], gap[3], alone=gap.start() == begins):
            found.append(text[start : gap.end()].rstrip())
            start = begins = gap.end()
    return [*found, text[start:]] if text[start:] else found


def fragments(text: str) -> Iterator[str]:
    """Spoken text -> its sentences, such that they join to the whole again."""
    parts = sentences(text)
    for number, part in enumerate(parts, start=1):
        yield part if number == len(parts) else part + " "


def ends_sentence(word: str, following: str | None, *, alone: bool) -> bool:
    """Whether the mark at the end of `word` ends a sentence; `following` None is not known yet."""
    bare = word.rstrip(CLOSERS)
    name = bare.rstrip(ENDS).lstrip(_OPENERS).lower()
    if bare[-1:] != "." or bare.endswith(".."):
        return True
    if name in _NUMBERING:  # "No. 5" or "No. I am sorry."
        return following is not None and not following[:1].isdecimal()
    if name in _TITLES or (len(name) == 1 and name.isalpha() and name != "i"):  # "J. Smith"
        return False
    if name in _SHORT or re.fullmatch(r"(?:[a-z]\.)+[a-z]", name):
        return name not in _NEVER_LAST and _starts_sentence(following)
    return not (alone and name.isdecimal())  # "1. Take the lift."


def _starts_sentence(following: str | None) -> bool:
    return following is not None and following.lstrip(_OPENERS)[:1].isupper()
