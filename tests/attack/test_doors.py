"""Doors under attack: what a stranger gets, what a flood costs, whose place is taken for ever."""

import asyncio
import base64
import json
from contextlib import asynccontextmanager

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from support.deaf import deaf, masked
from support.services import FakeServices
from support.serving import SDP, Viewer, serving

from visavis.server.commands.composition import SESSIONS
from visavis.server.wires.socket import Socket

KEY = "sesame-sesame-sesame"
LIVE = "/liveavatar/v1/sessions"
RELAY = {"turn_servers": "turn:127.0.0.1:9", "turn_secret": "of-this-test"}


async def live_token(server, **wanted):
    body = {"mode": "LITE", "avatar_id": "mira", **wanted}
    made = await server.post(f"{LIVE}/token", json=body, headers={"X-API-KEY": KEY})
    return (await made.json())["data"]["session_token"]


@asynccontextmanager
async def live_socket(server):
    mine = {"Authorization": f"Bearer {await live_token(server)}"}
    assert (await server.post(f"{LIVE}/start", headers=mine)).status == 201
    async with server.ws_connect(f"{LIVE}/events", headers=mine) as socket:
        yield socket


async def test_a_stranger_gets_no_account_of_the_relay():
    async with serving(liveavatar_key=KEY, **RELAY) as server:
        for given in ("", "?session_token=a.b.c"):
            asked = await server.options(f"{LIVE}/watch{given}")
            assert (asked.status, asked.headers.get("Link")) == (401, None)
        mine = await live_token(server)
        asked = await server.options(f"{LIVE}/watch?session_token={mine}")
        assert (asked.status, "credential=" in asked.headers["Link"]) == (204, True)


async def test_a_key_that_only_looks_like_one_opens_nothing():
    async with serving(realtime_key=KEY) as server:
        for key in ("ek_", "ek_a.b.c", "ek_" + KEY):
            bearer = {"Authorization": f"Bearer {key}"}
            for path in ("calls", "calls/rtc_x/hangup", "client_secrets"):
                refused = await server.post(f"/v1/realtime/{path}", headers=bearer | SDP)
                assert refused.status == 401, path
            assert (await server.delete("/v1/realtime/calls/rtc_x", headers=bearer)).status == 401


class SlowServices(FakeServices):
    """An avatar must be loaded first, as a real one."""

    async def lend(self, *args, **kwargs):
        await asyncio.sleep(0.2)
        return await super().lend(*args, **kwargs)


async def test_one_token_opens_one_session_however_many_ask_at_once():
    fakes = SlowServices()
    async with serving(fakes, liveavatar_key=KEY, max_sessions=3) as server:
        mine = {"Authorization": f"Bearer {await live_token(server)}"}
        answers = await asyncio.gather(
            *(server.post(f"{LIVE}/start", headers=mine) for _ in range(12))
        )
        assert {each.status for each in answers} == {201}
        assert fakes.lent == 1


async def test_a_burst_of_short_commands_is_no_reason_to_be_cut_off():
    async with serving(liveavatar_key=KEY) as server, live_socket(server) as socket:
        sound = base64.b64encode(np.full(240, 900, "<i2").tobytes()).decode()  # 10 ms
        for number in range(400):  # faster than it is spoken, as a voice that is made is
            command = {"type": "agent.speak", "event_id": str(number), "audio": sound}
            await socket.send_str(json.dumps(command))
        await socket.send_str(json.dumps({"type": "agent.speak_end", "event_id": "end"}))
        taken = 0
        async with asyncio.timeout(15):
            while True:
                message = await socket.receive()
                assert isinstance(message.data, str), message
                told = json.loads(message.data)
                taken += told["type"] == "agent.audio_buffer_appended"
                if told["type"] == "agent.audio_buffer_committed":
                    break
        assert taken == 400


# --- clients that do not read ---------------------------------------------------------------------


async def test_a_realtime_client_that_does_not_read_is_cut_off(monkeypatch):
    monkeypatch.setattr("visavis.server.wires.socket._CLOSE", 0.2)
    monkeypatch.setattr("visavis.server.wires.realtime.sockets._MOST", 200_000)
    fakes = FakeServices()
    bearer = f"Authorization: Bearer {KEY}\r\n"
    async with (
        serving(fakes, realtime_key=KEY) as server,
        deaf(server, monkeypatch, "/v1/realtime?model=x", bearer) as say,
    ):
        content = [{"type": "input_text", "text": "x" * 1900}]
        item = {"id": "a", "type": "message", "role": "user", "content": content}
        await say(masked(json.dumps({"type": "conversation.item.create", "item": item})))
        asked = {"type": "conversation.item.retrieve", "item_id": "a"}
        with pytest.raises(ConnectionError):
            for _ in range(1500):  # it is sent, until nobody takes it
                await say(masked(json.dumps(asked)))
                await asyncio.sleep(0.002)
        assert fakes.lent == 0


async def test_a_client_that_goes_before_all_was_heard_leaves_no_task_behind():
    async with serving(simli_key=KEY) as server:
        viewer = Viewer()
        sent = {"x-simli-api-key": KEY}
        made = await server.post("/compose/token", json={"faceId": "mira"}, headers=sent)
        at = f"/compose/webrtc/p2p?session_token={(await made.json())['session_token']}"
        async with server.ws_connect(at) as socket:
            await socket.send_str(json.dumps({"sdp": await viewer.offer(), "type": "offer"}))
            await socket.receive(5)
            await socket.send_bytes(bytes(range(256)) * 1250)  # 10 s, and nobody ever connects
            await socket.send_str("DONE")
            await asyncio.sleep(0.2)
            [held] = server.app[SESSIONS].all
            await held.close()
            while not (await socket.receive(5)).type.name.startswith("CLOS"):
                pass
        await viewer.close()
        await asyncio.sleep(0.1)
        left = [each.get_name() for each in asyncio.all_tasks()]
        assert not [name for name in left if name.startswith("simli")]


async def test_a_web_socket_that_ended_before_it_was_accepted_leaves_no_task_behind():
    async def handle(request):
        socket = Socket()
        await socket.end()
        await socket.prepare(request)
        await socket.end()
        return socket.response

    app = web.Application()
    app.add_routes([web.get("/", handle)])
    async with TestClient(TestServer(app)) as client, client.ws_connect("/") as socket:
        assert (await socket.receive(5)).type.name.startswith("CLOS")
        await asyncio.sleep(0.05)
        left = [each.get_name() for each in asyncio.all_tasks()]
        assert not [name for name in left if name.startswith("web socket")]


class BrokenServices(FakeServices):
    """What nobody thought of."""

    async def lend(self, *args, **kwargs):
        raise LookupError("none")


async def test_a_fault_while_a_session_is_opened_leaves_no_task_behind():
    async with serving(BrokenServices(), simli_key=KEY, max_sessions=1) as server:
        viewer = Viewer()
        offer = json.dumps({"sdp": await viewer.offer(), "type": "offer"})
        sent = {"x-simli-api-key": KEY}
        made = await server.post("/compose/token", json={"faceId": "mira"}, headers=sent)
        given = (await made.json())["session_token"]
        for _ in range(2):  # the place is free again
            at = f"/compose/webrtc/p2p?session_token={given}"
            async with server.ws_connect(at) as socket:
                await socket.send_str(offer)
                assert (await socket.receive(5)).type.name in {"CLOSE", "CLOSED"}
        await viewer.close()
        await asyncio.sleep(0.1)
        left = [each.get_name() for each in asyncio.all_tasks()]
        assert not [name for name in left if name.startswith("web socket")]
