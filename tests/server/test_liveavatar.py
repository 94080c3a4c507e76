"""The addresses for LiveAvatar's clients: tokens, commands, what is told, and where it is seen."""

import asyncio
import base64
import json
from contextlib import asynccontextmanager

import numpy as np
import pytest
from aiortc import RTCSessionDescription
from support.services import FakeServices
from support.serving import SDP, Viewer, serving

from visavis.server.commands import composition
from visavis.server.wires import liveavatar_call
from visavis.server.wires.tokens import name_of

KEY = "sesame-sesame-sesame"
ON = {"liveavatar_key": KEY, "max_sessions": 10}
AT = "/liveavatar/v1/sessions"


def tone(seconds):
    wave = 9000 * np.sin(2 * np.pi * 180 * np.arange(int(24_000 * seconds)) / 24_000)
    return base64.b64encode(wave.astype("<i2").tobytes()).decode()


async def token(server, **wanted):
    body = {"mode": "LITE", "avatar_id": "mira", **wanted}
    response = await server.post(f"{AT}/token", json=body, headers={"X-API-KEY": KEY})
    return response.status, await response.json()


async def started(server):
    """A session that has begun: what its client was given."""
    _, made = await token(server)
    mine = {"Authorization": f"Bearer {made['data']['session_token']}"}
    response = await server.post(f"{AT}/start", headers=mine, json={})
    assert response.status == 201
    told = await response.json()
    assert told["code"] == 1000  # the web SDK takes no other
    assert name_of(made["data"]["session_token"]) == told["data"]["session_id"]
    return {**told["data"], "mine": mine}


class Client:
    """A web socket that is told things."""

    def __init__(self, socket):
        self.socket, self.told = socket, []

    async def send(self, kind, **fields):
        await self.socket.send_str(json.dumps({"type": kind, **fields}))

    async def until(self, kind, **fields):
        """The next message of a type; those before it are kept."""
        async with asyncio.timeout(10):
            while True:
                message = await self.socket.receive()
                assert isinstance(message.data, str), message
                told = json.loads(message.data)
                self.told.append(told)
                if told["type"] == kind and fields.items() <= told.items():
                    return told

    def types(self, *without):
        return [each["type"] for each in self.told if each["type"] not in without]


@asynccontextmanager
async def talking(server):
    given = await started(server)
    async with server.session.ws_connect(given["ws_url"]) as socket:
        client = Client(socket)
        await client.until("session.state_updated", state="connected")
        yield client, given


async def test_what_is_said_is_told_when_it_is_heard():
    async with serving(**ON) as server, talking(server) as (client, _):
        await client.send("agent.speak", event_id="a", audio=tone(0.3))
        await client.send("agent.speak", event_id="b", audio=tone(0.2))
        await client.send("agent.speak_end", event_id="c")
        await client.send("agent.start_listening", event_id="d")
        began = await client.until("agent.speak_started")
        assert began["source_event_id"] == "a"
        assert began["task"] == {"id": "a"}
        ended = await client.until("agent.speak_ended")
        assert ended["source_event_id"] == "a"
        after = await client.until("agent.state_updated")
        assert (after["previous_state"], after["new_state"]) == ("talking", "listening")
        # It listens until its first word, since it was told to before that.
        assert client.types()[1:] == [
            "agent.audio_buffer_appended", "agent.audio_buffer_appended",
            "agent.audio_buffer_committed", "agent.state_updated", "agent.state_updated",
            "agent.speak_started", "agent.speak_ended", "agent.state_updated",
        ]  # fmt: skip


async def test_an_interruption_ends_all_that_was_said_once():
    async with serving(**ON) as server, talking(server) as (client, _):
        for name in "ab":
            await client.send("agent.speak", event_id=name, audio=tone(5.0))
            await client.send("agent.speak_end", event_id=name)
        await client.until("agent.speak_started")
        await client.send("agent.interrupt", event_id="stop")
        cut = await client.until("agent.speak_interrupted")
        assert cut["source_event_id"] == "a"
        cleared = await client.until("agent.audio_buffer_cleared")
        assert cleared["source_event_id"] == "stop"
        await client.send("agent.speak", event_id="c", audio=tone(0.2))
        await client.send("agent.speak_end", event_id="c")
        began = await client.until("agent.speak_started")
        assert began["source_event_id"] == "c"
        await client.until("agent.speak_ended", source_event_id="c")
        assert client.types().count("agent.speak_interrupted") == 1


