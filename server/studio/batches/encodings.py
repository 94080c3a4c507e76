"""Bytes -> text: what they are encoded as where nothing says so.

Excel writes CSV in the code page of the machine's country unless "CSV UTF-8" is chosen, and a Mac
in its own. UTF-8 is certain where it fits. Of the others Europe's are told by the letters that
their languages have, because statistics over a few names mistake one code page for another.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from typing import Final

import charset_normalizer

from visavis.server.studio.batches.table import TableError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, with which it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What the languages write besides a to z, and in which code page their machines do.
_ALPHABETS: Final = (
    ("cp1252", "äöüß"),
    ("cp1252", "àâæçéèêëîïôœùûüÿ"),
    ("cp1252", "áéíñóúü"),
    ("cp1252", "áâãàçéêíóôõú"),
    ("cp1252", "àèéìîòóù"),
    ("cp1252", "åäöæøé"),
    ("cp1252", "ëïéèöüáóí"),
    ("mac_roman", "äöüß"),
    ("mac_roman", "àâæçéèêëîïôœùûüÿ"),
    ("mac_roman", "áéíñóúü"),
    ("cp1254", "çğıöşüâîûİ"),
    ("cp1252", "áðéíóúýþæö"),
    ("cp1250", "ąćęłńóśźż"),
    ("cp1250", "áčďéěíňóřšťúůýžäĺľŕô"),
    ("cp1250", "áéíóöőúüű"),
    ("cp1250", "čćđšž"),
    ("cp1250", "ăâîşţ"),
)
_OTHERS: Final = [
    "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874",
    "cp932", "gb18030", "big5", "cp949",
]  # fmt: skip
_SAMPLE: Final = 64 * 1024  # bytes that are looked at
_WORD: Final = re.compile(r"[^\s,;|\t\"'()/.\-]+")
_SIGNS: Final = frozenset("€„“”‚‘’…–—«»°§©®™ºª•´¿¡·\xa0")
_UNKNOWN: Final = (
    'It cannot be told how the file is encoded: save it as "CSV UTF-8", or name its encoding.'
)
_WRONG: Final = 'The file is not {}: save it as "CSV UTF-8", or name another encoding.'


def decoded(data: bytes, encoding: str = "") -> str:
    """The text. encoding: "": it is found. Raises TableError."""
    if encoding:
        return _as_named(data, encoding)
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _as_named(data, name)
    if wide := _without_mark(data):
        return _as_named(data, wide)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _of_a_country(data)


def _as_named(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
        text.encode()  # half a letter of UTF-16 is none
    except LookupError:
        msg = f"There is no encoding {encoding!r}: write utf-8, cp1252, cp1250, cp1251 or another."
        raise TableError(msg) from None
    except ValueError:
        raise TableError(_WRONG.format(encoding)) from None
    return text


def _without_mark(data: bytes) -> str:
    """UTF-16 without its mark: every second byte of most words is 0."""
    head = data[:200]
    if head.count(0) * 3 < len(head) or len(data) % 2:
        return ""
    return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"


def _of_a_country(data: bytes) -> str:
    text = _of_one_language(data) or _western(data)
    if text:
        return text
    # To the last whole line: a letter of several bytes is not cut.
    sample = data[: data.rfind(b"\n", 0, _SAMPLE) + 1] or data
    best = charset_normalizer.from_bytes(sample, cp_isolation=_OTHERS, threshold=0.3).best()
    if best is None:
        raise TableError(_UNKNOWN)
    return _as_named(data, best.encoding)


def _of_one_language(data: bytes) -> str:
    """Where all letters are those of one language, "" where none fits."""
    for name, letters in _ALPHABETS:
        with contextlib.suppress(UnicodeDecodeError):
            text = data.decode(name)
            foreign = {char for char in text if not char.isascii()} - _SIGNS
            if foreign <= {*letters, *letters.upper()} and not _misread(text):
                return text
    return ""


def _western(data: bytes) -> str:
    """Names of several countries of Western Europe, "" where it is rather something else."""
    for name in ("cp1252", "mac_roman"):
        with contextlib.suppress(UnicodeDecodeError):
            text = data.decode(name)
            words = _WORD.findall(text[:_SAMPLE])
            if all(word.isascii() or _plausible(word) for word in words) and not _misread(text):
                return text
    return ""


def _plausible(word: str) -> bool:
    """Letters alone, and most of them plain: another alphabet's are all foreign here."""
    inner = word.strip("".join(_SIGNS))
    foreign = [char for char in inner if not char.isascii()]
    return all(char.isalpha() for char in foreign) and len(foreign) * 2 <= max(len(inner), 2)


def _misread(text: str) -> bool:
    """Whether a capital that is not plain stands within a word of small letters."""
    return any(
        any(char.isupper() and not char.isascii() for char in word[1:])
        and any(char.islower() for char in word)
        for word in _WORD.findall(text[:_SAMPLE])
    )
