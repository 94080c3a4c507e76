"""SIGTERM ends a real server process within 5 s, whatever its clients and engines do."""

import asyncio
import os
import re
import signal
import time
from contextlib import AsyncExitStack

import aiohttp
import pytest
from support.doors import wire
from support.pace import soon
from support.serving import Viewer
from support.standing import TESTS, child, children, ends, is_alive

from bench.live.chromium import server

PHOTO = TESTS / "data" / "persona.webp"
HOST = b"Host: localhost\r\n"
WITHIN = 5.0  # s


async def hold(stack, port, count=8):
    """Clients of every impolite kind."""
    sent = [
        b"",
        b"GET / HTT",
        b"POST /v1/sessions HTTP/1.1\r\n" + HOST + b"Content-Type: application/sdp\r\n"
        b"Content-Length: 5000\r\n\r\nv=0",
        b"POST /v1/avatars HTTP/1.1\r\n" + HOST + b"Content-Type: multipart/form-data; boundary=x"
        b"\r\nContent-Length: 5000000\r\n\r\n--x\r\n",
        b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
        (b"GET /visavis-avatar.js HTTP/1.1\r\n" + HOST + b"\r\n") * 400,
    ]
    for data in sent * count:
        client = await stack.enter_async_context(wire(port))
        client.writer.transport.pause_reading()  # nobody takes anything
        client.writer.write(data)
        stack.callback(client.writer.transport.abort)


async def test_whatever_clients_do(tmp_path):
    async with child(tmp_path) as it, AsyncExitStack() as stack:
        await hold(stack, it.port)
        await asyncio.sleep(0.3)
        took, status = await ends(it)
        assert (soon(took, WITHIN), status) == (True, 0), (took, it.complained)


async def test_while_sessions_talk_and_a_peer_does_not_close(tmp_path):
    async with (
        child(tmp_path, "engine", "--drain-seconds", "0") as it,
        aiohttp.ClientSession(f"http://127.0.0.1:{it.port}") as client,
    ):
        viewers = [Viewer(), Viewer()]
        for viewer in viewers:
            viewer.location = await viewer.connect(client)
            await viewer.wait_for("ready")
        viewers[0].channel.send('{"type": "text", "text": "hang, please"}')
        recording = await client.post(f"{viewers[1].location}/recording")
        assert recording.status == 201
        await viewers[0].wait_for("thinking")
        took, _ = await ends(it)
        assert soon(took, WITHIN), it.complained
        for viewer in viewers:
            await viewer.close()


@pytest.mark.parametrize(
    "fault",
    [
        "loop",
        pytest.param("part", marks=pytest.mark.slow),
        pytest.param("files", marks=pytest.mark.slow),
    ],
)
async def test_whatever_hangs_inside(tmp_path, fault):
    async with child(tmp_path, fault) as it:
        took, status = await ends(it)
        assert soon(took, WITHIN), it.complained
        assert status == (0 if fault == "part" else 1)
        assert "Traceback (most recent" not in it.complained
        if status:
            assert "Timeout" in it.complained  # and where it hung


@pytest.mark.slow
async def test_while_it_still_loads(tmp_path):
    async with child(tmp_path, "loading", waits=False) as it:
        took, _ = await ends(it, signal.SIGINT)
        assert soon(took, WITHIN), it.complained


async def test_while_an_avatar_is_made(tmp_path):
    async with (
        child(tmp_path) as it,
        aiohttp.ClientSession(f"http://127.0.0.1:{it.port}") as client,
    ):
        form = aiohttp.FormData({"name": "anna", "subject": "Anna", "confirmed": "yes"})
        form.add_field("consent", "Anna allows it.")
        form.add_field("photo", PHOTO.read_bytes(), filename="photo.webp")
        assert (await client.post("/v1/avatars", data=form)).status == 202
        await asyncio.sleep(0.5)
        making = children(it.process.pid)
        assert making
        took, _ = await ends(it)
        assert soon(took, WITHIN), it.complained
        await asyncio.sleep(0.2)
        assert not [pid for pid in making if is_alive(pid)]


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_the_real_server_with_its_engines(warm_home):
    async with server(warm_home) as (address, pid), AsyncExitStack() as stack:
        await hold(stack, int(re.search(r":(\d+)/", address)[1]))
        await asyncio.sleep(0.3)
        began = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        while is_alive(pid):
            assert soon(time.monotonic() - began, WITHIN)
            await asyncio.sleep(0.05)
