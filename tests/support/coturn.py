"""coturn from Debian, set up as deploy/ has it, on loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

CONF: Final = Path(__file__).parents[2] / "deploy" / "coturn" / "turnserver.conf"
SECRET: Final = "of-this-test"
RELAY: Final = "127.0.0.2"  # an address of its own, so that it can be forbidden
MISSING: Final = None if shutil.which("turnserver") else "needs the Debian package coturn"


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((RELAY, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def coturn(folder: Path, *, allowed: str = "127.0.0.1") -> Iterator[int]:
    """Our configuration and what a test on loopback needs beside it: the port it listens on.

    allowed: the one address to which it relays.
    """
    port = _free_port()
    ours = folder / "turnserver.conf"
    ours.write_text(
        f"{CONF.read_text()}\nstatic-auth-secret={SECRET}\nallowed-peer-ip={allowed}\n"
        f"listening-ip={RELAY}\nrelay-ip={RELAY}\nallow-loopback-peers\nno-tls\nno-dtls\n"
        f"pidfile={folder}/pid\nuserdb={folder}/turndb\n"
    )
    log = (folder / "log").open("wb")
    command = ["turnserver", "-c", str(ours), f"--listening-port={port}"]
    with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait_for_answer(port)
            yield port
        finally:
            process.terminate()


def _wait_for_answer(port: int, within: float = 10.0) -> None:
    """Until it listens on TCP, which it does last."""
    until = time.monotonic() + within
    while True:
        try:
            return socket.create_connection((RELAY, port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until, "coturn does not listen"
            time.sleep(0.02)


def settings(port: int) -> dict[str, str]:
    """Of a server that gives its viewers accounts of it."""
    return {"turn_servers": f"turn:{RELAY}:{port}?transport=udp", "turn_secret": SECRET}
