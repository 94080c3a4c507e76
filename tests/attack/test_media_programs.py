"""Other people's programs that media comes from and goes to, as Debian has them."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import aiohttp
import av
import numpy as np
import pytest
from support.performing import performing, playing, until
from support.players import Speaker, players
from support.rtc_pair import Track
from support.standing import standing

from visavis.server.publishing import again
from visavis.server.publishing.stream import StreamPublisher, Target
from visavis.server.rtc import hooks

pytestmark = pytest.mark.slow

# A tone that begins and ends, as Opus in RTP, whose payload type 100 is what its pages use.
# Debian 12's whip-client has libsoup 2, and the libnice that GStreamer loads has libsoup 3, which
# ends the program when it finds the other: it is not to find it.
APART = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
int g_module_symbol(void *module, const char *name, void **symbol) {
  int (*real)(void *, const char *, void **) = dlsym(RTLD_NEXT, "g_module_symbol");
  return strcmp(name, "soup_uri_new") ? real(module, name, symbol) : 0;
}
"""
SOUND = (
    "audiotestsrc is-live=true wave=ticks freq=300 ! audioconvert ! audioresample ! queue ! "
    "opusenc ! rtpopuspay pt=100 ! queue ! application/x-rtp,media=audio,encoding-name=OPUS,"
    "payload=100"
)
PICTURE = (
    "videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=10/1 ! queue ! "
    "vp8enc deadline=1 ! rtpvp8pay pt=96 ! queue ! application/x-rtp,media=video,"
    "encoding-name=VP8,payload=96"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    hooks.install()
    home = tmp_path_factory.mktemp("whip")
    options = ("--workers", "1", "--whep", "on", "--whip", "on", "--max-sessions", "4")
    with standing(home, "moving", *options) as it:
        yield it


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """A library that keeps the two apart, for LD_PRELOAD."""
    if shutil.which("cc") is None:
        pytest.skip("a C compiler is missing: apt-get install gcc")
    folder = tmp_path_factory.mktemp("apart")
    (folder / "apart.c").write_text(APART)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "apart.so", "apart.c"], cwd=folder, check=True)
    return folder / "apart.so"


RTMP = """
load_module {module};
daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 64; }}
rtmp {{ server {{ listen 127.0.0.1:{port}; application live {{ live on; }} }} }}
"""


@contextlib.contextmanager
def nginx(folder, port):
    """A server of RTMP."""
    module = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
    if not module.exists():
        pytest.skip("nginx's RTMP module is missing: apt-get install libnginx-mod-rtmp nginx-light")
    (folder / "conf").write_text(RTMP.format(module=module, folder=folder, port=port))
    server = subprocess.Popen(["/usr/sbin/nginx", "-c", folder / "conf", "-p", folder])
    try:
        yield server
    finally:
        server.kill()
        server.wait()


def read(url, count):
    """So many pictures of a stream, and when the first and last of sound and picture were shown."""
    until = time.monotonic() + 20
    while True:
        try:
            with av.open(url, timeout=5) as film:
                shown = {"video": [], "audio": []}
                for frame in film.decode():
                    kind = "video" if isinstance(frame, av.VideoFrame) else "audio"
                    shown[kind].append((frame.time, frame.to_ndarray()))
                    if len(shown["video"]) >= count:
                        return shown
        except (OSError, av.FFmpegError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


@asynccontextmanager
async def program(command, package, *arguments, **environment):
    """One that runs, and what it said once it has ended."""
    if shutil.which(command) is None:
        pytest.skip(f"{command} is missing: apt-get install {package}")
    process = await asyncio.create_subprocess_exec(
        command, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **environment},
    )  # fmt: skip
    said = asyncio.create_task(process.stdout.read())
    try:
        yield process, said
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize(
    "more", [(), ("--no-trickle",), ("-V", PICTURE)], ids=["trickles", "gathers", "with-picture"]
)
async def test_debians_whip_client_speaks_through_the_face(server, apart, more):
    base = f"http://127.0.0.1:{server.port}"
    arguments = ("whip-client", "simple-whip-client", "-u", f"{base}/whip/mira", "-A", SOUND, *more)
    async with (
        aiohttp.ClientSession(base) as client,
        players(client, 1) as (seen,),
        program(*arguments, "-o", LD_PRELOAD=str(apart)) as (process, said),
    ):
        await seen.loud(within=25)
        await seen.loud()
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), 10)
        text = (await said).decode()
        assert "PeerConnection connected" in text
        assert "[ERR]" not in text, text
        another = Speaker(Track("audio"))  # it has told the server that it goes
        await another.post(client, "/whip/mira")
        assert (await client.delete(another.location)).status == 200
        await another.close()


async def test_rtmp_reaches_nginx_and_again_when_it_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(again, "PAUSES", (0.2,))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, lines = f"rtmp://127.0.0.1:{port}/live/key", []
    publisher = StreamPublisher(Target(url, 600_000), lines.append)
    async with performing() as session, playing(session, publisher):
        await until(lines, "Connection refused")  # it is not there yet
        with nginx(tmp_path, port):
            await until(lines, "publishing")
            session.say("one two three four five six seven eight nine ten")
            shown = await asyncio.to_thread(read, url, 60)
        pictures, sounds = shown["video"], shown["audio"]
        assert pictures[0][1].shape == (192, 128)
        assert all(0 < b[0] - a[0] < 0.09 for a, b in pairwise(pictures))
        assert abs(pictures[-1][0] - sounds[-1][0]) < 0.2
        assert max(np.abs(sound).max() for _, sound in sounds) > 0.1
        lines.clear()
        await until(lines, "trying again")  # it vanished
        with nginx(tmp_path, port):
            await until(lines, "publishing")
            await asyncio.to_thread(read, url, 10)
    assert "key" not in str(lines)


async def test_gstreamers_webrtcbin_plays_with_the_first_candidate_alone(server):
    """H.264 alone, without its parameters: as `whepsrc` offers it."""
    needs = "import gi; gi.require_version('GstWebRTC', '1.0')"
    asked = await asyncio.create_subprocess_exec(
        "/usr/bin/python3", "-c", needs, stderr=asyncio.subprocess.DEVNULL
    )
    if await asked.wait():
        packages = "python3-gst-1.0 gir1.2-gst-plugins-bad-1.0 gstreamer1.0-nice gstreamer1.0-libav"
        pytest.skip(f"GStreamer's WebRTC is missing: apt-get install {packages}")
    script = Path(__file__).parents[1] / "data" / "gstreamer_player.py"
    url = f"http://127.0.0.1:{server.port}/whep/mira"
    async with program("/usr/bin/python3", "python3", str(script), url) as (process, said):
        await asyncio.wait_for(process.wait(), 40)
        assert "played H264 OPUS" in (await said).decode()
