"""UDP sockets for media, on the ports that the operator's firewall leaves open."""

from __future__ import annotations

import errno
import random
import socket

from visavis.server.rtc.reach import Reach
from visavis.server.system.errors import ConfigError, Full


def bound(host: str, ports: range | None) -> socket.socket:
    """A UDP socket at the local address `host`, on a free one of `ports`; None: on any.

    The search begins at a random one: a stranger should not know which is next. Raises Full when
    all are taken, OSError when there is no such address.
    """
    if ports is None:
        return _bound(host, 0)
    first = random.randrange(len(ports))
    for port in (*ports[first:], *ports[:first]):
        try:
            return _bound(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    span = f"{ports[0]}-{ports[-1]}"
    raise Full(
        f"All UDP ports for media ({span}) are taken. Try again in a moment; the operator may "
        "widen media_ports."
    )


def check(reach: Reach) -> None:
    """Raise ConfigError when media cannot be received at one of the addresses, and say why."""
    for host in reach.hosts:
        try:
            bound(host, reach.ports).close()
        except Full as error:
            msg = f"media_ports: none of them is free at {host}: choose another range"
            raise ConfigError(msg) from error
        except OSError as error:
            msg = (
                f"media_addresses: {host} is no address of this machine ({error.strerror}): use "
                "one that it has, or media_announce for the address of a NAT before it"
            )
            raise ConfigError(msg) from error


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.bind((host, port))
    except BaseException:
        made.close()
        raise
    return made
