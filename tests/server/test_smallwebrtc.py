"""Pipecat's clients at /api/offer: what requests get, and what is told on the channel."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from support.serving import problem, serving

from visavis.server.rtc import connection as rtc
from visavis.server.rtc.reach import Reach, using
from visavis.server.wires.rtvi import Rtvi
from visavis.server.wires.smallwebrtc import WAYS

KEY = "a-key-of-pipecats-clients"
SENT = {"Authorization": f"Bearer {KEY}"}


class Caller:
    """Offers and speaks as SmallWebRTCTransport does."""

    def __init__(self):
        self.pc, self.channel, self.pc_id, self.answer = None, None, None, ""
        self.told, self.news = [], asyncio.Event()

    async def offer(self):
        self.pc = RTCPeerConnection(RTCConfiguration([], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        for kind, direction in (
            ("audio", "sendrecv"),
            ("video", "sendrecv"),
            ("video", "sendonly"),
        ):
            self.pc.addTransceiver(kind, direction)
        self.channel = self.pc.createDataChannel("chat")
        self.channel.on("message", self._hear)
        with using(Reach(("127.0.0.1",))):
            await self.pc.setLocalDescription(await self.pc.createOffer())
        return {"sdp": self.pc.localDescription.sdp, "type": "offer", "pc_id": self.pc_id}

    async def connect(self, client, **more):
        body = {**await self.offer(), "restart_pc": self.pc_id is not None, **more}
        answered = await client.post("/api/offer", json=body, headers=SENT)
        answer = await answered.json()
        assert answered.status == 200, answer
        assert answer["type"] == "answer"
        self.pc_id, self.answer = answer["pc_id"], answer["sdp"]
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        async with asyncio.timeout(10):
            while self.channel.readyState != "open":
                await asyncio.sleep(0.01)
        self.say("client-ready", {"version": "2.1.0", "about": {"library": "test"}})
        await self.until("bot-ready")

    def say(self, kind, data=None, tag="c1"):
        self.channel.send(json.dumps({"id": tag, "label": "rtvi-ai", "type": kind, "data": data}))

    def signal(self, **message):
        self.channel.send(json.dumps({"type": "signalling", "message": message}))

    def _hear(self, text):
        self.told.append(json.loads(text))
        self.news.set()

    async def until(self, kind):
        async with asyncio.timeout(10):
            while not (found := [each for each in self.told if each["type"] == kind]):
                self.news.clear()
                await self.news.wait()
        return found[-1]


@asynccontextmanager
async def calling(client, **more):
    caller = Caller()
    try:
        await caller.connect(client, **more)
        yield caller
    finally:
        await rtc.close(caller.pc)


async def test_without_its_key_there_is_no_such_address():
    async with serving() as client:
        assert (await client.post("/api/offer", json={})).status == 404


async def test_a_client_is_answered_talks_and_is_talked_to():
    async with serving(pipecat_key=KEY) as client, calling(client) as caller:
        assert caller.told[0]["data"]["version"] == "2.1.0"
        caller.say("send-text", {"content": "hello"})
        assert (await caller.until("user-transcription"))["data"]["text"] == "hello"
        await caller.until("bot-started-speaking")
        await caller.until("bot-stopped-speaking")
        output = [each["data"] for each in caller.told if each["type"] == "bot-output"]
        assert output[0]["text"] == "You said: hello"
        assert output[-1]["spoken_status"] == "completed"
        picture = await caller.pc.getTransceivers()[1].receiver.track.recv()
        assert picture.width == picture.height
        assert caller.pc.getTransceivers()[2].currentDirection == "inactive"


async def test_a_new_connection_goes_on_with_the_same_session():
    async with serving(pipecat_key=KEY) as client, calling(client) as caller:
        first, old = caller.pc_id, caller.pc
        caller.told.clear()
        await caller.connect(client)
        assert caller.pc_id == first
        await rtc.close(old)
        caller.say("send-text", {"content": "again"})
        await caller.until("bot-started-speaking")
        assert (await (await client.get("/readyz")).json())["taken"] == 1


async def test_the_same_offer_with_more_candidates_is_the_same_connection():
    async with serving(pipecat_key=KEY) as client, calling(client) as caller:
        again = {"sdp": caller.pc.localDescription.sdp, "type": "offer", "pc_id": caller.pc_id}
        answered = await (await client.post("/api/offer", json=again, headers=SENT)).json()
        assert (answered["pc_id"], answered["sdp"]) == (caller.pc_id, caller.answer)
        caller.say("send-text", {"content": "still there"})
        await caller.until("bot-started-speaking")


async def test_a_session_is_asked_for_by_request_data():
    async with serving(pipecat_key=KEY) as client:
        async with calling(client, requestData={"avatar": "mira", "language": "en"}):
            pass
        caller = Caller()
        offer = await caller.offer()
        for data, code in (({"avatar": "nobody"}, 404), ({"avatar": 5}, 400), ("x", 400)):
            body = {**offer, "request_data": data}
            assert (await client.post("/api/offer", json=body, headers=SENT)).status == code
        await rtc.close(caller.pc)


async def test_candidates_are_taken_and_the_last_one_ends():
    async with serving(pipecat_key=KEY) as client, calling(client) as caller:
        line = "candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host"
        written = [{"candidate": each, "sdp_mid": "0", "sdp_mline_index": 0} for each in (line, "")]
        body = {"pc_id": caller.pc_id, "candidates": written}
        answered = await client.patch("/api/offer", json=body, headers=SENT)
        assert await answered.json() == {"status": "success"}
        for bad in ([{}], [5], ["x"], [{"candidate": "a\nb"}], {}, [written[0]] * 31):
            body = {"pc_id": caller.pc_id, "candidates": bad}
            assert (await client.patch("/api/offer", json=body, headers=SENT)).status == 400
        body = {"pc_id": f"{caller.pc_id}x", "candidates": written}
        assert (await client.patch("/api/offer", json=body, headers=SENT)).status == 404


async def test_who_says_goodbye_or_closes_is_gone():
    async with serving(pipecat_key=KEY) as client, calling(client) as caller:
        caller.say("disconnect-bot", {})
        assert (await caller.until("signalling"))["message"] == {"type": "peerLeft"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"sdp": "v=0", "type": "answer"}, 400),
        ({"sdp": 5, "type": "offer"}, 400),
        ({"sdp": "v=0\r\nm=video 9\r\nm=video 9", "type": "offer"}, 400),
        ({"sdp": "v=0\r\n", "type": "offer"}, 422),
    ],
)
async def test_a_bad_offer_is_refused_with_words(body, status):
    async with serving(pipecat_key=KEY) as client:
        answered = await client.post("/api/offer", json=body, headers=SENT)
        assert answered.status == status
        assert (await problem(answered))[1]["detail"]


async def test_a_wrong_key_is_refused():
    async with serving(pipecat_key=KEY) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            answered = await client.post("/api/offer", json={}, headers=headers)
            assert answered.status == 401


async def test_a_client_that_does_not_ping_in_time_is_drawn_no_face(monkeypatch):
    monkeypatch.setattr(Rtvi, "ping", 0.5)
    async with serving(pipecat_key=KEY) as client, calling(client) as caller:
        name = caller.pc_id.partition(".")[0]

        async def drawn():
            return (await (await client.get(f"/v1/sessions/{name}")).json())["pictures"]

        assert await drawn() != "unseen"
        async with asyncio.timeout(6):
            while await drawn() != "unseen":
                await asyncio.sleep(0.1)
        caller.channel.send("ping: 1")
        async with asyncio.timeout(3):
            while await drawn() == "unseen":
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"pc_id": "abc.secret", "sdp": "v=0"}, "abc"),
        ({"pc_id": None}, ""),
        ({}, ""),
        ([], ""),
    ],
)
async def test_a_parent_of_workers_finds_the_session_in_the_body(body, name):
    for way in WAYS:
        assert way.session(None, json.dumps(body).encode()) == name
        assert way.session(None, b"[" * 5000) == ""
