"""Players at /whep/AVATAR: what their requests get, and that they share a session and its encode."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from support.serving import SDP, problem, serving

from visavis.server.rtc import connection as rtc
from visavis.server.rtc.peer import microphone
from visavis.server.rtc.reach import Reach, using

FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


class Player:
    """A player: receives only, and has no data channel."""

    def __init__(self, kinds=("audio", "video")):
        self.pc = RTCPeerConnection(rtc.configuration())
        for kind in kinds:
            self.pc.addTransceiver(kind, direction="recvonly")
        self.tracks, self.location = {}, ""
        self.pc.on("track", lambda track: self.tracks.__setitem__(track.kind, track))

    async def offer(self):
        with using(Reach(("127.0.0.1",))):
            await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def watch(self, client, avatar="mira", **headers):
        answered = await client.post(
            f"/whep/{avatar}", data=await self.offer(), headers={**SDP, **headers}
        )
        text = await answered.text()
        assert answered.status == 201, text
        self.location = answered.headers["Location"]
        await self.pc.setRemoteDescription(RTCSessionDescription(text, "answer"))
        return answered

    async def loud(self):
        """Until something is heard."""
        sound = microphone(self.tracks["audio"])
        async with asyncio.timeout(10):
            while np.abs((await anext(sound)).astype(int)).max() < 5000:
                pass

    async def close(self):
        await rtc.close(self.pc)


@asynccontextmanager
async def players(client, count, **more):
    all_of_them = [Player(**more) for _ in range(count)]
    try:
        for each in all_of_them:
            await each.watch(client)
        yield all_of_them
    finally:
        for each in all_of_them:
            await each.close()


async def metric(client, name):
    lines = (await (await client.get("/metrics")).text()).splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))


async def test_players_share_one_session_and_hear_what_it_is_told_to_say():
    async with serving(whep="on") as client, players(client, 3) as seen:
        pictures = [await asyncio.wait_for(each.tracks["video"].recv(), 10) for each in seen]
        assert {(each.width, each.height) for each in pictures} == {(128, 128)}
        assert await metric(client, "visavis_sessions") == 1
        assert await metric(client, "visavis_whep_viewers") == 3
        said = await client.post("/v1/sessions/whep-mira/say", json={"text": "one two three"})
        assert said.status == 202
        await asyncio.gather(*(each.loud() for each in seen))


@pytest.mark.parametrize("kinds", [("audio",), ("video",)])
async def test_a_player_may_want_sound_or_picture_alone(kinds):
    async with serving(whep="on") as client, players(client, 1, kinds=kinds) as (seen,):
        assert await asyncio.wait_for(seen.tracks[kinds[0]].recv(), 10)


async def test_what_a_request_gets():
    async with serving(whep="on", ice_servers="turn:joe:s@127.0.0.1:9") as client:
        options = await client.options("/whep/mira")
        assert options.status == 204
        assert options.headers["Accept-Post"] == "application/sdp"
        assert 'rel="ice-server"; username="joe"' in options.headers["Link"]
    async with serving(whep="on") as client, players(client, 1) as (seen,):
        tag = seen.location.rpartition("/")[2]
        assert seen.location.startswith("/whep/mira/")
        for match, status in ((None, 204), ("*", 204), (f'"{tag}"', 204), ('"other"', 412)):
            headers = FRAGMENT | ({"If-Match": match} if match else {})
            patched = await client.patch(seen.location, data="a=end-of-candidates", headers=headers)
            assert patched.status == status
        again = "a=ice-ufrag:other\r\na=ice-pwd:0123456789012345678901\r\n"
        restart = await client.patch(seen.location, data=again, headers=FRAGMENT)
        assert await problem(restart) == (501, await restart.json())
        assert (await client.delete(seen.location)).status == 200
        assert (await client.delete(seen.location)).status == 404
        assert (await client.get("/whep/mira")).status == 405
