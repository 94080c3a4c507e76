"""Attacks between the parts: reports that cost much, floods of messages, endings, leftovers."""

import asyncio
import gc
import io
import json
import os
import struct
import subprocess
import sys
import threading
import time

import pytest
from aiortc import RTCSessionDescription
from aiortc.rtp import RTCP_RTPFB, RtcpByePacket, RtcpPacket
from support.pace import within
from support.rtc_pair import Pair, Track, connected, sender
from support.serving import SDP, Viewer, serving, watching

from visavis.server.rtc import conversation as conversations
from visavis.server.rtc import hooks as rtc
from visavis.server.rtc import peer as peers

SLOWLY = 5  # a second


@pytest.fixture(autouse=True)
def hooks(monkeypatch):
    rtc.install()
    monkeypatch.setattr(conversations, "_FAREWELL", 0.5)


# --- reports -------------------------------------------------------------------------------------


def nothing_came(packets: int) -> bytes:
    """Transport-wide feedback, 24 bytes: of so many packets none arrived."""
    body = struct.pack("!LLHHLHH", 1, 2, 0, packets, 0, packets, 0)
    return struct.pack("!BBH", 0x8F, RTCP_RTPFB, len(body) // 4) + body


def test_a_datagram_that_tells_of_300000_packets_is_read_at_once():
    datagram = nothing_came(4096) * 80
    began = time.thread_time()
    reports = RtcpPacket.parse(datagram)
    assert within(time.thread_time() - began, 0.02)
    assert [report.arrivals for report in reports] == [[]] * 80


async def test_of_8000_packets_that_are_asked_for_those_are_looked_for_that_are_kept(monkeypatch):
    fields = b"".join(struct.pack("!HH", 17 * n & 0xFFFF, 0xFFFF) for n in range(480))
    async with connected() as pair:
        await pair.until("video", 2)
        own, asked = sender(pair, "video"), []
        monkeypatch.setattr(own.delivery, "again", lambda number: asked.append(number) or "nothing")
        header = struct.pack("!BBHLL", 0x81, RTCP_RTPFB, 2 + 480, 1, own._ssrc)
        (nack,) = RtcpPacket.parse(header + fields)
        await own._handle_rtcp_packet(nack)
        assert asked[:2] == [0, 1]
        assert len(asked) <= 128


async def test_a_microphone_that_is_taken_away_and_given_again_is_heard():
    """Browsers say BYE when a page replaces its track by none, and go on in the same stream."""
    pair = Pair(sends=Track("audio"))
    try:
        await pair.reply(await pair.offer())
        await pair.until("audio", 1)
        theirs = next(s for s in pair.client.getSenders() if s.kind == "audio")
        track = next(r.track for r in pair.server.getReceivers() if r.track.kind == "audio")
        await track.recv()
        await theirs._send_rtcp([RtcpByePacket(sources=[theirs._ssrc])])
        for _ in range(100):  # beyond what was on its way
            await asyncio.wait_for(track.recv(), 5)
    finally:
        await pair.close()


# --- messages ------------------------------------------------------------------------------------


async def test_a_flood_of_words_is_told_once_to_wait_and_costs_few_turns(caplog, monkeypatch):
    """With a slow refill: what a slow machine takes long for is no flood."""
    caplog.set_level("INFO")
    monkeypatch.setattr(peers, "_MESSAGES", (SLOWLY, peers._MESSAGES[1]))
    async with serving() as client, watching(client) as viewer:
        began = time.monotonic()
        for n in range(400):
            viewer.channel.send(json.dumps({"type": "text", "text": f"question {n}"}))
        assert (await viewer.wait_for("error"))["code"] == "too-many-messages"
        await asyncio.sleep(1.0)
        viewer.channel.send('{"type": "ping", "t": 1}')
        await viewer.wait_for("pong", t=1)
        turns = (await (await client.get(viewer.location)).json())["turn"]
        many, at_once = peers._MESSAGES
        words = at_once + many * (time.monotonic() - began)
        assert turns <= 2 * words  # one ends what is being said, one begins
        assert len([m for m in viewer.messages if m["type"] == "error"]) < 40
        assert len(caplog.records) < 300


async def test_a_flood_of_commands_over_http_is_told_to_wait(monkeypatch):
    monkeypatch.setattr(conversations, "COMMANDS", (SLOWLY, conversations.COMMANDS[1]))
    async with serving() as client, watching(client) as viewer:
        answers = []
        for _ in range(200):
            response = await client.post(f"{viewer.location}/text", json={"text": "hello"})
            answers.append(response.status)
        assert answers[:100] == [202] * 100
        assert answers.count(429) > 50
        await asyncio.sleep(2 / SLOWLY)
        assert (await client.post(f"{viewer.location}/interrupt")).status == 202


# --- uploads -------------------------------------------------------------------------------------


async def test_an_upload_of_nothing_but_line_ends_holds_up_nobody():
    form = "multipart/form-data; boundary=x"
    async with serving() as client:
        began = time.thread_time()
        sent = client.post(
            "/v1/avatars", data=io.BytesIO(b"\n" * 5_000_000), headers={"Content-Type": form}
        )
        assert (await sent).status == 400
        assert within(time.thread_time() - began, 0.5)


def test_a_header_of_a_form_is_quoted_in_no_log():
    program = """
from aiohttp.multipart import parse_content_disposition
from visavis.server.commands import lifetime
lifetime.log_to_stderr("info")
parse_content_disposition('form-data; a="b"; a="my secret"')
parse_content_disposition('form-data; a*0="my secret')
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- who comes and goes at the same time ---------------------------------------------------------


@pytest.fixture
def greeted(monkeypatch):
    """The conversations that were begun."""
    made, plain = [], conversations.Conversation.__init__

    def begin(self, *given):
        plain(self, *given)
        made.append(self)

    monkeypatch.setattr(conversations.Conversation, "__init__", begin)
    return made


async def resume(client, viewer, token):
    headers = {**SDP, "Visavis-Resume": token}
    response = await client.post("/v1/sessions", data=await viewer.offer(), headers=headers)
    answer = await response.text()
    assert response.status == 201, answer
    await viewer.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))


async def until(client, location, *states, within=3.0):
    async with asyncio.timeout(within):
        while True:
            response = await client.get(location)
            state = (await response.json())["state"] if response.status == 200 else "over"
            if state in states:
                return
            await asyncio.sleep(0.02)


async def test_a_visitor_who_is_back_before_the_old_connection_is_closed_does_not_rest(greeted):
    async with serving() as client, watching(client) as viewer:
        (conversation,) = greeted
        old = conversation._peer
        begun, done, plain = asyncio.Event(), asyncio.Event(), old.close

        async def close():
            begun.set()
            await done.wait()  # as where a TURN server does not answer
            await plain()

        old.close = close
        old._end("lost")
        await begun.wait()
        again = Viewer()
        await resume(client, again, (await viewer.wait_for("ready"))["resume"])
        await again.wait_for("ready")
        await until(client, viewer.location, "live")
        done.set()
        await asyncio.sleep(0.2)
        assert conversation.state == "live"
        assert not conversation.session.resting
        await again.close()


async def test_a_page_that_goes_while_it_takes_over_leaves_no_session_behind(greeted):
    async with serving() as client, watching(client) as viewer:
        (conversation,) = greeted
        old = conversation._peer
        begun, done, plain = asyncio.Event(), asyncio.Event(), old.detach

        async def detach():
            begun.set()
            await done.wait()
            await plain()

        old.detach = detach
        again = Viewer()
        await resume(client, again, (await viewer.wait_for("ready"))["resume"])
        await begun.wait()
        assert (await client.post(f"{viewer.location}/leave", json={})).status == 202
        done.set()
        await until(client, viewer.location, "over")
        await again.close()


async def test_who_says_again_and_again_that_the_page_was_put_aside_does_not_hold_its_place():
    async with serving(resume_seconds=1) as client, watching(client) as viewer:
        for _ in range(8):
            await client.post(f"{viewer.location}/leave", json={"back": True})
            await asyncio.sleep(0.2)
        await until(client, viewer.location, "over", within=0.4)


async def test_one_visitor_has_so_many_connections_and_no_more(greeted):
    async with serving() as client, watching(client) as viewer:
        (conversation,) = greeted
        token = (await viewer.wait_for("ready"))["resume"]
        offer, headers = await viewer.offer(), {**SDP, "Visavis-Resume": token}
        answers = await asyncio.gather(
            *(client.post("/v1/sessions", data=offer, headers=headers) for _ in range(20))
        )
        assert {response.status for response in answers} == {201, 503}
        assert len(conversation._peers) <= conversations._MOST_PEERS
        await until(client, viewer.location, "live")


async def test_an_offer_to_a_session_that_ends_at_that_moment_is_answered(greeted):
    async with serving() as client, watching(client) as viewer:
        (conversation,) = greeted
        add = conversation.session.add_outlet
        conversation.session.add_outlet = lambda outlet: (task := add(outlet), task.cancel())[0]
        token = (await viewer.wait_for("ready"))["resume"]
        headers = {**SDP, "Visavis-Resume": token}
        async with asyncio.timeout(5):
            refused = await client.post("/v1/sessions", data=await viewer.offer(), headers=headers)
        assert refused.status == 404


# --- what is left --------------------------------------------------------------------------------


async def never(client):
    viewer = Viewer()
    response = await client.post("/v1/sessions", data=await viewer.offer(), headers=SDP)
    await viewer.close()
    await client.post(f"{response.headers['Location']}/leave")


async def refused(client):
    viewer = Viewer()
    offer = (await viewer.offer()).replace("opus", "sopu")
    assert (await client.post("/v1/sessions", data=offer, headers=SDP)).status == 422
    await viewer.close()


async def goodbye(client):
    async with watching(client):
        pass


async def left(client):
    async with watching(client) as viewer:
        await client.post(f"{viewer.location}/leave", json={})


async def deleted(client):
    async with watching(client) as viewer:
        viewer.channel.send('{"type": "text", "text": "tell me a long story"}')
        await client.delete(viewer.location)


async def taken_over(client):
    async with watching(client) as viewer:
        again = Viewer()
        await resume(client, again, (await viewer.wait_for("ready"))["resume"])
        await again.wait_for("ready")
        await client.delete(viewer.location)
        await again.close()


async def recorded(client):
    async with watching(client) as viewer:
        assert (await client.post(f"{viewer.location}/recording")).status == 201
        await client.post(f"{viewer.location}/leave", json={})


def held() -> tuple[int, int, int]:
    """Tasks, threads, and open files and sockets; but those that engines share."""
    gc.collect()
    pools = ("encode-", "asyncio_", "files", "stt", "dialogue", "tts", "direction", "drawing")
    threads = [each for each in threading.enumerate() if not each.name.startswith(pools)]
    return len(asyncio.all_tasks()), len(threads), len(os.listdir("/proc/self/fd"))


ENDINGS = [never, refused, goodbye, left, deleted, taken_over, recorded]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
@pytest.mark.parametrize("times", [1, pytest.param(50, marks=pytest.mark.slow)])
async def test_nothing_is_left_of_connections(ending, times):
    async with serving(max_sessions=4) as client:
        await ending(client)  # what is made once: threads of the pools, connections of the client
        await idle(client)
        before = held()
        for _ in range(times):
            await ending(client)
        await idle(client)
        after = held()
        assert all(now <= then for now, then in zip(after, before, strict=True)), (before, after)
        assert not [each for each in gc.get_objects() if type(each) is peers.Peer]


async def idle(client):
    """No session is left, and what closes has closed."""
    async with asyncio.timeout(10):
        while "\nvisavis_sessions 0.0" not in await (await client.get("/metrics")).text():
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)
