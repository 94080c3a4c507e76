"""A server and a viewer on two machines, as far as the kernel can make them, with two links.

Network namespaces: the server's address is reached over one link or the other, as a phone's server
is over Wi-Fi and then over the mobile network. Needs root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SERVER: Final = "10.98.0.1"
_ENDS: Final = {"wifi": "10.98.1", "mobile": "10.98.2"}


class Machines:
    """here: the viewer's namespace, there: the server's."""

    def __init__(self, name: str) -> None:
        self.here, self.there = f"{name}-h", f"{name}-t"

    def use(self, link: str) -> None:
        """Have this link alone."""
        for each in _ENDS:
            _ip("-n", self.here, "link", "set", each, "up" if each == link else "down")
        _ip("-n", self.here, "route", "replace", SERVER, "via", f"{_ENDS[link]}.1", "dev", link)

    @staticmethod
    def inside(namespace: str, *command: str) -> list[str]:
        """A command that runs there."""
        return ["ip", "netns", "exec", namespace, *command]


@contextmanager
def machines() -> Iterator[Machines]:
    """Both, until the end."""
    made = Machines(f"visavis-{os.getpid()}")
    try:
        for name in (made.here, made.there):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", made.there, "address", "add", f"{SERVER}/32", "dev", "lo")
        for link, net in _ENDS.items():
            _ip(
                "link", "add", link, "netns", made.here, "type", "veth",
                "peer", "name", link, "netns", made.there,
            )  # fmt: skip
            for name, end in ((made.here, 2), (made.there, 1)):
                _ip("-n", name, "address", "add", f"{net}.{end}/24", "dev", link)
            _ip("-n", made.there, "link", "set", link, "up")
        yield made
    finally:
        for name in (made.here, made.there):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def missing() -> str | None:
    """Why this machine cannot have them, if so."""
    if os.geteuid() != 0:
        return "needs root, for network namespaces"
    if shutil.which("ip") is None:
        return "needs the Debian package iproute2"
    name = f"visavis-try-{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    if tried.returncode:
        return "this machine makes no network namespaces"
    subprocess.run(["ip", "netns", "del", name], check=False)
    return None


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
