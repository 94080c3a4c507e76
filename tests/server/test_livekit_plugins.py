"""Plugins for livekit-agents, of LiveAvatar and of Simli, unmodified: our face in the room."""

import asyncio
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from support.serving import serving

pytest.importorskip("livekit.agents", reason="needs the extra livekit")
pytest.importorskip("livekit.plugins.liveavatar", reason="needs livekit-plugins-liveavatar")
pytest.importorskip("livekit.plugins.simli", reason="needs livekit-plugins-simli")

from livekit import rtc
from livekit.agents.utils import http_context
from livekit.agents.voice.avatar import AvatarSession as AnyAvatarSession
from livekit.plugins import liveavatar, simli
from support.livekit_room import AGENT, AVATAR, pair
from support.services import FakeServices

from visavis.server.livekit import guest
from visavis.server.livekit.joining import NoRoom

KEY = "sesame-sesame-sesame"
URLS = "wss://rooms.example wss://nowhere"
RATE = 24_000


class Sources:
    """In place of what is native in `rtc`: what a room would show and play."""

    made: list["Sources"] = []  # noqa: RUF012 (of one test)

    def __init__(self, **_):
        self.pictures, self.sound = 0, [np.zeros(0, np.int16)]
        self.made.append(self)

    async def push(self, frame):
        if isinstance(frame, rtc.VideoFrame):
            self.pictures += 1
        else:
            self.sound.append(np.frombuffer(frame.data, np.int16))

    async def aclose(self):
        pass

    @property
    def seconds(self):
        return len(np.concatenate(self.sound)) / 48_000


