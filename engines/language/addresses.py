"""Addresses of pages and of mail, as a person says them.

A page is its host ("hotel dot com"), without "https" and "www"; one short part of words after it is
said too ("slash menu"), for people write that to be typed. What is longer nobody can type from
hearing, and it is left out.
"""

from __future__ import annotations

import re
from typing import Final

from visavis.engines.language import numerals

_DOMAIN: Final = r"(?:[\w-]+\.)+[a-z]{2,}"
_TOP: Final = (
    "com|org|net|edu|gov|io|co|uk|de|fr|es|it|nl|at|ch|eu|info|biz|ai|app|dev|hotel|travel|tv|me"
)
PAGE: Final = rf"(?:https?://|www\.)\S+|(?:[\w-]+\.)+[a-z]{{2,}}/\S*|(?:[\w-]+\.)+(?:{_TOP})"
MAIL: Final = rf"(?:mailto:)?[\w.+&'-]+@{_DOMAIN}"

_NAMES: Final = {
    ".": " dot ", "@": " at ", "/": " slash ", "-": " dash ", "_": " underscore ", "&": " and ",
    "+": " plus ",
}  # fmt: skip
_SHORT: Final = re.compile(r"[a-z-]{1,24}", re.IGNORECASE)


def page(address: str) -> str:
    """ "https://www.hotel.com/menu?x=1" -> "hotel dot com"; "hotel.com/a" -> "... slash a"."""
    bare = re.sub(r"^(?:[a-z]+://)?(?:www\.)?", "", address, count=1, flags=re.IGNORECASE)
    found = re.match(r"(?:[^/?#@]*@)?([^/?#:]*)(?::\d+)?(?:/([^/?#]*)(/?$)?)?", bare)
    host, part, last = (found[1], found[2], found[3]) if found else (bare, None, None)
    return _said(f"{host}/{part}" if part and last is not None and _SHORT.fullmatch(part) else host)


def mail(address: str) -> str:
    """ "info@hotel.com" -> "info at hotel dot com"."""
    return _said(address.removeprefix("mailto:"))


def _said(address: str) -> str:
    """Every sign by its name, digits one by one."""
    text = "".join(_NAMES.get(char, char) for char in address)
    text = re.sub(r"[0-9]+", lambda found: f" {numerals.digits(found[0])} ", text)
    return " ".join(re.sub(r"[^\w' ]|[\d_]", " ", text).split())
