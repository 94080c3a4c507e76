"""Tokens of wires: what a session is to be, signed, so that any worker can take it up.

A JSON Web Token (RFC 7519) of one algorithm, HMAC-SHA256: a client may look into it, and some do.
Nothing is kept of those that were given out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from visavis.server.system import jws
from visavis.server.system.errors import Unauthorized

_LONGEST: Final = 4096  # characters of a token that is looked at
_NAME_BYTES: Final = 12
_LONGEST_NAME: Final = 32
_WRONG: Final = "The session token is none of this server's, or it was changed."
_NONCE: Final = 12  # bytes
_LATE: Final = "The session token has expired: make a new one."


class Signer:
    """Makes and reads the tokens of one wire.

    secret: the wire's key. wire: its name; what was made for one is not taken by another.
    lasts: s in which a session can be begun. now: s since 1970.
    """

    def __init__(
        self, secret: str, wire: str, lasts: float, now: Callable[[], float] = time.time
    ) -> None:
        purpose = f"visavis {wire} session".encode()
        self._key = hmac.digest(secret.encode(), purpose, hashlib.sha256)
        self._lasts, self._now = lasts, now
        self._head = jws.written({"alg": "HS256", "typ": "JWT"})

    def sign(self, claims: Mapping[str, Any]) -> tuple[str, str]:
        """The token of a new session, and its name (`jti`)."""
        name = secrets.token_urlsafe(_NAME_BYTES)
        content = {**claims, "jti": name, "exp": int(self._now() + self._lasts)}
        signed = f"{self._head}.{jws.written(content)}"
        return f"{signed}.{self._signature(signed)}", name

    def read(self, token: str) -> dict[str, Any]:
        """The claims of a token of ours. Raises Unauthorized.

        Only what was signed is parsed, and the header is compared, not read: a token cannot name
        another algorithm (RFC 8725, 2.1).
        """
        signed, _, signature = token.rpartition(".")
        if len(token) > _LONGEST or not token.isascii():
            raise Unauthorized(_WRONG)
        if not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            raise Unauthorized(_WRONG)
        head, _, content = signed.partition(".")
        claims = jws.read(content)
        if head != self._head or claims is None:
            raise Unauthorized(_WRONG)
        if self._now() >= claims["exp"]:
            raise Unauthorized(_LATE)
        return claims

    def seal(self, text: str) -> str:
        """A text that a token carries and its bearer cannot read; empty stays empty."""
        if not text:
            return ""
        nonce = secrets.token_bytes(_NONCE)
        return jws.encoded(nonce + AESGCM(self._key).encrypt(nonce, text.encode(), None))

    def unseal(self, sealed: str) -> str:
        """What was sealed by whoever has the same secret. Raises Unauthorized."""
        if not sealed:
            return ""
        try:
            content = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
            return AESGCM(self._key).decrypt(content[:_NONCE], content[_NONCE:], None).decode()
        except (InvalidTag, ValueError):
            raise Unauthorized(_WRONG) from None

    def _signature(self, signed: str) -> str:
        return jws.encoded(hmac.digest(self._key, signed.encode(), hashlib.sha256))


def name_of(token: str) -> str:
    """The session that a token says it is of, unchecked: for who only passes it on; "": none."""
    claims = jws.read(token.split(".")[1]) if token.isascii() and token.count(".") == 2 else None
    name = (claims or {}).get("jti")
    return name if isinstance(name, str) and len(name) <= _LONGEST_NAME else ""
