"""Who calls, for limits that hold for each address."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Final

from aiohttp import web

_HOST_BITS: Final = 64  # of an IPv6 address: one household or machine has all of them (RFC 6177)


def caller(request: web.Request) -> str:
    """The address that calls; of IPv6 its network, for whoever has one address has 2**64."""
    try:
        address = ip_address(request.remote or "")
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    if address.is_loopback:
        return str(address)
    return f"{IPv6Address(int(address) >> _HOST_BITS << _HOST_BITS)}/{_HOST_BITS}"


def is_local(caller: str) -> bool:
    """Whether it is this machine: its visitors, or those of a proxy on it, share one address."""
    try:
        return ip_address(caller).is_loopback
    except ValueError:
        return False
