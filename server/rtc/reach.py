"""Where a connection is reached, and whom it may contact: values of the operator's settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Final

from aioice import ice

from visavis.server.system.addresses import Address, Network

local_addresses: Final = ice.get_host_addresses  # of all interfaces but loopback
_BROADCAST: Final = IPv4Address("255.255.255.255")
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last four bytes


@dataclass(frozen=True, slots=True)
class Reach:
    """Of one connection.

    hosts: local addresses at which media is received; empty: every one but loopback.
    announce: told to the peer in place of the local address of the same IP version.
    ports: UDP ports of which one is taken for each address; None: any.
    never: ranges that are never contacted, whatever a peer says of itself.
    """

    hosts: tuple[str, ...] = ()
    announce: tuple[Address, ...] = ()
    ports: range | None = None
    never: tuple[Network, ...] = ()

    @property
    def is_loopback(self) -> bool:
        """Whether media is received at loopback, so that a peer may be there as well."""
        return any(ip_address(host).is_loopback for host in self.hosts)

    def announced(self, host: str) -> str:
        """What a peer is told of the local address `host`."""
        version = ip_address(host).version
        return next((str(a) for a in self.announce if a.version == version), host)

    def may_contact(self, host: str) -> bool:
        """Whether `host` is an IP address of one machine, and in no range that is excluded."""
        try:
            address = embedded(ip_address(host))
        except ValueError:
            return False
        if address.is_multicast or address.is_unspecified or address == _BROADCAST:
            return False
        if isinstance(address, IPv4Address) and (address.is_reserved or int(address) < 1 << 24):
            return False  # 240.0.0.0/4, and 0.0.0.0/8: "this network", RFC 1122 3.2.1.3
        return not any(address in network for network in self.never)


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, else itself: no way around a range."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


_EVERYWHERE: Final = Reach()
_reach: ContextVar[Reach] = ContextVar("reach", default=_EVERYWHERE)


@contextmanager
def using(reach: Reach) -> Iterator[None]:
    """What connections find that begin inside.

    Tasks made inside inherit it: aiortc gathers in `asyncio.gather`, and takes no arguments for it.
    """
    token = _reach.set(reach)
    try:
        yield
    finally:
        _reach.reset(token)


def current() -> Reach:
    """The one in use."""
    return _reach.get()
