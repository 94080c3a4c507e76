"""Players at /whep/AVATAR: what requests get; they share a session and its encode."""

import asyncio
import datetime
import re
import time
from contextlib import asynccontextmanager

import pytest
from aiortc import RTCCertificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from support.pace import soon
from support.players import Player, Speaker, players
from support.rtc_pair import Track
from support.serving import SDP, Viewer, problem, serving, watching

from visavis.server.rtc import hooks, hosted, leg
from visavis.server.wires import stage, whip

FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


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
    relay = {"turn_servers": "turn:127.0.0.1:9", "turn_secret": "of-this-test"}
    async with serving(whep="on", **relay) as client:
        options = await client.options("/whep/mira")
        assert options.status == 204
        assert options.headers["Accept-Post"] == "application/sdp"
        assert '<turn:127.0.0.1:9>; rel="ice-server"; username="' in options.headers["Link"]
    async with serving(whep="on") as client, players(client, 1) as (seen,):
        tag = seen.location.rpartition("/")[2]
        assert seen.location.startswith("/whep/mira/")
        for match, status in ((None, 204), ("*", 204), (f'"{tag}"', 204), ('"other"', 412)):
            headers = FRAGMENT | ({"If-Match": match} if match else {})
            patched = await client.patch(seen.location, data="a=end-of-candidates", headers=headers)
            assert patched.status == status
        assert (await client.delete(seen.location)).status == 200
        assert (await client.delete(seen.location)).status == 404
        assert (await client.get("/whep/mira")).status == 405


async def test_ice_is_not_restarted_before_it_has_begun():
    async with serving(whep="on") as client:
        silent = Player()  # it never takes the answer, so nothing is connected
        try:
            posted = await client.post("/whep/mira", data=await silent.offer(), headers=SDP)
            again = "a=ice-ufrag:other\r\na=ice-pwd:0123456789012345678901\r\n"
            where = posted.headers["Location"]
            restart = await client.patch(where, data=again, headers=FRAGMENT)
            assert (await problem(restart))[1]["type"] == "urn:visavis:ice-restart"
        finally:
            await silent.close()


@asynccontextmanager
async def speaking(client, **headers):
    """A voice that hums, and goes."""
    speaker = Speaker(Track("audio"))
    try:
        await speaker.post(client, "/whip/mira", **headers)
        yield speaker
    finally:
        await speaker.close()


async def test_a_voice_sent_by_whip_is_heard_by_all_who_watch():
    async with (
        serving(whep="on", whip="on") as client,
        players(client, 2) as seen,
        speaking(client) as speaker,
    ):
        await asyncio.gather(*(each.loud() for each in seen))
        other = Speaker(Track("audio"))
        refused = await client.post("/whip/mira", data=await other.offer(), headers=SDP)
        assert (await problem(refused))[0] == 409
        await other.close()
        assert (await client.delete(speaker.location)).status == 200
        async with speaking(client):  # its place is free
            pass


async def test_a_voice_that_says_nothing_gives_way(monkeypatch):
    monkeypatch.setattr(whip, "_SILENT", 0.3)
    async with serving(whep="on", whip="on") as client, players(client, 1) as (seen,):
        gone = Speaker(Track("audio"))
        await gone.post(client, "/whip/mira")
        await seen.loud()
        for sender in gone.pc.getSenders():
            await sender.stop()
        await asyncio.sleep(0.5)
        async with speaking(client):
            await seen.loud()
        await gone.close()


