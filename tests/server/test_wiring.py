"""A parent passes a wire's requests and web sockets on to the worker that is to have them."""

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import WSMsgType, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer
from support.deaf import deaf, masked
from support.players import players
from support.standing import standing

from visavis.server.http.places import Places
from visavis.server.processes import wiring
from visavis.server.processes.crew import Crew, Order
from visavis.server.processes.trust import CALLER, trusting
from visavis.server.processes.wiring import WireForwarding
from visavis.server.processes.worker import Worker
from visavis.server.rtc import hooks
from visavis.server.system.errors import Full
from visavis.server.system.metrics import Metrics
from visavis.server.wires import socket
from visavis.server.wires.ways import Way, in_path

WAYS = (
    Way("WS", "/wire/socket", headers=("X-Key",), longest=1000),
    Way("POST", "/wire", session=lambda request, body: json.loads(body)["id"]),
    Way("DELETE", "/wire/{session}", session=in_path()),
)


def a_worker(number, waiting):
    """Its application: says which worker it is, and what it was told."""

    async def socket(request):
        if "refused" in request.query:
            raise Full("There is no room on the wire.", retry_after=7)
        told = web.WebSocketResponse(protocols=("one", "two"))
        await told.prepare(request)
        await told.send_json([number, request.headers["X-Key"], request.remote])
        async for message in told:
            if message.data == "wait":
                await waiting.wait()
            elif message.data == "end":
                await told.close(code=4001, message=b"over")
            elif message.type == WSMsgType.BINARY:
                await told.send_bytes(message.data[::-1])
            else:
                for _ in range(2000 if message.data == "flood" * 100 else 1):
                    await told.send_str(message.data.upper())
        return told

    async def answer(request):
        if request.method == "POST":
            await waiting.wait()
        return web.json_response(number, headers={"Link": "<a>", "ETag": '"b"'})

    app = web.Application(middlewares=[trusting])
    app.add_routes([
        web.get("/wire/socket", socket), web.post("/wire", answer),
        web.delete("/wire/{session}", answer),
    ])  # fmt: skip
    return app


@asynccontextmanager
async def wired(folder):
    """A client of a parent with two workers, its crew, and what holds their answers up."""
    crew, waiting = Crew(Order((), {}, {}), 2, folder, Places(4, 0), Metrics()), asyncio.Event()
    waiting.set()
    runners = []
    for slot in (0, 1):
        runners.append(web.AppRunner(a_worker(slot, waiting)))
        await runners[-1].setup()
        await web.UnixSite(runners[-1], str(folder / f"{slot}.sock")).start()
        worker = crew.workers[slot] = Worker(slot, None)
        worker.linked(None, str(folder / f"{slot}.sock"))
        worker.missing = None
    app = web.Application()
    app.add_routes(WireForwarding(crew, WAYS).routes())
    async with TestClient(TestServer(app)) as client:
        yield client, crew, waiting
    for worker in crew.workers.values():
        await worker.close()
    for runner in runners:
        await runner.cleanup()


async def test_a_web_socket_is_passed_on_both_ways(tmp_path):
    async with wired(tmp_path) as (client, crew, _):
        headers = {"X-Key": "k", "X-Other": "o", CALLER: "forged"}
        socket = await client.ws_connect("/wire/socket", headers=headers, protocols=("two",))
        assert socket.protocol == "two"
        assert await socket.receive_json() == [0, "k", "127.0.0.1"]
        await socket.send_str("hello")
        assert await socket.receive_str() == "HELLO"
        await socket.send_bytes(bytes(range(100)))
        assert await socket.receive_bytes() == bytes(range(100))[::-1]
        await socket.send_str("end")
        closed = await socket.receive()
        assert (closed.type, closed.data, closed.extra) == (WSMsgType.CLOSE, 4001, "over")
        assert [worker.pending for worker in crew.workers.values()] == [0, 0]


async def test_a_web_socket_that_is_refused_says_why(tmp_path):
    async with wired(tmp_path) as (client, crew, _):
        upgrade = {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }  # fmt: skip
        refused = await client.get("/wire/socket?refused", headers=upgrade)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "7")
        assert (await refused.json())["detail"] == "There is no room on the wire."
        crew.workers[0].is_over = crew.workers[1].is_over = True
        with pytest.raises(Exception, match="NotReady|500") as none:
            await client.ws_connect("/wire/socket")
        assert isinstance(none.value, WSServerHandshakeError)


async def test_who_is_gone_ends_it_and_what_is_too_long_too(tmp_path):
    async with wired(tmp_path) as (client, _, waiting):
        gone = await client.ws_connect("/wire/socket", headers={"X-Key": "k"})
        await gone.receive()
        gone._response.connection.transport.abort()
        long = await client.ws_connect("/wire/socket", headers={"X-Key": "k"})
        await long.receive()
        await long.send_str("x" * 1001)
        assert (await long.receive()).data == 1009  # message too big
        waiting.clear()
        flood = await client.ws_connect("/wire/socket", headers={"X-Key": "k"})
        await flood.receive()
        await flood.send_str("wait")
        with pytest.raises(TimeoutError):  # nobody takes it, so it stays with who sends it
            async with asyncio.timeout(1):
                while True:
                    await flood.send_bytes(bytes(990))
        waiting.set()
        assert await asyncio.wait_for(flood.receive_bytes(), 5)


async def test_who_reads_nothing_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(wiring, "_TAKEN", 0.2)
    monkeypatch.setattr(socket, "_CLOSE", 0.2)
    async with (
        wired(tmp_path) as (client, _, _),
        deaf(client, monkeypatch, "/wire/socket", "X-Key: k\r\n") as say,
    ):
        await say(masked("flood" * 100))
        with pytest.raises(ConnectionError):
            for _ in range(100):
                await say(masked("still here"))
                await asyncio.sleep(0.02)


async def test_requests_about_one_name_go_to_one_worker(tmp_path):
    async with wired(tmp_path) as (client, crew, waiting):
        waiting.clear()
        asking = [asyncio.create_task(client.post("/wire", json={"id": name})) for name in "aabba"]
        while sum(worker.pending for worker in crew.workers.values()) < 5:
            await asyncio.sleep(0.01)
        waiting.set()
        answers = [await each for each in asking]
        first, *_ = said = [await each.json() for each in answers]
        assert said == [first, first, 1 - first, 1 - first, first]
        assert (answers[0].headers["Link"], answers[0].headers["ETag"]) == ("<a>", '"b"')
        crew.register._where["there"] = crew.workers[1]
        for _ in range(3):
            assert await (await client.delete("/wire/there")).json() == 1


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with standing(
        tmp_path_factory.mktemp("wired"), "moving", "--workers", "2", "--max-sessions", "4",
        "--whep", "on",
    ) as it:  # fmt: skip
        yield it


async def test_players_of_one_avatar_are_in_one_worker(server):
    hooks.install()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as client:
        async with asyncio.timeout(40):
            while (await client.get("/readyz")).status != 200:
                await asyncio.sleep(0.1)
        async with players(client, 3) as seen:
            said = await client.post("/v1/sessions/whep-mira/say", json={"text": "one two three"})
            assert said.status == 202
            await asyncio.gather(*(each.loud() for each in seen))
            assert (await client.delete(seen[0].location)).status == 200
            assert (await client.options("/whep/mira")).status == 204
            text = await (await client.get("/metrics")).text()
            assert "visavis_sessions 1.0" in text
