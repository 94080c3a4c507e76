"""Which addresses of a network a call may lead to."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

_NAT64: Final = ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address, whichever, in its end


class NotPublic(OSError):
    """An address of this machine, of its network, or of no network at all."""


def is_public(text: str) -> bool:
    """Whether an IP address is one of the internet, and not of this machine or its network."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return _is_public(address)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.sixtofour or address.teredo or address in _NAT64:
            return False  # they carry an IPv4 address that nobody has looked at
        if address.ipv4_mapped is not None:
            return _is_public(address.ipv4_mapped)
    return address.is_global and not address.is_multicast


def literal(host: str) -> bool:
    """Whether a host is an address already, which no resolver is asked about."""
    try:
        ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


class PublicResolver(AbstractResolver):
    """Another resolver, without the addresses that are not public.

    Looked at where a connection is made, so that a name cannot change between look and use.
    """

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises NotPublic where there is no public address."""
        found = await self._inner.resolve(host, port, family)
        public = [each for each in found if is_public(each["host"])]
        if not public:
            raise NotPublic("no public address")
        return public

    async def close(self) -> None:
        """Close the other one."""
        await self._inner.close()
