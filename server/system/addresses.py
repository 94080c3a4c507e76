"""Settings that name addresses, networks and ports: text -> values, or ConfigError with the fix."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from visavis.server.system.errors import ConfigError

# RFC 7064 and 7065, without an account.
_RELAY: Final = re.compile(
    r"(stun|turns?):([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(\?transport=(udp|tcp))?",
    re.ASCII,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def addresses(setting: str, text: str) -> tuple[Address, ...]:
    """IP addresses, separated by spaces. Raises ConfigError."""
    try:
        return tuple(ip_address(word) for word in text.split())
    except ValueError as error:
        msg = f"{setting}: {error}: write IP addresses such as 192.0.2.10, with spaces between"
        raise ConfigError(msg) from error


def relays(setting: str, text: str) -> tuple[str, ...]:
    """Addresses of STUN and TURN servers, separated by spaces. Raises ConfigError."""
    found = tuple(text.split())
    for word in found:
        if not _RELAY.fullmatch(word):
            shown = word.rpartition("@")[2]  # never an account
            msg = (
                f"{setting}: {shown} is no address of a relay: write turn:relay.example:3478 or "
                "turns:relay.example:5349?transport=tcp, without an account"
            )
            raise ConfigError(msg)
    return found


def networks(setting: str, text: str) -> tuple[Network, ...]:
    """Ranges of addresses (CIDR), separated by spaces. Raises ConfigError."""
    try:
        return tuple(ip_network(word, strict=False) for word in text.split())
    except ValueError as error:
        msg = f"{setting}: {error}: write ranges such as 10.0.0.0/8, with spaces between"
        raise ConfigError(msg) from error


def ports(setting: str, text: str) -> range | None:
    """`40000-40100` or `40000` -> those ports; None: nothing is written. Raises ConfigError."""
    if not text:
        return None
    first, dash, last = text.partition("-")
    try:
        found = range(int(first), int(last if dash else first) + 1)
    except ValueError:
        found = range(0)
    if not found or found[0] < 1024 or found[-1] > 65535:
        msg = f"{setting} is {text!r}: write a range from 1024 to 65535 such as 40000-40100"
        raise ConfigError(msg)
    return found
