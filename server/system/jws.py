"""What is signed with a shared secret: JSON Web Signatures (RFC 7515), compact, HMAC-SHA256 alone.

Nothing of a token is parsed before its signature was found right, and the header cannot choose how
it is checked (RFC 8725, 2.1 and 3.1).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from visavis.server.system import strict_json

LONGEST: Final = 4096  # characters of a token that is looked at
SHORTEST: Final = 32  # bytes of a secret: as long as the hash, RFC 7518 3.2
_KNOWN: Final = frozenset({"alg", "typ", "kid"})
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/jwt"})
_KID: Final = 12  # characters


class Forged(Exception):
    """Signed with none of the secrets, or not as we sign; says no word of what it was."""


def kid(secret: str) -> str:
    """By which a secret is named in a header; the secret does not follow from it."""
    return hashlib.sha256(b"visavis kid " + secret.encode()).hexdigest()[:_KID]


def signed(claims: Mapping[str, Any], secret: str) -> str:
    """A token that holds these, and names its secret by `kid`."""
    head = written({"alg": "HS256", "typ": "JWT", "kid": kid(secret)})
    text = f"{head}.{written(claims)}"
    return f"{text}.{_signature(text, secret)}"


def claims_of(token: str, secrets: Sequence[str]) -> dict[str, Any]:
    """What a token says that one of the secrets signed. Raises Forged.

    Each secret is tried whatever the header names and whether or not one was right, so that how
    long it takes depends on the length of the token alone.
    """
    text, _, signature = token.rpartition(".")
    if len(token) > LONGEST or not token.isascii():
        raise Forged
    given = signature.encode()
    right = [hmac.compare_digest(given, _signature(text, each).encode()) for each in secrets]
    head, dot, content = text.partition(".")
    if not any(right) or not dot or not _is_ours(read(head)):
        raise Forged
    claims = read(content)
    if claims is None:
        raise Forged
    return claims


def looks_like_one(token: str) -> bool:
    """Whether a text has the three parts of a token."""
    return token.count(".") == 2 and token.startswith("ey")  # {" in base64


def written(content: Mapping[str, Any]) -> str:
    """A part of a token."""
    return encoded(json.dumps(content, separators=(",", ":")).encode())


def read(text: str) -> dict[str, Any] | None:
    """The object that a part of a token holds; None: it is none."""
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found = strict_json.parse(content.decode())
    except (binascii.Error, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _is_ours(head: dict[str, Any] | None) -> bool:
    """Whether a header says no more than how we sign; `crit` and the like would want obedience.

    `kid` chooses nothing: a web server may name its secret as it likes.
    """
    if head is None or head.keys() - _KNOWN or head.get("alg") != "HS256":
        return False
    kind = head.get("typ", "JWT")
    return isinstance(kind, str) and kind.lower() in _TYPES


def _signature(text: str, secret: str) -> str:
    return encoded(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))


def encoded(content: bytes) -> str:
    """Bytes as tokens have them: base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
