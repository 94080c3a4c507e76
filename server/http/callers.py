"""Who calls, as far as limits per caller need to know it."""

from __future__ import annotations

import ipaddress

from aiohttp import web


def caller(request: web.Request) -> str:
    """The address that a request came from, as `network` has it; empty: it has none."""
    return network(request.remote or "")


def network(address: str) -> str:
    """What one subscriber has: an IPv4 address, or the /64 of an IPv6 address (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    if parsed.is_loopback:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def is_here(who: str) -> bool:
    """Whether a `network` is this machine: its programs, or a proxy that many are behind."""
    try:
        return ipaddress.ip_address(who).is_loopback
    except ValueError:
        return not who
