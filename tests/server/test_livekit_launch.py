"""Agents of LiveKit ask a server for an avatar: bitHuman's plugin as it is, and ours."""

import asyncio

import aiohttp
import pytest
from support.services import FakeServices
from support.serving import serving

pytest.importorskip("livekit.agents", reason="needs the extra livekit")

from support.livekit_room import Room, pair

from visavis.doors.livekit import AvatarSession
from visavis.server.livekit import joining
from visavis.server.system.errors import ConfigError

KEY, URL = "sesame-sesame-sesame", "ws://livekit.example"
ON = {"livekit_key": KEY, "livekit_urls": f"wss://other.example {URL}/", "max_sessions": 2}
BEARER = {"Authorization": f"Bearer {KEY}"}
FORM = {"livekit_url": URL, "livekit_token": "t", "room_name": "r", "avatar_id": "mira"}


@pytest.fixture
def rooms(monkeypatch):
    """The avatars' sides of rooms that were joined; their agents are there."""
    found = []

    async def joined(url, token):
        if token == "old":
            raise joining.NoRoom(f"no room of LiveKit at {url}")
        here, there = pair()
        here.meet(there)
        found.append((here, there))
        return there

    async def performed(session, room, size):
        await asyncio.Event().wait()

    monkeypatch.setattr(joining, "joined", joined)
    monkeypatch.setattr(joining, "perform", performed)
    monkeypatch.setattr("livekit.rtc.Room", Room)
    return found


def multipart(**fields):
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        form.add_field(name, value)
    return form


async def test_a_form_of_bithumans_plugin_brings_an_avatar(rooms):
    fakes = FakeServices()
    async with serving(fakes, **ON) as client:
        answer = await client.post("/livekit/launch", data=multipart(**FORM), headers=BEARER)
        assert answer.status == 200
        assert (await answer.json())["status"] == "success"
        assert fakes.lent == len(rooms) == 1
    assert rooms[0][1].connection_state == 0  # it left with the server
    assert fakes.lent == 0


async def test_its_json_does_too_and_the_rest_is_told(rooms):
    fakes = FakeServices()
    told = {"livekit_url": URL + "/", "livekit_token": "t", "room_name": "r", "agent_id": "mira"}
    async with serving(fakes, **ON) as client:
        sent = {"api-secret": KEY}
        assert (await client.post("/livekit/launch", json=told, headers=sent)).status == 200
        for wrong, status in (
            ({**told, "livekit_url": "ws://127.0.0.1:22"}, 403),
            ({**told, "livekit_token": ""}, 400),
            ({**told, "livekit_token": "old"}, 422),
            ({**told, "agent_id": "nobody"}, 404),
            ({**told, "image": "aGVsbG8="}, 422),
        ):
            answer = await client.post("/livekit/launch", json=wrong, headers=sent)
            assert answer.status == status, await answer.text()
        assert fakes.lent == 1
        assert (await client.post("/livekit/launch", json=told)).status == 401
        broken = {**BEARER, "Content-Type": "multipart/form-data; boundary=x"}
        answer = await client.post("/livekit/launch", data=b"no form", headers=broken)
        assert answer.status == 400


async def test_our_own_session_asks_in_that_way(rooms):
    class Outputs:
        audio = None

        def __init__(self):
            self.output = self

        def replace_audio_tail(self, output):
            self.audio = output

        def on(self, *_):
            pass

    async with serving(**ON) as client:
        keys = {"livekit_url": URL, "livekit_api_key": "k", "livekit_api_secret": "s" * 32}
        avatar = AvatarSession(avatar="mira", server=str(client.make_url("")), key=KEY)
        await avatar.start(Outputs(), Room("agent"), **keys)
        assert len(rooms) == 1
        wrong = AvatarSession(server=str(client.make_url("")), key="wrong")
        with pytest.raises(ConfigError, match="sends no avatar"):
            await wrong.start(Outputs(), Room("agent"), **keys)


async def test_without_addresses_it_does_not_start():
    with pytest.raises(ConfigError, match="livekit_urls"):
        async with serving(livekit_key=KEY):
            pass
