"""Webhooks: addresses that are told when a job is over, as Standard Webhooks 1.0 has it.

Signed, so that whoever gets one can tell that it is ours; sent to public addresses alone, and to
those of the operator's own networks that they allow. Nothing of an answer but its status is read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import socket
import time
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from visavis.server.jobs.ledger import Hook
from visavis.server.system.addresses import Network
from visavis.server.system.errors import Unprocessable
from visavis.server.tools.reach import NotPublic, is_public, literal

log = logging.getLogger(__name__)

# s before each further try, as the standard proposes: 5 s to 10 hours, a day and a half in all.
WAITS: Final = (5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0)
_PATIENCE: Final = 15.0  # s for one answer
_GONE: Final = 410  # the standard: never again
_PREFIX: Final = "whsec_"
_LONGEST: Final = 2000  # characters
_INVALID: Final = "webhook-invalid"


class Webhooks:
    """secret: what signs them; empty: there are none. allowed: networks of the operator's own."""

    def __init__(self, secret: str, allowed: Sequence[Network] = ()) -> None:
        self._key, self._allowed = _key(secret), tuple(allowed)

    def check(self, address: str) -> None:
        """Whether it may be told. Raises Unprocessable."""
        if not self._key:
            msg = "Webhooks are switched off here: set webhook_secret, which signs them."
            raise Unprocessable(msg, "webhook-off")
        url = _url(address)
        if url is None or url.scheme not in ("https", "http"):
            raise Unprocessable("A webhook is an https address.", _INVALID)
        if url.user or url.password:
            raise Unprocessable("A webhook's address has no account in it.", _INVALID)
        host = url.raw_host or ""
        if literal(host) and not self.may(host, url.scheme):
            msg = (
                "A webhook goes to a public https address. For one of your own network set "
                "webhook_networks."
            )
            raise Unprocessable(msg, _INVALID)

    async def send(self, hook: Hook) -> float | None:
        """Tell it; None: that is over, else s until it is to be tried again."""
        status = await self._posted(hook)
        if status is not None and (200 <= status < 300 or status == _GONE):
            return None
        if hook.tries >= len(WAITS):
            log.warning("a webhook was given up", extra={"job": hook.id, "status": status})
            return None
        return WAITS[hook.tries]

    async def _posted(self, hook: Hook) -> int | None:
        """The status of the answer; None: there is none."""
        try:
            self.check(hook.address)  # the settings may have changed since it was kept
            scheme = URL(hook.address).scheme
            # A connection for each: its resolver knows whether it may lead to public addresses.
            resolver = _Within(self, scheme)
            connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False)
            async with (
                aiohttp.ClientSession(
                    connector=connector, timeout=aiohttp.ClientTimeout(_PATIENCE)
                ) as client,
                client.post(
                    hook.address, data=hook.body.encode(), headers=self.signed(hook, time.time()),
                    allow_redirects=False,
                ) as answer,
            ):  # fmt: skip
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError, Unprocessable, ValueError):
            return None

    def signed(self, hook: Hook, now: float) -> dict[str, str]:
        """Headers of the standard. now: Unix time in s."""
        name, at = f"msg_{hook.number}_{hook.id}", str(int(now))
        signed = hmac.digest(self._key, f"{name}.{at}.{hook.body}".encode(), hashlib.sha256)
        return {
            "Content-Type": "application/json", "User-Agent": "visavis",
            "webhook-id": name, "webhook-timestamp": at,
            "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        }  # fmt: skip

    def may(self, host: str, scheme: str) -> bool:
        """Whether an IP address may be told. scheme: by which it is."""
        try:
            address = ip_address(host.strip("[]").partition("%")[0])
        except ValueError:
            return False
        if any(address in network for network in self._allowed):
            return True
        return scheme == "https" and is_public(host)


class _Within(AbstractResolver):
    """Looked at where a connection is made, so that a name cannot change between look and use."""

    def __init__(self, hooks: Webhooks, scheme: str) -> None:
        self._hooks, self._scheme = hooks, scheme
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises NotPublic where there is no address that may be told."""
        found = await self._inner.resolve(host, port, family)
        may = [each for each in found if self._hooks.may(each["host"], self._scheme)]
        if not may:
            raise NotPublic("no address that may be told")
        return may

    async def close(self) -> None:
        """Close the other one."""
        await self._inner.close()


def _url(address: str) -> URL | None:
    """As the client that calls it understands it: "①.1.1.1" is an IP address there."""
    try:
        url = URL(address)
        return url if url.raw_host and len(address) <= _LONGEST else None
    except ValueError:
        return None


def _key(secret: str) -> bytes:
    """The bytes that sign: the standard's form, or the secret as it is."""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
