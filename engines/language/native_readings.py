"""Times, prices, ranges and short forms in other languages than English: what is said for them.

Only where espeak-ng and piper, which read figures themselves, do not read them as people do. The
words are data/readings.toml, whose first lines explain it; other languages are left to the voice.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

PATH: Final = Path(__file__).parents[1] / "data" / "readings.toml"
_LONGEST: Final = 40  # characters of a word that is read here
_TIME: Final = re.compile(r"([01]?\d|2[0-4])(?::|h|\.(?=\d\d$))([0-5]\d)")
_HOUR: Final = re.compile(r"([01]?\d|2[0-4])h")
_DIGITS: Final = r"\d{1,3}(?:[ .,'\u00a0\u202f]\d{3})*|\d+"
_AMOUNT: Final = re.compile(rf"({_DIGITS})(?:[.,](\d\d))?")
_SIGN: Final = re.compile(r"(R\$|[€$£¥])(.+)|(.+?)(R\$|[€$£¥])")
_RANGE: Final = re.compile(r"(\d{1,4}(?:[:.,]\d\d)?)[-–](\d{1,4}(?:[:.,]\d\d)?)")
_PERCENT: Final = re.compile(r"(\d+(?:[.,]\d+)?)[%٪]")
_MONEY_FIRST: Final = re.compile(r"[€$¥]\d+(?:\.\d\d)?|\d+(?:\.\d\d)?[€$]")
_CLOCK: Final = re.compile(r"(?<![\d:])(?:[01]?\d|2[0-4]):[0-5]\d(?![\d:])")
_DECIMAL: Final = re.compile(r"(?<=\d)\.(\d+?)0*(?=\D|$)")
_UNIT: Final = re.compile(r"(?<=\d)(?:km|kg|m²|m|°C)(?![A-Za-z])")
_MEASURE: Final = re.compile(r"(\d+(?:[.,]\d+)?)([^\W\d_²/°]+[²/\w]*|°C)")
_CALLED: Final = re.compile(r"[+0]\d{3,}|\+\d{1,3}|\d{7,}")
_TAIL: Final = re.compile(r"[.,;:!?…。，、！？؟،؛)»”\"']*$")
_OPENING: Final = "(«„“\"'¿¡"


@cache
def table() -> Mapping[str, Mapping[str, Any]]:
    """The file, by language."""
    return tomllib.loads(PATH.read_text(encoding="utf-8"))


def read(words: Sequence[str], language: str) -> list[str]:
    """Words between blanks -> what is said for each, marks kept; "" where the one before says it.

    language: a code of LANGUAGES; one without readings gets its words back.
    """
    rows = table().get(language)
    if rows is None:
        return list(words)
    if "point" in rows:  # phrases without blanks: figures stand anywhere in them
        return [_within(word, rows) for word in words]
    said = list(words)
    for at, word in enumerate(words):
        if said[at] == word and len(word) <= _LONGEST:
            _read_one(said, words, at, rows)
    return said


def _read_one(said: list[str], words: Sequence[str], at: int, rows: Mapping[str, Any]) -> None:
    """Put what is said for one word in its place, and "" for what it takes in of the next."""
    following = words[at + 1] if at + 1 < len(words) else ""
    bare, tail = _parted(words[at])
    if short := _short(words[at], following, rows):
        reading, taken = short
        said[at] = reading + ("" if taken else _after_short(tail))
        if taken:
            said[at + 1] = _after_short(_parted(following)[1])
        return
    if not any(map(str.isdigit, bare)):
        return
    next_bare, next_tail = _parted(following)
    if reading := _day(bare, tail, next_bare, rows):
        said[at] = reading
    elif (reading := _money(f"{bare}{next_bare}", rows)) and next_bare.lower() in rows["money"]:
        said[at], said[at + 1] = reading + next_tail, ""
    elif reading := _time(bare, next_bare, rows):
        taken_in = next_bare in rows["after"]
        said[at] = reading + (next_tail if taken_in else tail)
        if taken_in:
            said[at + 1] = ""
    elif next_bare.lower() in rows["units"] and _AMOUNT.fullmatch(bare):
        said[at + 1] = rows["units"][next_bare.lower()] + next_tail
    elif reading := _alone(bare, rows):
        said[at] = reading + tail


def _alone(bare: str, rows: Mapping[str, Any]) -> str:
    """What is said for a word by itself; "": what is written."""
    if found := _RANGE.fullmatch(bare):
        ends = (_time(end, "", rows) or end for end in found.groups())
        return f" {rows['to']} ".join(ends)
    if (found := _PERCENT.fullmatch(bare)) and "percent" in rows:
        return str(rows["percent"].format(n=found[1]))
    if reading := _money(bare, rows):
        return reading
    if (found := _MEASURE.fullmatch(bare)) and found[2].lower() in rows["units"]:
        return f"{found[1]} {rows['units'][found[2].lower()]}"
    if _CALLED.fullmatch(bare):  # a telephone number, figure by figure
        return " ".join(bare).replace("+ ", "+")
    return ""


def _within(phrase: str, rows: Mapping[str, Any]) -> str:
    """A phrase of a script without blanks, whatever figures stand in it written out."""
    if len(phrase) > 10 * _LONGEST or not any(map(str.isdigit, phrase)):
        return phrase
    phrase = _MONEY_FIRST.sub(lambda found: _money(found[0], rows) or found[0], phrase)
    phrase = _CLOCK.sub(lambda found: _time(found[0], "", rows), phrase)
    phrase = _RANGE.sub(lambda found: f"{found[1]}{rows['to']}{found[2]}", phrase)
    phrase = _PERCENT.sub(lambda found: rows["percent"].format(n=found[1]), phrase)
    phrase = _DECIMAL.sub(lambda found: rows["point"] + " ".join(found[1]), phrase)
    return _UNIT.sub(lambda found: rows["units"].get(found[0].lower(), found[0]), phrase)


def _parted(word: str) -> tuple[str, str]:
    """Without what opens a quotation; what closes it and the marks at its end apart."""
    bare = word.lstrip(_OPENING)
    tail = _TAIL.search(bare)
    cut = tail.start() if tail else len(bare)
    return bare[:cut], bare[cut:]


def _short(word: str, following: str, rows: Mapping[str, Any]) -> tuple[str, bool] | None:
    """What is said for a short form, and whether it takes in the next word: "z. B."."""
    both = f"{word}{following}".lower().rstrip(",;:!?)")
    bare = word.lower().lstrip(_OPENING).rstrip(",;:!?)")
    if following and len(following.rstrip(",;:!?)")) <= 2 and both in rows["short"]:
        return str(rows["short"][both]), True
    return (str(rows["short"][bare]), False) if bare in rows["short"] else None


def _after_short(tail: str) -> str:
    """The marks after a short form without its own full stop."""
    return tail.lstrip(".")


def _day(bare: str, tail: str, following: str, rows: Mapping[str, Any]) -> str:
    """ "3." before "Mai"."""
    if tail != "." or following not in rows.get("months", ()):
        return ""
    return str(rows["days"][int(bare) - 1]) if bare.isdecimal() and 0 < int(bare) < 32 else ""


def _time(bare: str, following: str, rows: Mapping[str, Any]) -> str:
    found = _TIME.fullmatch(bare)
    if found is None:
        hour = _HOUR.fullmatch(bare)
        return str(rows["full"].format(h=int(hour[1]))) if hour else ""
    if "." in bare and following not in rows["after"]:
        return ""
    if int(found[2]) == 0:
        return str(rows["full"].format(h=int(found[1])))
    return str(rows["time"].format(h=int(found[1]), m=int(found[2])))


def _money(text: str, rows: Mapping[str, Any]) -> str:
    found = _SIGN.fullmatch(text) or re.fullmatch(r"(chf)(.+)|(.+?)(chf)", text, re.IGNORECASE)
    if found is None:
        return ""
    sign, amount = (found[1], found[2]) if found[1] else (found[4], found[3])
    parts = _AMOUNT.fullmatch(amount.strip())
    if parts is None or sign.lower() not in rows["money"]:
        return ""
    with_cents, whole = rows["money"][sign.lower()]
    if parts[2] is None or int(parts[2]) == 0:
        return str(whole.format(n=parts[1]))
    return str(with_cents.format(n=parts[1], c=int(parts[2])))