async def test_of_two_who_come_for_a_silent_voice_one_speaks(monkeypatch):
    async with serving(whep="on", whip="on") as client:
        gone, *new = (Speaker(Track("audio")) for _ in range(3))
        await gone.post(client, "/whip/mira")
        monkeypatch.setattr(whip, "_SILENT", -1.0)
        offers = [await each.offer() for each in new]
        close = leg.Leg.close

        async def slowly(self):
            monkeypatch.setattr(whip, "_SILENT", 2.0)
            await asyncio.sleep(0.3)
            await close(self)

        monkeypatch.setattr(leg.Leg, "close", slowly)
        asking = []
        for offer in offers:
            monkeypatch.setattr(whip, "_SILENT", -1.0)
            asking.append(asyncio.create_task(client.post("/whip/mira", data=offer, headers=SDP)))
            await asyncio.sleep(0.1)
        answers = await asyncio.gather(*asking)
        monkeypatch.setattr(leg.Leg, "close", close)
        assert sorted(each.status for each in answers) == [201, 409]
        for each in (gone, *new):
            await each.close()


async def test_what_is_offered_must_be_what_the_address_is_for():
    async with serving(whep="on", whip="on") as client:
        player, speaker = Player(), Speaker(Track("audio"))
        for path, offer in (("/whep", await speaker.offer()), ("/whip", await player.offer())):
            refused = await client.post(f"{path}/mira", data=offer, headers=SDP)
            assert (await problem(refused))[1]["type"] == "urn:visavis:no-media"
        for path in ("/whep/nobody", "/whip/nobody"):
            offer = await (player if "whep" in path else speaker).offer()
            assert (await problem(await client.post(path, data=offer, headers=SDP)))[0] == 404
        for data in ("", "v=0", "v=0\r\nm=audio 9 X 0", "\x00"):
            for path in ("/whep/mira", "/whip/mira"):
                refused = await client.post(path, data=data, headers=SDP)
                assert (await problem(refused))[0] in {400, 422}
        assert (await client.post("/whep/mira", data="{}")).status == 415
        assert await metric(client, "visavis_sessions") == 0
        await player.close()
        await speaker.close()


async def test_places_and_players_are_bounded():
    async with serving(whep="on", whep_viewers=2, max_sessions=1) as client:
        async with players(client, 2) as seen:
            await asyncio.wait_for(seen[0].tracks["video"].recv(), 10)
            third = Player()
            refused = await client.post("/whep/mira", data=await third.offer(), headers=SDP)
            assert (await problem(refused))[0] == 503
            assert "Retry-After" in refused.headers
            visitor = Viewer()
            offer = await visitor.offer()
            refused = await client.post("/v1/sessions", data=offer, headers=SDP)
            assert (await problem(refused))[0] == 503
            await third.close()
            await visitor.close()
        async with asyncio.timeout(10):
            while not await metric(client, "visavis_sessions_resting"):
                await asyncio.sleep(0.02)
        assert await metric(client, "visavis_whep_viewers") == 0
        async with watching(client):  # it rests, and gives way
            pass


async def test_the_players_token_lets_them_watch_and_nothing_else():
    keys = {"token": "the operator's long token", "whep_token": "the players' own token"}
    async with serving(whep="on", whip="on", **keys) as client:
        bearer = {"Authorization": f"Bearer {keys['whep_token']}"}
        player = Player()
        offer = await player.offer()
        assert (await client.post("/whep/mira", data=offer, headers=SDP)).status == 401
        assert (await client.post("/whip/mira", headers=SDP | bearer)).status == 401
        assert (await client.get("/v1/sessions/whep-mira", headers=bearer)).status == 401
        page = {"Origin": "https://elsewhere.example"}
        watched = await client.post("/whep/mira", data=offer, headers=SDP | bearer | page)
        assert watched.status == 201
        assert watched.headers["Access-Control-Allow-Origin"] == "*"
        assert "Location" in watched.headers["Access-Control-Expose-Headers"]
        await player.close()


async def test_without_the_setting_there_is_no_such_address():
    async with serving() as client:
        assert (await client.post("/whep/mira", data="v=0", headers=SDP)).status == 404
        assert (await client.post("/whip/mira", data="v=0", headers=SDP)).status == 404


