"""Clients that are slow, silent or too many, on the real door with short deadlines."""

import asyncio
import ssl
import subprocess
import time
import zlib
from contextlib import AsyncExitStack
from types import SimpleNamespace

import pytest
from aiohttp import StreamReader, web
from aiohttp.http import HttpVersion11, RawRequestMessage
from multidict import CIMultiDict
from support.doors import asked, house, wire
from support.pace import soon, within
from yarl import URL

from visavis.server.http import door
from visavis.server.http.connections import Connection, Limits
from visavis.server.http.headers import Headers

HOST = b"Host: localhost\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
SDP = b"POST /v1/sessions HTTP/1.1\r\n" + HOST + b"Content-Type: application/sdp\r\n"
FORM = (
    b"POST /v1/avatars HTTP/1.1\r\n" + HOST + b"Content-Type: multipart/form-data; boundary=x\r\n"
)
SHORT = Limits(header=0.4, body=0.4, rate=10_000, idle=0.8)


async def closed_after(client):
    """Seconds until the server closes."""
    began = time.monotonic()
    assert await client.ended(5)
    return time.monotonic() - began


@pytest.mark.parametrize(
    "half",
    [b"", b"G", b"GET / HTTP/1.1\r\nHost: loc", b"\r\n\r\n\r\n"],
    ids=str.split("nothing letter header newlines"),
)
async def test_half_a_header_has_a_deadline(half):
    async with house(SHORT) as it, wire(it.port) as client:
        await client.send(half)
        assert 0.3 < await closed_after(client) < 1.5
        assert not it.door.inside or it.door.inside[0].is_gone


async def test_a_header_that_dribbles_has_the_same_deadline():
    async with house(SHORT) as it, wire(it.port) as client:

        async def dribble():
            for byte in HEALTH * 9:
                await client.send(bytes([byte]))
                await asyncio.sleep(0.05)

        dribbling = asyncio.create_task(dribble())
        assert await closed_after(client) < 1.5
        dribbling.cancel()
        await asyncio.gather(dribbling, return_exceptions=True)


async def test_half_a_header_after_a_request_has_a_deadline():
    async with house(SHORT) as it, wire(it.port) as client:
        await client.send(HEALTH)
        assert (await client.answer()).status == 200
        await client.send(b"GET /healthz HT")
        assert await closed_after(client) < 0.7  # not that of an idle connection


async def test_an_idle_connection_is_kept_for_a_while():
    async with house(SHORT) as it, wire(it.port) as client:
        for _ in range(2):
            await client.send(HEALTH)
            assert (await client.answer()).status == 200
            await asyncio.sleep(0.5)  # longer than for a header
        assert await closed_after(client) < 1.5


async def test_half_a_body_is_told_that_it_is_late():
    async with house(SHORT) as it, wire(it.port) as client:
        await client.send(SDP + b"Content-Length: 1000\r\n\r\nv=0")
        late = await client.answer()
        assert (late.status, late.problem()["type"]) == (408, "urn:visavis:body-timeout")
        assert await client.ended(2)
        assert it.metrics.connections_ended.labels("body")._value.get() == 1


@pytest.mark.parametrize("kind", ["chunked", "length"])
async def test_a_body_that_dribbles_is_late(kind):
    async with house(SHORT) as it, wire(it.port) as client:
        chunked = kind == "chunked"
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 60000"
        await client.send(SDP + framing + b"\r\n\r\n")

        async def dribble():
            while True:
                await client.send(b"1\r\nv\r\n" if chunked else b"v")
                await asyncio.sleep(0.05)

        dribbling = asyncio.create_task(dribble())
        assert (await client.answer(3)).status == 408
        dribbling.cancel()
        await asyncio.gather(dribbling, return_exceptions=True)


async def test_a_long_body_may_take_its_time():
    async with house(SHORT) as it, wire(it.port) as client:
        await client.send(SDP + b"Content-Length: 20000\r\n\r\nv=0")
        for _ in range(10):  # 20 kB in 1 s, where 0.4 s are for every body and 10 kB/s are enough
            await asyncio.sleep(0.1)
            await client.send(b"x" * 2000)
        await client.send(b"x" * 20)
        assert (await client.answer()).status == 422


