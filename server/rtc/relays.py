"""Relays that viewers are given, with accounts that end by themselves (TURN REST API).

The relay and this server share a secret; an account is "END:NAME" with END in s since 1970, and its
password the base64 of HMAC-SHA1(secret, account): draft-uberti-behave-turn-rest-00, as coturn's
`use-auth-secret` has it.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Relays:
    """What an operator has. addresses: stun: and turn:, without accounts.

    secret: shared with the relays. seconds: how long an account lasts.
    """

    addresses: tuple[str, ...] = ()
    secret: str = ""
    seconds: int = 43_200
    now: Callable[[], float] = time.time

    def servers(self) -> list[dict[str, Any]]:
        """For one viewer: RTCIceServer objects of the browser's API, with an account of their own.

        A relay bounds what one name may have, so each has another.
        """
        own = [address for address in self.addresses if _is_relay(address)]
        plain = [address for address in self.addresses if not _is_relay(address)]
        found: list[dict[str, Any]] = [{"urls": plain}] if plain else []
        if own:
            name, password = self._account()
            found.append({"urls": own, "username": name, "credential": password})
        return found

    def urls(self) -> tuple[str, ...]:
        """The same as addresses that carry the account, see `connection.configuration`."""
        if not any(_is_relay(address) for address in self.addresses):
            return self.addresses
        name, password = (quote(part, safe="") for part in self._account())
        return tuple(
            address.replace(":", f":{name}:{password}@", 1) if _is_relay(address) else address
            for address in self.addresses
        )

    def _account(self) -> tuple[str, str]:
        name = f"{int(self.now()) + self.seconds}:{secrets.token_hex(8)}"
        digest = hmac.digest(self.secret.encode(), name.encode(), "sha1")
        return name, base64.b64encode(digest).decode()


def _is_relay(address: str) -> bool:
    return address.startswith("turn")
