"""A session sent to WHIP servers and RTMP, and written as WebM; and what goes wrong there."""

import asyncio
import contextlib
import time
from contextlib import asynccontextmanager

import av
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from support.performing import performing, playing, until
from support.players import players
from support.serving import serving

from visavis.server import cli
from visavis.server.commands import publish
from visavis.server.playout.messages import FRAME
from visavis.server.publishing import again, posting, stream
from visavis.server.publishing.again import Refused
from visavis.server.publishing.elsewhere import Elsewhere
from visavis.server.publishing.stream import StreamPublisher, Target
from visavis.server.publishing.whip import WhipPublisher
from visavis.server.recording import recorder as recorder_module
from visavis.server.recording.files import read_sound
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
        playing(session, WhipPublisher(str(client.make_url("/whip/mira")), "speakers-own", print)),
    ):
        await asyncio.sleep(0.5)
        session.say("one two three four five six")
        await seen.loud()


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "--token-file"), (404, "no such endpoint"), (415, "415"), (403, "--token-file")],
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
        publisher = WhipPublisher(url, "", lines.append)
        async with playing(session, publisher):  # it is not there
            await until(lines, "Connection refused")
        assert "was not reached" in publisher.fault


async def test_an_answer_that_is_none_is_not_the_end(monkeypatch):
    monkeypatch.setattr(again, "PAUSES", (0.05,))

    async def nonsense(request):
        return web.Response(status=201, text="v=0\r\nnonsense", headers={"Location": "/x"})

    async def silence(request):
        await asyncio.sleep(60)

    monkeypatch.setattr(posting, "_REQUEST", posting.ClientTimeout(total=0.3))
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
    publisher = StreamPublisher(target, lines.append)
    async with performing() as session, playing(session, publisher):
        await until(lines, "Connection refused; trying again")
    assert publisher.fault == "rtmp://127.0.0.1:1/... was not reached: nothing was sent"
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


async def test_an_encoder_that_is_too_slow_costs_pictures_and_no_sound(tmp_path, monkeypatch):
    path, write = tmp_path / "film.webm", recorder_module._File.write

    def slowly(file, image, sound):
        if image is not None:
            time.sleep(0.08)
        write(file, image, sound)

    monkeypatch.setattr(recorder_module._File, "write", slowly)
    async with performing() as session:
        writing = session.add_outlet(recorder := Recorder(path))
        await asyncio.sleep(2.5)
        session.say("one two three four")
        await session.silence()
        recorder.stop()
        seconds = session.clock.now() / 48_000
        await asyncio.wait_for(writing, 10)
    assert recorder.length / 48_000 > seconds - 0.3
    sound = np.abs(read_sound(path))
    assert sound[-24_000:].max() > 6000
    with av.open(str(path)) as film:
        assert 20 < sum(1 for _ in film.decode(video=0)) < 0.8 * recorder.length // FRAME


async def test_a_disk_that_is_full_is_named(tmp_path):
    path = tmp_path / "film.webm"
    path.symlink_to("/dev/full")
    async with performing() as session:
        recorder = Recorder(path)
        await asyncio.wait_for(session.add_outlet(recorder), 20)
        assert "No space left on device" in recorder.fault


async def test_the_face_of_a_running_server_is_sent_on(tmp_path):
    lines = []
    async with serving(whep="on", whep_token="players-own") as client:
        away = Elsewhere(str(client.make_url("/whep/mira")), "players-own", lines.append)
        watching = asyncio.create_task(away.run())
        await asyncio.wait_for(away.shows.wait(), 10)
        path = tmp_path / "film.mp4"
        task = away.add_outlet(recorder := Recorder(path))
        keys = {"Authorization": "Bearer players-own"}
        assert (await client.get("/v1/sessions/whep-mira", headers=keys)).status == 200
        await client.post("/v1/sessions/whep-mira/say", json={"text": "one two three four"})
        while recorder.length < 2 * 48_000:
            await asyncio.sleep(0.05)
        recorder.stop()
        await task
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert "watching" in lines[0]
    with av.open(str(path)) as film:
        sound = [frame.to_ndarray() for frame in film.decode(audio=0)]
    assert max(abs(each).max() for each in sound) > 0.1
    with av.open(str(path)) as film:
        assert next(film.decode(video=0)).width == 128


async def test_a_server_that_is_not_to_be_watched_says_why():
    lines = []
    async with serving(whep="on", whep_token="players-own") as client:
        for token, words in (("", "--url-token-file"), ("wrong", "does not take this token")):
            with pytest.raises(Refused, match=words):
                await Elsewhere(str(client.make_url("/whep/mira")), token, lines.append).run()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((), "say where to"),
        (("--record", "film.txt"), ".mp4 or .webm"),
        (("--whip", "ftp://a"), "http://"),
        (("--token-file", "x", "--record", "a.mp4"), "a token is for --whip"),
        (("--rtmp", "@/nowhere/key"), "No such file"),
        (("--record", "a.mp4", "--url", "http://a", "text"), "have it speak there"),
        (("--record", "a.mp4", "--url-token-file", "x"), "is for --url"),
        (("--record", "a.mp4", "--audio", "x.wav", "text"), "either a text or"),
        (("--record", "a.mp4", "..."), "nothing-to-say"),
    ],
)
def test_what_does_not_fit_together_is_named(given, words, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path))
    assert cli.main(["publish", *given]) == 2
    assert words in capsys.readouterr().err


async def test_the_operator_ends_it_and_the_file_is_whole(tmp_path, monkeypatch, capsys):
    path, stopped = tmp_path / "film.mp4", asyncio.Event()
    monkeypatch.setattr(publish, "_listen_for_the_end", lambda: stopped)
    monkeypatch.setattr(publish.priority, "go_first", lambda: "")
    async with serving(whep="on") as client:
        away = Elsewhere(str(client.make_url("/whep/mira")), "", print)
        sending = asyncio.create_task(publish._sent_on(away, [recorder := Recorder(path)]))
        async with asyncio.timeout(10):
            while recorder.length < 48_000:
                await asyncio.sleep(0.05)
        stopped.set()
        assert await asyncio.wait_for(sending, 10) == 0
    assert f"made {path}" in capsys.readouterr().out
    with av.open(str(path)) as film:
        assert sum(1 for _ in film.decode(video=0)) >= 24