async def test_an_upload_that_stalls_is_late_and_others_may_upload():
    async with house(SHORT) as it, wire(it.port) as client:
        await client.send(FORM + b"Content-Length: 1000000\r\n\r\n--x\r\n")
        assert (await client.answer()).status == 408
        again = FORM + b"Content-Length: 5\r\n\r\n--x--"
        assert (await asked(it.port, again)).status in {400, 422}


async def test_a_client_that_expects_a_sign_gets_it_and_its_deadline():
    async with house(SHORT) as it, wire(it.port) as client:
        await client.send(SDP + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert (await client.answer()).status == 100
        assert (await client.answer()).status == 408


async def test_who_does_not_take_a_response_is_cut_off():
    async with house(SHORT) as it, wire(it.port) as client:
        page = b"GET /visavis-avatar.js HTTP/1.1\r\n" + HOST + b"\r\n"
        client.writer.transport.pause_reading()
        for _ in range(40):  # pipelined, some 16 MB of responses
            client.writer.write(page * 32)
        began = time.monotonic()
        while it.metrics.connections_ended.labels("send")._value.get() == 0:
            assert soon(time.monotonic() - began, 5)
            await asyncio.sleep(0.05)
        client.writer.transport.abort()


async def test_who_takes_it_slowly_but_steadily_gets_all_of_it():
    async with house(SHORT) as it, wire(it.port) as client:
        page = b"GET /visavis-avatar.js HTTP/1.1\r\n" + HOST + b"\r\n"
        await client.send(page * 10)
        for _ in range(10):
            assert (await client.answer()).status == 200
            await asyncio.sleep(0.06)


async def test_pipelined_requests_are_answered_in_their_order():
    async with house(SHORT) as it, wire(it.port) as client:
        await client.send((HEALTH + b"GET /nothing HTTP/1.1\r\n" + HOST + b"\r\n") * 50)
        for status in [200, 404] * 50:
            assert (await client.answer()).status == status


@pytest.mark.parametrize("settings", [{}, {"token": "t" * 20}], ids=["here", "token"])
async def test_a_zipped_bomb_is_not_unpacked_whoever_sends_it(settings):
    """Unpacked by whom nobody asked, 200 kB held up everybody for half a second."""
    bomb = zlib.compress(bytes(200_000_000))
    headers = SDP + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    async with house(**settings) as it:
        began = time.thread_time()
        assert (await asked(it.port, headers + bomb)).status == (401 if settings else 415)
        await asyncio.sleep(0.2)
        assert within(time.thread_time() - began, 0.1)


# --- too many -----------------------------------------------------------------------------------


async def test_400_half_open_connections_close_the_door_for_nobody():
    async with house() as it, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(wire(it.port)) for _ in range(400)]
        for client in clients:
            client.writer.write(b"GET / HTTP/1.1\r\n")
        took = []
        for _ in range(20):
            began = time.monotonic()
            assert (await asked(it.port, HEALTH)).status == 200
            took.append(time.monotonic() - began)
        assert soon(sorted(took)[10], 0.1)
        assert len(it.door.inside) <= Limits().most
        for client in clients:
            client.writer.transport.abort()


async def test_a_full_house_gives_away_the_places_of_who_holds_the_most():
    few = Limits(most=6, each=6)
    async with house(few) as it, AsyncExitStack() as stack:
        polite = await stack.enter_async_context(wire(it.port, host="127.0.0.2"))
        await polite.send(HEALTH)
        await polite.answer()
        for _ in range(12):
            await stack.enter_async_context(wire(it.port, host="127.0.0.3"))
        await asyncio.sleep(0.2)
        await polite.send(HEALTH)  # idle for longest, and still there
        assert (await polite.answer()).status == 200
        assert len(it.door.inside) <= few.most


