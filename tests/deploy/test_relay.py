"""A session that has nothing but coturn between viewer and server, set up as deploy/ has it."""

import asyncio
import base64
import hashlib
import hmac
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy
from support.serving import Viewer, serving

CONF = Path(__file__).parents[2] / "deploy" / "coturn" / "turnserver.conf"
SECRET = "of-this-test"
RELAY = "127.0.0.2"  # an address of its own, so that it can be forbidden
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("turnserver"), reason="needs the Debian package coturn"),
]


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((RELAY, 0))
        return probe.getsockname()[1]


@contextmanager
def coturn(folder, *, allowed="127.0.0.1"):
    """Our configuration and what a test on loopback needs beside it: the port it listens on."""
    port = free_port()
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
            wait_for_answer(port)
            yield port
        finally:
            process.terminate()


def wait_for_answer(port, within=10.0):
    """Until it listens on TCP, which it does last."""
    until = time.monotonic() + within
    while True:
        try:
            return socket.create_connection((RELAY, port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until, "coturn does not listen"
            time.sleep(0.1)


def account(port):
    """One that ends by itself, as docs/operating.md#relays makes it."""
    name = f"{int(time.time()) + 600}:visitor"
    digest = hmac.new(SECRET.encode(), name.encode(), hashlib.sha1).digest()
    return RTCIceServer(f"turn:{RELAY}:{port}", name, base64.b64encode(digest).decode())


def relayed(port):
    """A viewer who has no other way than the relay."""
    policy = RTCIceTransportPolicy.RELAY
    return Viewer(configuration=RTCConfiguration([account(port)], iceTransportPolicy=policy))


async def test_a_viewer_behind_a_relay_sees_and_hears(tmp_path):
    with coturn(tmp_path) as port:
        async with serving(media_addresses="127.0.0.1") as client:
            viewer = relayed(port)
            try:
                await viewer.connect(client)
                offered = viewer.pc.localDescription.sdp
                assert " typ relay " in offered
                assert " typ host " not in offered
                await viewer.wait_for("ready")
                for kind in ("audio", "video"):
                    for _ in range(10):
                        await asyncio.wait_for(viewer.tracks[kind].recv(), 5)
            finally:
                await viewer.close()


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({"never_contact": f"{RELAY}/32"}, "127.0.0.1"),  # the server refuses the relay
        ({}, "127.0.0.3"),  # the relay refuses the server
    ],
    ids=["never_contact", "denied-peer-ip"],
)
async def test_a_relay_is_used_only_where_both_allow_it(tmp_path, settings, allowed):
    with coturn(tmp_path, allowed=allowed) as port:
        async with serving(media_addresses="127.0.0.1", **settings) as client:
            viewer = relayed(port)
            try:
                where = await viewer.connect(client)
                with pytest.raises(TimeoutError):
                    await viewer.wait_for("ready", within=4)
                assert (await (await client.get(where)).json())["state"] == "offered"
            finally:
                await viewer.close()


async def test_a_server_that_has_a_relay_of_its_own(tmp_path):
    """`ice_servers` with an account; coturn lets nothing through but from relay to relay."""
    with coturn(tmp_path, allowed=RELAY) as port:
        relay = account(port)
        name, secret = quote(relay.username, safe=""), quote(relay.credential, safe="")
        url = f"turn:{name}:{secret}@{RELAY}:{port}"
        async with serving(media_addresses="127.0.0.1", ice_servers=url) as client:
            viewer = relayed(port)
            try:
                await viewer.connect(client)
                assert " typ relay " in viewer.pc.remoteDescription.sdp
                await viewer.wait_for("ready")
                await asyncio.wait_for(viewer.tracks["video"].recv(), 5)
            finally:
                await viewer.close()
