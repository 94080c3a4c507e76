"""Written words to what is said for them, one by one.

Both voices read the spoken form, so a number sounds the same in either, and each written word
keeps the time span of what was said for it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from visavis.engines.language import roman
from visavis.engines.language.place import Place, places
from visavis.engines.language.readings import LONGEST, SYMBOLS, read
from visavis.engines.language.sentences import ABBREVIATIONS
from visavis.engines.language.units import CURRENCIES
from visavis.engines.language.wording import words


@dataclass(frozen=True, slots=True)
class Written:
    """One word as the text has it, and the plain words (with closing punctuation) said for it.

    `spoken` holds letters, apostrophes, hyphens and , ; : . ! ? only; "" when nothing is said.
    """

    text: str
    spoken: str


# In small letters these are words: "in the sun."
_CAPITAL: Final = {"Mon", "Wed", "Sat", "Sun", "Jan", "Mar", "Jun", "Dec"}
_STOPPED: Final = ABBREVIATIONS.keys() | words(
    """no nos p pp wk wks yr yrs sec secs lbs lb oz kg km h min mins ft mt ave ln ct"""
)
# After these a full stop belongs to the word, and ends a sentence where a capital letter follows.
_ENDING: Final = words(
    """a.m p.m etc st ave rd blvd min mins hrs h kg km lbs lb oz ft wks yrs secs sec inc ltd jr sr
    b.c a.d d.c u.s"""
)
_BEGINNINGS: Final = words(
    """The A An It He She We They You I This That There In On At Then But And So If When Please
    Good Our Your My His Her"""
)
_OPENING: Final = "\"'([{<«“‘„*_`~#-–—•>¿¡|"
_CLOSING: Final = "\"')]}>»”’*_`~,;:.!?…-–—|\\"
_KEPT: Final = re.compile(r"\W*?([-−–+~≈<>≤≥±#]?[^\w\s]?\.?\d)")
_UNREAD: Final = str.maketrans(
    {"…": ".", "’": "'", "‘": "'", "º": "°", "™": "", "®": "", "©": "", "²": "^2", "³": "^3",
     "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "", "\u00ad": ""}
)  # fmt: skip
_VULGAR: Final = re.compile(r"(\d?)([\u00bc-\u00be\u2150-\u215e])")


def spell(text: str) -> tuple[Written, ...]:
    """Read a clause: its whitespace-separated words in order, each with what is said for it."""
    words = text.split()
    cores = [_core(word) for word in words]
    marks = [_mark(word, core, last=False) for word, core in zip(words, cores, strict=True)]
    result = []
    for at, (word, core, place) in enumerate(zip(words, cores, places(cores, marks), strict=True)):
        mark = marks[at]
        if core.endswith(".") and (at + 1 == len(words) or _ends(core, place)):
            mark = _mark(word, core, last=True)
        numeral = roman.read(core, place, ends=bool(mark) or at + 1 == len(words))
        result.append(Written(word, _say(numeral or read(core, place), mark)))
    return tuple(result)


def sayable(text: str) -> bool:
    """Whether there is anything in a text that the voices can say."""
    return any(written.spoken for written in spell(text))


def _core(word: str) -> str:
    """The word without brackets, quotes, mark-up and closing punctuation."""
    if len(word) > 2 * LONGEST:  # nothing of more is said
        word = word.lstrip(_OPENING)[: 2 * LONGEST]
    plain = _plainer(word)
    if plain.lower() in SYMBOLS or plain in CURRENCIES or plain in {"-", "–", "—", "−"}:
        return plain
    core = _opened(plain).rstrip(_CLOSING)
    if re.search(r"\w[+#]{1,2}$|\d['\"]$", plain):
        core = plain.lstrip(_OPENING)  # "C++", "6'2\""
    if "(" in core and ")" not in core[core.index("(") :] and ")" in plain:
        core += ")"  # "401(k)", "(0800)"
    if re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]", core) or _stopped(core):
        stop = plain.find(core) + len(core)
        core += "." if plain[stop : stop + 1] == "." else ""
    return core


def _plainer(word: str) -> str:
    """In the compatibility form, fractions as "1 1⁄2" or "1⁄2"."""
    if word.isascii():
        return word
    word = _VULGAR.sub(lambda found: f"{found[1]} {found[2]}".strip(), word.translate(_UNREAD))
    return unicodedata.normalize("NFKC", word)


def _opened(plain: str) -> str:
    """Without what opens a quotation or a bracket; the sign of a number stays: "(-5", "'90s"."""
    if plain[:1] == "'" and re.match(r"'\d\d", plain):
        return plain
    bare = plain.lstrip(_OPENING)
    found = (
        _KEPT.match(plain)
        if bare[:1].isdecimal() or bare[:2].strip("$€£¥₹.")[:1].isdecimal()
        else None
    )
    return plain[found.start(1) :].lstrip("\"'([{«“‘„*_`") if found else bare


def _stopped(core: str) -> bool:
    """Whether a full stop after this would belong to the word."""
    return core.lower() in _STOPPED and not (core.islower() and core.capitalize() in _CAPITAL)


def _ends(core: str, place: Place) -> bool:
    """Whether the full stop of this abbreviation ends a sentence too: "10 p.m. Goodbye"."""
    if core.lower() == "no.":
        return not place.after[:1].isdecimal()
    name = core.lower().rstrip(".")
    if name not in _ENDING or not core.endswith("."):
        return False
    return place.after in _BEGINNINGS if name == "st" else place.after[:1].isupper()


def _mark(word: str, core: str, *, last: bool) -> str:
    """The pause after a word: one of , . ! ? or nothing."""
    tail = word[word.rfind(core[-1]) + 1 :] if core else word
    if core.endswith(".") and last and not tail.strip("\"')]}"):
        return "."
    for mark in "?!.":
        if mark in tail or (mark == "." and "…" in tail):
            return mark
    return "," if any(mark in tail for mark in ",;:)–—") else ""


def _say(spoken: str, mark: str) -> str:
    return spoken[:LONGEST] + mark if spoken else ""
