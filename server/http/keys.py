"""Whose a token is: that of a role, or a visitor's signed one."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Sequence
from typing import Final

from visavis.server.http import passes
from visavis.server.http.passes import Pass
from visavis.server.http.roles import Role
from visavis.server.system import jws

_ROLES: Final[tuple[Role, ...]] = ("operator", "staff", "metrics")


class Keys:
    """Those of one server; empty: nobody has that role. secrets: that sign visitors' tokens.

    clock: s since 1970.
    """

    def __init__(
        self, operator: str, *, staff: str = "", metrics: str = "", secrets: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        held = dict(zip(_ROLES, (operator, staff, metrics), strict=True))
        self._held = {role: key for role, key in held.items() if key}
        self._secrets = [secret for secret in secrets if secret]
        self._clock = clock

    def has(self, role: Role) -> bool:
        """Whether there is a token of that role."""
        return bool(self._secrets) if role == "visitor" else role in self._held

    def is_operator(self, sent: Sequence[str]) -> bool:
        """Whether one of these is the operator's token."""
        key = self._held.get("operator", "")
        return bool(sum(_is(each, key) for each in sent)) and bool(key)

    def whose(self, sent: Sequence[str]) -> Role | Pass | None:
        """Who sends this, in whichever way it was sent; None: nobody whom we know.

        Each is compared with every key, so that how long it takes does not say which it was.
        Raises Unauthorized for a signed token that is not to be used.
        """
        found = [role for each in sent for role, key in self._held.items() if _is(each, key)]
        if found:
            return found[0]
        signed = next((each for each in sent if jws.looks_like_one(each)), None)
        if signed is None or not self._secrets:
            return None
        return passes.read(signed, self._secrets, self._clock())


def _is(sent: str, key: str) -> bool:
    return hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), key.encode())