class Agent(rtc.EventEmitter):
    """As much of an AgentSession as the plugin uses."""

    def __init__(self):
        super().__init__()
        self.output = SimpleNamespace(replace_audio_tail=self._take)
        self.voice, self.heard = None, []

    def _take(self, voice):
        self.voice = voice
        voice.on("playback_started", lambda *_: self.heard.append("started"))
        voice.on("playback_finished", lambda event: self.heard.append(event))

    async def say(self, seconds):
        wave = (9000 * np.sin(np.arange(int(RATE * seconds)) * 0.05)).astype(np.int16)
        for at in range(0, len(wave), RATE // 50):
            part = wave[at : at + RATE // 50]
            frame = rtc.AudioFrame(part.tobytes(), RATE, 1, len(part))
            await self.voice.capture_frame(frame)
        self.voice.flush()

    async def until(self, met, within=15.0):
        async with asyncio.timeout(within):
            while not met():
                await asyncio.sleep(0.02)


@pytest.fixture
def room(monkeypatch):
    """The agent's side of a room that our side joins by its token."""
    here, there = pair()
    joins = []

    async def joined(url, token):
        joins.append((url, token))
        if url == "wss://nowhere":
            raise NoRoom("no room")
        here.meet(there)
        return there

    monkeypatch.setattr(guest, "joined", joined)
    monkeypatch.setattr(Sources, "made", [])
    for name in ("AVSynchronizer", "AudioSource", "VideoSource"):
        monkeypatch.setattr(rtc, name, Sources)
    for name, kind in (("Audio", rtc.TrackKind.KIND_AUDIO), ("Video", rtc.TrackKind.KIND_VIDEO)):
        track = SimpleNamespace(kind=kind)
        create = {f"create_{name.lower()}_track": lambda _name, _source, track=track: track}
        monkeypatch.setattr(rtc, f"Local{name}Track", SimpleNamespace(**create))
    # It waits for the avatar in ways that a double of a room need not have.
    monkeypatch.setattr(AnyAvatarSession, "start", lambda self, session, room: asyncio.sleep(0))
    here.joins, here.avatar = joins, there
    return here


async def begin(server, room, url="wss://rooms.example"):
    avatar = liveavatar.AvatarSession(
        avatar_id="mira", api_key=KEY, api_url=str(server.make_url("/liveavatar/v1/sessions"))
    )
    agent = Agent()
    await avatar.start(
        agent, room, livekit_url=url, livekit_api_key="key", livekit_api_secret="s" * 32
    )
    return avatar, agent


async def test_the_plugin_says_two_things_and_is_cut_off_in_a_third(room):
    async with serving(liveavatar_key=KEY, livekit_urls=URLS) as server, http_context.open():
        _, agent = await begin(server, room)
        for number in (1, 2):
            await agent.say(1.0)
            await agent.until(lambda n=number: len(agent.heard) == 2 * n)
        started, finished = agent.heard[:2]
        assert started == "started"
        assert not finished.interrupted
        assert abs(finished.playback_position - 1.0) < 0.02
        [(url, token)] = room.joins
        assert (url, token.count(".")) == ("wss://rooms.example", 2)
        show = next(each for each in Sources.made if each.pictures)
        assert abs(show.seconds - 2.0) < 0.1
        await agent.say(20.0)
        await agent.until(lambda: len(agent.heard) == 5)
        await asyncio.sleep(0.3)
        agent.voice.clear_buffer()
        await agent.until(lambda: len(agent.heard) == 6)
        assert agent.heard[5].interrupted
        await asyncio.sleep(0.5)
        cut = show.seconds
        await asyncio.sleep(0.3)
        assert show.seconds == cut < 5.0
        agent.emit("close", None)
        await agent.until(lambda: not room.avatar.isconnected())


async def test_a_room_that_cannot_be_entered_is_told(room):
    async with serving(liveavatar_key=KEY, livekit_urls=URLS) as server:
        config = {"livekit_url": "wss://nowhere", "livekit_client_token": "t", "livekit_room": "r"}
        made = await server.post(
            "/liveavatar/v1/sessions/token",
            json={"mode": "LITE", "avatar_id": "mira", "livekit_config": config},
            headers={"X-API-KEY": KEY},
        )
        elsewhere = {**config, "livekit_url": "ws://127.0.0.1:9"}
        refused = await server.post(
            "/liveavatar/v1/sessions/token",
            json={"mode": "LITE", "avatar_id": "mira", "livekit_config": elsewhere},
            headers={"X-API-KEY": KEY},
        )
        assert refused.status == 403
        token = (await made.json())["data"]["session_token"]
        mine = {"Authorization": f"Bearer {token}"}
        begun = await server.post("/liveavatar/v1/sessions/start", headers=mine)
        address = (await begun.json())["data"]["ws_url"]
        async with server.session.ws_connect(address) as socket:
            told = [message.json()["type"] async for message in socket]
        assert told == ["session.state_updated", "error", *["session.state_updated"] * 2]
        assert AGENT not in str(told)


async def test_the_plugin_for_simli_says_two_things_and_is_cut_off(room, monkeypatch):
    job = SimpleNamespace(local_participant_identity=AGENT)
    monkeypatch.setattr("livekit.plugins.simli.avatar.get_job_context", lambda: job)
    monkeypatch.setattr(guest, "perform", partial(guest.perform, away=0.5))
    fakes = FakeServices()
    async with serving(fakes, simli_key=KEY, livekit_urls=URLS) as server, http_context.open():
        avatar = simli.AvatarSession(
            simli_config=simli.SimliConfig(KEY, "mira"),
            api_url=str(server.make_url("")).rstrip("/"),
            avatar_participant_identity=AVATAR,
        )
        agent = Agent()
        await avatar.start(
            agent, room, livekit_url="wss://rooms.example", livekit_api_key="key",
            livekit_api_secret="s" * 32,
        )  # fmt: skip
        for number in (1, 2):
            await agent.say(1.0)
            await agent.until(lambda n=number: len(finished(agent)) == n)
            assert not finished(agent)[-1].interrupted
            assert abs(finished(agent)[-1].playback_position - 1.0) < 0.02
        await agent.say(20.0)
        show = next(each for each in Sources.made if each.pictures)
        await agent.until(lambda: show.seconds > 2.5)
        agent.voice.clear_buffer()
        await agent.until(lambda: len(finished(agent)) == 3)
        assert finished(agent)[2].interrupted
        room.leave()  # the agent goes, and the avatar with it
        await agent.until(lambda: not fakes.lent, within=40)


def finished(agent):
    return [each for each in agent.heard if each != "started"]


async def test_a_room_that_simlis_plugin_names_in_vain_is_told(room):
    async with serving(simli_key=KEY, livekit_urls=URLS) as server:
        made = await server.post(
            "/compose/token", json={"faceId": "mira"}, headers={"x-simli-api-key": KEY}
        )
        body = {"session_token": (await made.json())["session_token"],
                "livekit_url": "wss://nowhere", "livekit_token": "t"}  # fmt: skip
        refused = await server.post("/integrations/livekit/agents", json=body)
        assert refused.status == 503
        assert (await server.post("/integrations/livekit/agents", json={})).status == 400
        elsewhere = {**body, "livekit_url": "ws://127.0.0.1:9"}
        assert (await server.post("/integrations/livekit/agents", json=elsewhere)).status == 403
        wrong = {**body, "session_token": "a.b.c"}
        assert (await server.post("/integrations/livekit/agents", json=wrong)).status == 401