async def test_a_crowd_that_comes_back_at_once_shows_out_itself():
    async with house(Limits(most=24)) as it:

        async def come_back():
            while True:
                async with wire(it.port) as client:
                    client.writer.write(SDP + b"Content-Length: 99\r\n\r\nv")
                    await client.ended(30)

        crowd = [asyncio.create_task(come_back()) for _ in range(60)]
        await asyncio.sleep(0.3)
        for _ in range(20):
            assert (await asked(it.port, HEALTH)).status == 200
        for one in crowd:
            one.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)


async def test_a_request_that_is_served_keeps_its_place():
    few = Limits(most=3)
    async with house(few) as it, AsyncExitStack() as stack:
        release = asyncio.Event()
        health = next(r for r in it.app.router.routes() if r.resource.canonical == "/healthz")

        async def slow(_request):
            await release.wait()
            return web.Response(text="late")

        health.resource._routes["GET"]._handler = slow
        busy = [await stack.enter_async_context(wire(it.port)) for _ in range(3)]
        for client in busy:
            await client.send(HEALTH)
        await asyncio.sleep(0.1)
        async with wire(it.port) as refused:
            assert await refused.ended(1)
        release.set()
        for client in busy:
            assert (await client.answer()).body == b"late"


async def test_one_address_has_a_share_and_a_proxy_of_this_machine_has_none(monkeypatch):
    limits = Limits(most=100, each=4)
    async with house(limits) as it, AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(wire(it.port))
        await asyncio.sleep(0.1)
        assert len([each for each in it.door.inside if not each.is_gone]) == 10
    monkeypatch.setattr("visavis.server.http.door.is_here", lambda _who: False)
    async with house(limits) as it, AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(wire(it.port))
        await asyncio.sleep(0.1)
        assert len([each for each in it.door.inside if not each.is_gone]) == 4
        assert it.metrics.connections_ended.labels("crowd")._value.get() == 6


# --- TLS ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """(server's, client's) contexts of a certificate of our own."""
    folder = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=localhost -keyout key.pem -out cert.pem"
    )
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    client = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    client.check_hostname = False
    return server, client


async def test_a_handshake_has_a_deadline_and_takes_a_place(certificate):
    server, trusting = certificate
    async with house(SHORT, server) as it:
        async with wire(it.port, trusting) as client:
            await client.send(HEALTH)
            assert (await client.answer()).status == 200
        async with wire(it.port) as silent:
            await asyncio.sleep(0.1)
            assert [each.stage for each in it.door.inside if not each.is_gone] == ["handshake"]
            assert await closed_after(silent) < 1.5
        async with wire(it.port) as plain:
            await plain.send(HEALTH)
            assert await plain.ended(2)
        await asyncio.sleep(0.1)
        assert not [each for each in it.door.inside if not each.is_gone]


async def test_a_full_house_gives_away_handshakes(certificate):
    server, trusting = certificate
    async with house(Limits(most=3), server) as it, AsyncExitStack() as stack:
        for _ in range(9):
            await stack.enter_async_context(wire(it.port))
        await asyncio.sleep(0.1)
        client = await stack.enter_async_context(wire(it.port, trusting))
        await client.send(HEALTH)
        assert (await client.answer()).status == 200


# --- names that aiohttp must keep -----------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "connection_made", "connection_lost", "data_received", "finish_response", "handle_error",
        "log_exception", "force_close",
    ],
)  # fmt: skip
def test_what_a_connection_overrides_is_there(name):
    assert callable(getattr(web.RequestHandler, name))


async def test_a_server_lets_its_factory_and_handler_be_replaced():
    async with house() as it:
        server = it.door._server
        assert server.request_factory.__name__ == "made"
        assert server.request_handler.__name__ == "handled"
        connection = Connection(server, "", Limits(), Headers("self"))
        assert connection.keepalive_timeout == Limits().idle
        assert connection.max_headers == 64


def test_a_request_without_a_target_is_one_for_nothing():
    """Found by fuzzing, seldom: the request's task fell over it, and the connection stood open."""
    served = []
    make = door._announcing(lambda message, *_: served.append(message.url))
    message = RawRequestMessage(
        "GET", "", HttpVersion11, CIMultiDict(), (), False, None, False, False, None
    )
    make(message, StreamReader, SimpleNamespace(began=lambda body: None))
    assert served == [URL("/v1/")]