async def test_a_peer_with_an_rsa_certificate_is_understood():
    """GStreamer's webrtcbin has one, and is the server of the DTLS handshake."""
    hooks.install()
    async with serving(whep="on") as client:
        seen = Player()
        seen.pc._RTCPeerConnection__certificates = [rsa_certificate()]
        await seen.watch(client)
        assert await asyncio.wait_for(seen.tracks["video"].recv(), 10)
        await seen.close()


def rsa_certificate():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    return RTCCertificate(key=key, cert=built.sign(key, hashes.SHA256()))


async def test_a_voice_need_name_no_bundle_and_may_offer_a_picture_in_vain():
    async with serving(whep="on", whip="on") as client, players(client, 1) as (seen,):
        speaker = Speaker(Track("audio"))
        offer = (await speaker.offer()).replace("\r\n", "\n")
        alone = re.sub(r"a=group:BUNDLE.*\n", "", offer)
        picture = "m=video 9 UDP/TLS/RTP/SAVPF 96\nc=IN IP4 0.0.0.0\na=sendonly\na=mid:film\n"
        spare = f"{picture}a=rtpmap:96 AV1/90000\n"
        head, sound = alone.split("m=audio", 1)
        for offered in (f"{alone}{spare}", f"{head}{spare}m=audio{sound}"):
            answered = await client.post("/whip/mira", data=offered, headers=SDP)
            assert answered.status == 201, await answered.text()
            lines = (await answered.text()).splitlines()
            kinds = [line.split()[0] for line in lines if line.startswith("m=")]
            assert kinds == [line[:7] for line in offered.splitlines() if line.startswith("m=")]
            assert "m=video 0 UDP/TLS/RTP/SAVPF 96" in lines
            assert "a=mid:film" in lines
            assert (await client.delete(answered.headers["Location"])).status == 200
        await speaker.close()
        async with speaking(client):
            await seen.loud()


async def test_h264_without_its_parameters_is_what_everybody_sends():
    """GStreamer's players offer it so."""
    async with serving(whep="on") as client:
        player = Player(("video",))
        offer = await player.offer()
        numbers = re.findall(r"a=rtpmap:(\d+) H264", offer)
        bare = "\r\n".join(
            line for line in offer.splitlines()
            if "VP8" not in line and not line.startswith("a=fmtp") and "rtx" not in line
        )  # fmt: skip
        answered = await client.post("/whep/mira", data=f"{bare}\r\n", headers=SDP)
        text = await answered.text()
        assert answered.status == 201, text
        assert f"a=rtpmap:{numbers[0]} H264" in text
        assert "packetization-mode=1" in text
        await player.close()


async def test_who_offers_and_does_not_come_holds_nothing_for_long(monkeypatch):
    monkeypatch.setattr(leg, "CONNECT_WITHIN", 2)
    monkeypatch.setattr(hosted, "CONNECT_WITHIN", 2)
    monkeypatch.setattr(stage, "_LINGERS", 2)
    async with serving(whep="on") as client:
        player = Player()
        offer = await player.offer()
        for _ in range(8):
            assert (await client.post("/whep/mira", data=offer, headers=SDP)).status == 201
        refused = await client.post("/whep/mira", data=offer, headers=SDP)
        assert "not connected yet" in (await problem(refused))[1]["detail"]
        async with asyncio.timeout(20):
            while await metric(client, "visavis_sessions"):
                await asyncio.sleep(0.05)
        assert await metric(client, "visavis_whep_viewers") == 0
        await player.close()


@pytest.mark.slow
async def test_a_player_that_vanishes_is_gone_within_ten_seconds():
    async with serving(whep="on") as client, players(client, 2) as (stays, gone):
        await asyncio.wait_for(gone.tracks["video"].recv(), 10)
        began = time.monotonic()
        transport = gone.pc.getTransceivers()[0].receiver.transport.transport
        for protocol in transport._connection._protocols:
            protocol.transport.abort()
        while await metric(client, "visavis_whep_viewers") > 1:
            await asyncio.sleep(0.1)
        assert soon(time.monotonic() - began, 11)
        assert await asyncio.wait_for(stays.tracks["video"].recv(), 10)
