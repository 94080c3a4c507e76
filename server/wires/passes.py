"""Passes: what a wire gives its client to come back with, checked without anything remembered.

Signed with the wire's key, so that any worker of a server knows one that another made, and a server
that was started anew still does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any, Final

from visavis.server.system.errors import Unauthorized

_LONGEST: Final = 4096  # characters
_WORDS: Final = "This session token is none of ours, or too old: ask for a new one."


class Passes:
    """key: of the wire, never empty. purpose: what they are for, so one is no other's."""

    def __init__(
        self, key: str, purpose: str, now: Callable[[], float] = time.time
    ) -> None:
        if not key:
            raise ValueError("passes need a key")
        self._key = hmac.digest(key.encode(), f"pass {purpose}".encode(), hashlib.sha256)
        self._now = now

    def issue(self, seconds: float, **claims: Any) -> str:
        """One that holds for so long. claims: JSON values, which its bearer can read."""
        content = json.dumps([self._now() + seconds, claims], separators=(",", ":")).encode()
        return f"{_written(content)}.{_written(self._sign(content))}"

    def read(self, given: str) -> dict[str, Any]:
        """The claims of a pass. Raises Unauthorized."""
        head, _, tail = given.partition(".")
        try:
            content, signature = _read(head), _read(tail)
        except (ValueError, binascii.Error):
            raise Unauthorized(_WORDS, "bad-pass") from None
        if len(given) > _LONGEST or not hmac.compare_digest(signature, self._sign(content)):
            raise Unauthorized(_WORDS, "bad-pass")
        until, claims = json.loads(content)
        if self._now() > until:
            raise Unauthorized(_WORDS, "bad-pass")
        return dict(claims)

    def _sign(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, hashlib.sha256)


def _written(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _read(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
