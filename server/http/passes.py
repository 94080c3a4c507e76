"""What a signed token lets a visitor do: its claims read strictly, and made.

    {"sub": "room-12", "iat": 1764450000, "exp": 1764450600,
     "visavis": {"avatars": ["mira"], "length": 300}}

Claims of RFC 7519 stand beside an object of ours, as LiveKit's grants do. What is unknown in that
object is refused: a limit that was misspelt must not be none. What else a web server writes beside
it is its own business.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from visavis.server.system import jws
from visavis.server.system.config import Source, as_source
from visavis.server.system.errors import Unauthorized

OURS: Final = "visavis"  # the claim that holds our object, and the audience if one is named
LONGEST: Final = 86_400  # s that a token may last
LEEWAY: Final = 30  # s by which two clocks may differ
_MOST: Final = 32  # avatars, or origins
_TEXT: Final = 128  # characters of a name
_DAY: Final = 86_400
_KNOWN: Final = frozenset(
    {"role", "avatars", "source", "language", "length", "sessions", "origins", "once"}
)
_FORGED: Final = (
    "The token is none of this server's: it was changed, or signed with another secret than "
    "token_secret."
)


@dataclass(frozen=True, slots=True)
class Pass:
    """One visitor's. Empty and 0: not bound.

    subject: whose it is; each token that names none is a visitor of its own. length: s of one
    session. sessions: at a time. expires: s since 1970. once: the name (`jti`) of a token that
    opens one session.
    """

    subject: str
    expires: float
    avatars: tuple[str, ...] = ()
    source: Source | None = None
    language: str = ""
    length: int = 0
    sessions: int = 0
    origins: tuple[str, ...] = ()
    once: str = ""


PASS: Final = web.RequestKey("pass", Pass)  # of a request that a visitor's token came with


class Early(Unauthorized):
    """A token of the future, by so many s: one of two clocks is wrong."""

    def __init__(self, ahead: float) -> None:
        super().__init__(
            f"The token begins in {math.ceil(ahead)} s by this server's clock: one of the two "
            "clocks is wrong, or it was made for later.",
            "token-early",
        )
        self.ahead = ahead


def read(token: str, secrets: Sequence[str], now: float) -> Pass:
    """The pass that a token is. now: s since 1970. Raises Unauthorized, Early."""
    try:
        claims = jws.claims_of(token, secrets)
    except jws.Forged:
        raise Unauthorized(_FORGED, "token-forged") from None
    expires = _times(claims, now)
    return _pass(claims, token, expires)


def sign(
    secret: str, now: float, lasts: float, bounds: Mapping[str, Any], subject: str = "",
    name: str = "",
) -> str:  # fmt: skip
    """A token. lasts: s. bounds: of our object. name: its `jti`. Raises Unauthorized for what
    `read` would refuse.
    """
    claims: dict[str, Any] = {"iat": int(now), "exp": math.ceil(now + lasts), OURS: dict(bounds)}
    claims |= {"sub": subject} if subject else {}
    claims |= {"jti": name} if name else {}
    token = jws.signed(claims, secret)
    read(token, [secret], now)
    return token


def _times(claims: Mapping[str, Any], now: float) -> float:
    """When it expires. Raises Unauthorized, Early."""
    expires = _number(claims, "exp")
    if expires is None:
        raise _wrong("it must expire: write `exp`, in seconds since 1970")
    begins = max(_number(claims, "nbf") or 0.0, issued := _number(claims, "iat") or 0.0)
    if begins > now + LEEWAY:
        raise Early(begins - now)
    if expires + LEEWAY <= now:
        raise Unauthorized(
            f"The token expired {math.floor(now - expires)} s ago: ask for a new one.",
            "token-expired",
        )
    if expires > (issued or now) + LONGEST + LEEWAY or expires > now + LONGEST + LEEWAY:
        raise _wrong(f"it lasts for over {LONGEST // 3600} hours: let it expire sooner")
    return expires


def _pass(claims: Mapping[str, Any], token: str, expires: float) -> Pass:
    audience = claims.get("aud", OURS)
    if audience != OURS and not (isinstance(audience, list) and OURS in audience):
        raise _wrong(f"`aud` is not {OURS}")
    ours = claims.get(OURS)
    if not isinstance(ours, dict):
        raise _wrong(f"it has no object `{OURS}`, so it was made for something else")
    if unknown := sorted(ours.keys() - _KNOWN):
        raise _wrong(f"{unknown[0][:32]!a} is unknown: known are {', '.join(sorted(_KNOWN))}")
    if ours.get("role", "visitor") != "visitor":
        raise _wrong("a signed token is a visitor's: other roles have tokens of their own")
    once = _name(claims, "jti") if _flag(ours, "once") else ""
    if ours.get("once") and not once:
        raise _wrong("`once` needs a name: write `jti`")
    return Pass(
        subject=_name(claims, "sub") or _unnamed(token),
        expires=expires,
        avatars=_names(ours, "avatars"),
        source=_source(ours),
        language=_language(ours),
        length=_count(ours, "length", _DAY),
        sessions=_count(ours, "sessions", 64),
        origins=_names(ours, "origins"),
        once=once,
    )


def _unnamed(token: str) -> str:
    """The subject of a token that names none; it tells nothing of the token."""
    return f"token {hashlib.sha256(token.encode()).hexdigest()[:32]}"


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e12:
        raise _wrong(f"`{name}` is no number of seconds since 1970")
    return float(value)


def _count(claims: Mapping[str, Any], name: str, most: int) -> int:
    value = claims.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise _wrong(f"`{name}` is no whole number from 1 to {most}")
    return value


def _flag(claims: Mapping[str, Any], name: str) -> bool:
    value = claims.get(name, False)
    if not isinstance(value, bool):
        raise _wrong(f"`{name}` is neither true nor false")
    return value


def _name(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str) or len(value) > _TEXT or not value.isprintable():
        raise _wrong(f"`{name}` is no text of {_TEXT} characters at most")
    return value


def _names(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A bound that allows nothing is a mistake, as is one that allows the empty name."""
    value = claims.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not 1 <= len(value) <= _MOST or not _are_names(value):
        raise _wrong(f"`{name}` is no list of 1 to {_MOST} texts")
    return tuple(value)


def _are_names(values: Collection[Any]) -> bool:
    return all(
        isinstance(each, str) and 0 < len(each) <= _TEXT and each.isprintable() for each in values
    )


def _source(claims: Mapping[str, Any]) -> Source | None:
    value = claims.get("source")
    if value is None:
        return None
    if not isinstance(value, str) or (source := as_source(value)) is None:
        raise _wrong("`source` is none that there is")
    return source


def _language(claims: Mapping[str, Any]) -> str:
    language = _name(claims, "language")
    if "language" in claims and not language:
        raise _wrong("`language` is empty")
    return language


def _wrong(why: str) -> Unauthorized:
    """Of a token that was signed as it should be: its maker is told what to mend."""
    return Unauthorized(f"The token is signed, but not as it must be: {why}.", "token-invalid")