async def test_a_command_that_cannot_be_done_ends_nothing():
    async with serving(**ON) as server, talking(server) as (client, _):
        await client.send("agent.speak", event_id="x", audio="!")
        assert (await client.until("error"))["error"]["event_id"] == "x"
        await client.socket.send_bytes(b"\xff\xfe")
        await client.until("error")
        await client.socket.send_str("{")
        await client.until("error")
        await client.send("agent.speak", event_id="y", audio=tone(0.1))
        await client.until("agent.speak_started", source_event_id="y")


async def test_the_face_is_seen_and_heard_by_a_player():
    async with serving(**ON) as server, talking(server) as (client, given):
        viewer = Viewer()
        offer = await viewer.offer()
        response = await server.session.post(given["whep_url"], data=offer, headers=SDP)
        assert response.status == 201, await response.text()
        answer = await response.text()
        await viewer.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        picture = await viewer.tracks["video"].recv()
        assert (picture.width, picture.height) == (128, 128)
        await client.send("agent.speak", event_id="a", audio=tone(2.0))
        async with asyncio.timeout(10):
            loudest = 0
            while loudest < 3000:
                frame = await viewer.tracks["audio"].recv()
                loudest = int(np.abs(frame.to_ndarray().astype(int)).max())
        assert (await server.delete(response.headers["Location"])).status == 200
        await viewer.close()


async def test_it_ends_when_it_is_told_and_leaves_nothing_behind():
    fakes = FakeServices()
    async with serving(fakes, **ON) as server:
        async with talking(server) as (client, given):
            kept = await server.post(f"{AT}/keep-alive", headers=given["mine"])
            assert (kept.status, (await kept.json())["code"]) == (200, 1000)
            assert (await server.post(f"{AT}/stop", headers=given["mine"])).status == 200
            await client.until("session.state_updated", state="closed")
            again = await server.post(f"{AT}/keep-alive", headers=given["mine"])
            assert again.status == 404
        assert fakes.lent == 0
        async with talking(server):  # the next one begins as the first did
            assert fakes.lent == 1
        async with asyncio.timeout(5):
            while fakes.lent:
                await asyncio.sleep(0.02)


async def test_an_idle_session_ends(monkeypatch):
    monkeypatch.setattr(liveavatar_call, "_LOOK", 0.05)
    async with serving(**ON, idle_minutes=0) as server:
        monkeypatch.setattr("visavis.server.wires.liveavatar.IDLE", 0.6)
        async with talking(server) as (client, _):
            await client.send("agent.speak", event_id="a", audio=tone(1.0))  # while it is heard
            await client.send("agent.speak_end", event_id="a")
            await client.until("session.state_updated", state="closed")
            assert "agent.speak_ended" in client.types()


async def test_what_is_wrong_is_told_as_these_clients_read_it(monkeypatch):
    monkeypatch.setattr(composition, "rooms", lambda config: None)  # livekit-agents is not there
    async with serving(**ON) as server:
        for wanted, status in (
            ({"avatar_id": "nobody"}, 404),
            ({"mode": "FULL"}, 400),
            ({"livekit_config": {"livekit_url": "wss://x", "livekit_client_token": "t"}}, 400),
        ):
            got, body = await token(server, **wanted)
            assert (got, body["code"], bool(body["message"])) == (status, status, True)
        wrong = await server.post(f"{AT}/token", json={}, headers={"X-API-KEY": "wrong"})
        assert (wrong.status, (await wrong.json())["code"]) == (401, 401)
        for address in ("start", "stop", "keep-alive"):
            bad = await server.post(f"{AT}/{address}", headers={"Authorization": "Bearer a.b.c"})
            assert (bad.status, (await bad.json())["code"]) == (401, 401)
        assert (await server.get(f"{AT}/events?session_token=a.b.c")).status == 401
        mine = await started(server)
        async with server.session.ws_connect(mine["ws_url"]):
            assert (await server.get(f"{AT}/events", headers=mine["mine"])).status == 409


async def test_a_page_of_another_origin_may_call_with_credentials():
    async with serving(**ON) as server:
        asked = await server.options(
            f"{AT}/start",
            headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "POST",
                     "Access-Control-Request-Headers": "authorization,content-type"},
        )  # fmt: skip
        assert asked.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        assert asked.headers["Access-Control-Allow-Credentials"] == "true"


@pytest.mark.parametrize("given", ["", "a.b", "a.b.c", "a.bb.c", "\u00e4.b.c", "a.e30.c"])
def test_a_token_that_is_none_names_nothing(given):
    assert name_of(given) == ""
