"""A session sent to WHIP servers and RTMP, and written as WebM; and what goes wrong there."""

import asyncio
import contextlib
from contextlib import asynccontextmanager

import av
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from support.performing import performing, playing, until
from support.players import players
from support.serving import serving

from visavis.server.publishing import again, stream, whip
from visavis.server.publishing.stream import StreamPublisher, Target
from visavis.server.publishing.whip import WhipPublisher
from visavis.server.recording.recorder import Recorder
from visavis.server.rtc import connection as rtc
from visavis.server.rtc.reach import Reach, using
from visavis.server.system.errors import ConfigError


class WhipServer:
    """One that takes sound and picture, as others do. status: what it answers instead."""

    def __init__(self, status=201):
        self.status, self.calls, self.pcs, self.frames = status, [], [], asyncio.Queue()

    async def take(self, request):
        self.calls.append((request.method, request.headers.get("Authorization", "")))
        if self.status != 201:
            return web.Response(status=self.status)
        pc = RTCPeerConnection(rtc.configuration())
        self.pcs.append(pc)
        pc.on("track", lambda track: asyncio.ensure_future(self.read(track)))
        with using(Reach(("127.0.0.1",))):
            await pc.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
            await pc.setLocalDescription(await pc.createAnswer())
        headers = {"Location": "one?key=1", "Content-Type": "application/sdp"}
        return web.Response(status=201, text=pc.localDescription.sdp, headers=headers)

    async def read(self, track):
        with contextlib.suppress(MediaStreamError):
            await self.frames.put((track.kind, await track.recv()))

    async def leave(self, request):
        self.calls.append((request.method, str(request.rel_url)))
        return web.Response()

    @asynccontextmanager
    async def open(self):
        app = web.Application()
        app.add_routes([web.post("/whip/room", self.take), web.delete("/whip/one", self.leave)])
        async with TestServer(app, host="127.0.0.1") as server:
            yield str(server.make_url("/whip/room"))
        for pc in self.pcs:
            await rtc.close(pc)


async def test_a_whip_server_gets_sound_and_picture_and_is_told_the_end():
    server, lines = WhipServer(), []
    async with performing() as session, server.open() as url:
        async with playing(session, WhipPublisher(url, "a token", lines.append)):
            got = dict([await asyncio.wait_for(server.frames.get(), 10) for _ in range(2)])
            assert (got["video"].width, got["audio"].sample_rate) == (128, 48000)
            await until(lines, "publishing")
        assert server.calls == [("POST", "Bearer a token"), ("DELETE", "/whip/one?key=1")]


async def test_our_own_whip_takes_it_and_its_voice_is_heard():
    async with (
        performing() as session,
        serving(whep="on", whip="on", whip_token="speakers-own") as client,
        players(client, 1) as (seen,),
        playing(session, WhipPublisher(str(client.make_url("/whip/mira")), "speakers-own")),
    ):
        await asyncio.sleep(0.5)
        session.say("one two three four five six")
        await seen.loud()


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "--token-file"), (404, "no WHIP endpoint"), (415, "415"), (403, "--token-file")],
)
async def test_a_refusal_for_good_ends_it(status, words):
    server, lines = WhipServer(status), []
    async with performing() as session, server.open() as url:
        publisher = WhipPublisher(url, "", lines.append)
        await asyncio.wait_for(session.add_outlet(publisher), 10)
        assert words in publisher.fault
        assert len(server.calls) == 1


async def test_what_may_pass_is_tried_again(monkeypatch):
    monkeypatch.setattr(again, "PAUSES", (0.05,))
    server, lines = WhipServer(503), []
    async with performing() as session:
        async with server.open() as url, playing(session, WhipPublisher(url, "", lines.append)):
            await until(lines, "answers 503 Service Unavailable; trying again in 0.05 s")
            server.status = 201
            await until(lines, "publishing")
            lines.clear()
            await rtc.close(server.pcs[0])  # it vanishes
            await until(lines, "the connection was lost")
            await until(lines, "publishing")
        async with playing(session, WhipPublisher(url, "", lines.append)):  # it is not there
            await until(lines, "Connection refused")


async def test_an_answer_that_is_none_is_not_the_end(monkeypatch):
    monkeypatch.setattr(again, "PAUSES", (0.05,))

    async def nonsense(request):
        return web.Response(status=201, text="v=0\r\nnonsense", headers={"Location": "/x"})

    async def silence(request):
        await asyncio.sleep(60)

    monkeypatch.setattr(whip, "_REQUEST", whip.ClientTimeout(total=0.3))
    app, lines = web.Application(), []
    app.add_routes([web.post("/a", nonsense), web.post("/b", silence)])
    async with performing() as session, TestServer(app) as server:
        for path, words in (("/a", "its answer cannot be used"), ("/b", "not answer in time")):
            at = str(server.make_url(path))
            async with playing(session, WhipPublisher(at, "", lines.append)):
                await until(lines, words)


async def test_a_stream_nobody_takes_is_tried_again_and_its_key_is_not_shown(monkeypatch):
    monkeypatch.setattr(again, "PAUSES", (0.05,))
    lines = []
    target = Target("rtmp://joe:secret@127.0.0.1:1/live/secret", 500_000)
    async with performing() as session, playing(session, StreamPublisher(target, lines.append)):
        await until(lines, "Connection refused; trying again")
    assert "secret" not in str(lines)
    assert "rtmp://127.0.0.1:1/..." in lines[0]


@pytest.mark.parametrize(
    ("url", "words"), [("http://a/b", "rtmp://"), ("srt://127.0.0.1:1", "without SRT")]
)
def test_an_address_that_cannot_be_sent_to_is_refused(url, words):
    if "SRT" in words and stream._has_srt():
        pytest.skip("this PyAV has SRT")
    with pytest.raises(ConfigError, match=words):
        stream.check(Target(url, 1))


@pytest.mark.parametrize("suffix", [".webm", ".mp4"])
async def test_what_is_written_can_be_read_at_any_moment(tmp_path, suffix):
    path = tmp_path / f"film{suffix}"
    async with performing() as session, playing(session, recorder := Recorder(path)):
        while recorder.length < 1.8 * 48_000:
            await asyncio.sleep(0.05)
        cut = tmp_path / f"cut{suffix}"
        cut.write_bytes(path.read_bytes())  # as a crash leaves it
        with av.open(str(cut)) as film:
            kinds = [each.codec_context.name for each in film.streams]
            assert kinds == (["vp8", "opus"] if suffix == ".webm" else ["h264", "aac"])
            assert sum(1 for _ in film.decode(video=0)) >= 20


async def test_a_disk_that_is_full_is_named(tmp_path):
    path = tmp_path / "film.webm"
    path.symlink_to("/dev/full")
    async with performing() as session:
        recorder = Recorder(path)
        await asyncio.wait_for(session.add_outlet(recorder), 20)
        assert "No space left on device" in recorder.fault
