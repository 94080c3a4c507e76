"""Lines of an operator's file that show something: `Picture: pool.jpg`, `Link: ...`, `Map: ...`.

What stands behind the word may be written as Markdown: `![text](pool.jpg)`, `[text](address)`.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from visavis.engines.base import Card

PICTURES: Final = (".jpg", ".jpeg", ".png", ".webp")  # endings of files that are shown
_LINE: Final = re.compile(r"(picture|link|map)\s*:\s*(\S.*?)\s*", re.IGNORECASE | re.ASCII)
_MARKED: Final = re.compile(r"!?\[(?P<text>[^\]]*)\]\(\s*(?P<address>[^)\s]+)\s*\)")
_FILE: Final = re.compile(r"\w[\w.-]*")  # a name in one folder, and nothing that leads out of it
_LONGEST: Final = 500  # characters of an address or a text


class CardError(ValueError):
    """A line shows nothing that can be shown; the text says why, and the fix."""


def is_one(line: str) -> bool:
    """Whether a line asks for a card."""
    return _LINE.fullmatch(line.strip()) is not None


def card(line: str, title: str) -> Card:
    """The card that a line asks for. Raises CardError.

    title: what the lines around it are about.
    """
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise CardError("it is no line such as 'Picture: pool.jpg'")
    kind, rest = found[1].lower(), found[2]
    title = title[:1].upper() + title[1:]
    marked = _MARKED.fullmatch(rest)
    if len(rest) > 2 * _LONGEST:
        raise CardError(f"it is longer than {2 * _LONGEST} characters")
    text, address = (marked["text"].strip(), marked["address"]) if marked else ("", rest)
    if kind == "picture":
        return Card("picture", title, checked_picture(address), text or title)
    if kind == "link":
        return Card("link", text or title, checked_page(address))
    if marked:
        return Card("map", title, checked_page(address), text)
    return Card("map", title, text=rest)


def checked_picture(address: str) -> str:
    """A file's name, or an https address, as it is. Raises CardError."""
    if "://" in address:
        if urlsplit(address).scheme != "https":
            raise CardError(f"{address} must begin with https://")
        return checked_page(address)
    if not _FILE.fullmatch(address) or not address.lower().endswith(PICTURES):
        raise CardError(
            f"{address} is no picture: write the name of a file ({', '.join(PICTURES)}) in the "
            "folder of pictures, or an https address"
        )
    return address


def checked_page(address: str) -> str:
    """An address that a browser may open, as it is. Raises CardError."""
    try:
        parts = urlsplit(address)
        named = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named or len(address) > _LONGEST or not address.isprintable() or " " in address:
        raise CardError(f"{address[:60]} is no address of a page: it begins with https://")
    if parts.username is not None:
        raise CardError("an address that visitors see must not name an account")
    return address
