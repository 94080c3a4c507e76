"""aiortc with our hooks: what is answered to an offer, and what is left when it is over."""

import asyncio
import os
import re
import threading
import time

import pytest
from aioice import ice, stun
from aiortc import RTCPeerConnection
from aiortc.rtcicetransport import RTCIceGatherer
from support.pace import soon
from support.rtc_pair import LOCAL, TICKS, Pair, Track, connected, sender

from visavis.server.rtc import connection as rtc
from visavis.server.rtc import hooks
from visavis.server.rtc.reach import Reach, using
from visavis.server.system.errors import ConfigError, Malformed, Unprocessable


@pytest.fixture(autouse=True)
def installed():
    hooks.install()


# --- install and configuration -----------------------------------------------------------------


def test_install_twice_is_install_once():
    before = [getattr(hook.owner, hook.name) for hook in hooks.hooks()]
    hooks.install()
    assert [getattr(hook.owner, hook.name) for hook in hooks.hooks()] == before
    assert hooks.local_addresses is not ice.get_host_addresses  # the original is still known


@pytest.mark.parametrize("index", range(len(hooks.hooks())))
def test_install_says_which_name_has_moved(monkeypatch, index):
    hook = hooks.hooks()[index]
    monkeypatch.delattr(hook.owner, hook.name)
    with pytest.raises(RuntimeError, match=hook.name):
        hooks.install()


def test_each_hook_names_what_upstream_would_end_it():
    assert all(hook.until for hook in hooks.hooks())


def test_no_ice_server_unless_configured():
    assert rtc.configuration().iceServers == []
    assert RTCIceGatherer.getDefaultIceServers() == []
    assert RTCIceGatherer(None)._connection.stun_server is None


def test_a_turn_address_carries_its_account():
    (server,) = rtc.configuration(
        ["turn:kiosk:s%40cret@turn.example.org:3478?transport=tcp"]
    ).iceServers
    assert server.urls == "turn:turn.example.org:3478?transport=tcp"
    assert (server.username, server.credential) == ("kiosk", "s@cret")


@pytest.mark.parametrize("url", ["http://x", "turn:me:hunter2@host:1?transport=udp&x", "stun:"])
def test_a_wrong_ice_server_is_refused_without_its_secret(url):
    with pytest.raises(ConfigError) as caught:
        rtc.configuration([url])
    assert "hunter2" not in str(caught.value)


# --- offer and answer --------------------------------------------------------------------------


async def test_media_flows_and_nothing_is_sent_elsewhere(monkeypatch):
    destinations = set()
    plain = ice.StunProtocol.send_stun

    def send_stun(self, message, addr):
        destinations.add(addr[0])
        plain(self, message, addr)

    monkeypatch.setattr(ice.StunProtocol, "send_stun", send_stun)
    async with connected() as pair:
        await pair.until("video", 3)
        await pair.until("audio", 3)
        picture, sound = pair.frames["video"][0], pair.frames["audio"][0]
        assert (picture.width, picture.height) == (128, 128)
        assert (sound.layout.name, sound.sample_rate, sound.samples) == ("mono", TICKS, 960)
    assert destinations == {"127.0.0.1"}


async def test_only_the_addresses_asked_for_are_offered_and_soon():
    pair = Pair()
    offer = await pair.offer()
    start = time.perf_counter()
    await pair.reply(offer)
    assert soon(time.perf_counter() - start, 0.3)  # about 10 ms on an idle machine
    assert set(re.findall(r"candidate:\S+ 1 udp \d+ (\S+)", pair.answer)) == {"127.0.0.1"}
    await pair.close()


def test_without_a_network_there_is_still_loopback(monkeypatch):
    monkeypatch.setattr(hooks, "local_addresses", lambda use_ipv4, use_ipv6: [])
    assert ice.get_host_addresses(use_ipv4=True, use_ipv6=True) == ["127.0.0.1"]


async def test_addresses_of_one_connection_do_not_leak_into_another(monkeypatch):
    monkeypatch.setattr(hooks, "local_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.3"])

    async def gathered(hosts):
        with using(Reach(hosts)):
            await asyncio.sleep(0.01)
            return ice.get_host_addresses(use_ipv4=True, use_ipv6=True)

    assert await asyncio.gather(
        gathered(("127.0.0.1",)), gathered(()), gathered(("127.0.0.2",))
    ) == [
        ["127.0.0.1"],
        ["127.0.0.3"],
        ["127.0.0.2"],
    ]


@pytest.mark.parametrize(
    ("origin", "hosts", "expected"),
    [
        ("mozilla...THIS_IS_SDPARTA-128.0", ["127.0.0.1"], {"127.0.0.1", "127.0.0.3"}),
        ("mozilla...THIS_IS_SDPARTA-128.0", ["127.0.0.2"], {"127.0.0.2", "127.0.0.3"}),
        ("-", ["127.0.0.1"], {"127.0.0.1"}),
    ],
)
async def test_firefox_is_answered_with_an_address_that_it_can_pair(
    monkeypatch, origin, hosts, expected
):
    monkeypatch.setattr(rtc, "local_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.3"])
    monkeypatch.setattr(hooks, "local_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.3"])
    pair = Pair()
    offer = re.sub(r"o=\S+", f"o={origin}", await pair.offer())
    await pair.reply(offer, Reach(tuple(hosts)))
    assert set(re.findall(r"candidate:\S+ 1 udp \d+ (\S+)", pair.answer)) == expected
    await pair.close()


def video_codecs(answer: str) -> list[str]:
    section = answer[answer.index("m=video") :]
    names = dict(re.findall(r"a=rtpmap:(\d+) (\w+)/", section))
    return [names[number] for number in section.split("\r\n")[0].split()[3:]]


@pytest.mark.parametrize(("codec", "other"), [("H264", "VP8"), ("VP8", "H264")])
async def test_the_preferred_codec_is_answered_first_and_sent(codec, other):
    async with connected(codec=codec) as pair:
        offered = [c for c in video_codecs(pair.answer) if c != "rtx"]
        assert (offered[0], offered[-1]) == (codec, other)
        assert "profile-level-id=42e01f" in pair.answer
        assert re.findall(r"m=audio \d+ \S+ (.*)\r", pair.answer) == ["96"]  # Opus alone
        await pair.until("video", 2)
        own = sender(pair, "video")._get("encoder")
        assert type(own.codec).__name__.lower() == codec.lower()
        assert type(own).__module__ == "visavis.server.rtc.encoders"


async def test_vp8_is_answered_to_a_peer_without_h264():
    pair = Pair()
    offer = await pair.offer("VP8", "rtx")
    await pair.reply(offer)
    assert set(video_codecs(pair.answer)) == {"VP8", "rtx"}
    await pair.close()


@pytest.mark.parametrize(
    ("offer", "error"),
    [
        ("", Unprocessable), ("nonsense", Unprocessable),
        ("m=video\r\n", Malformed), ("v=0\r\nm=audio x y z\r\n", Malformed),
    ],
)  # fmt: skip
async def test_a_broken_offer_is_told_so(offer, error):
    pc = RTCPeerConnection(rtc.configuration())
    pc.addTrack(Track("audio"))
    with pytest.raises(error):
        await rtc.answer(pc, offer, LOCAL)
    await rtc.close(pc)


async def test_an_offer_that_leaves_out_the_picture_is_unprocessable():
    pair = Pair()
    offer = await pair.offer()
    offer = offer[: offer.index("m=video")].replace("BUNDLE 0 1 2", "BUNDLE 0")
    with pytest.raises(Unprocessable, match="picture"):
        await pair.reply(offer)
    await pair.close()


async def test_an_offer_without_a_common_codec_is_unprocessable():
    pair = Pair()
    offer = (await pair.offer()).replace("opus/48000/2", "speex/8000")
    with pytest.raises(Unprocessable):
        await pair.reply(offer)
    await pair.close()


async def test_mdns_names_delay_nothing_and_the_peer_is_found_all_the_same():
    pair = Pair()
    offer = re.sub(r"(candidate:\S+ 1 udp \d+) 127\.0\.0\.1", r"\1 0f-1e.local", await pair.offer())
    assert ".local" in offer
    start = time.perf_counter()
    await pair.reply(offer)
    assert soon(time.perf_counter() - start, 0.5)  # aioice asks for 1 s
    await pair.until("video", 1)
    await pair.close()


async def test_trickled_candidates(monkeypatch):
    pair = Pair()
    offer = await pair.offer()
    line = re.search(r"a=(candidate:.*)\r", offer)[1]
    await pair.reply(re.sub(r"a=(candidate|end-of).*\r\n", "", offer))
    for trickled in (line, line.replace("127.0.0.1", "ab.local")):
        await rtc.add_candidates(pair.server, f"a=mid:0\r\na={trickled}\r\n", LOCAL)
    with pytest.raises(Malformed):
        await rtc.add_candidates(pair.server, "a=candidate:x", LOCAL)
    await pair.until("video", 1)
    await pair.close()


# --- losing and closing -----------------------------------------------------------------------


async def until_a_dead_peer_is_noticed():
    """Seconds from the last packet of a peer to the state that tells it."""
    pair = Pair()
    await pair.reply(await pair.offer())
    await pair.until("video", 1)
    for transceiver in pair.client.getTransceivers():
        for protocol in transceiver.receiver.transport.transport._connection._protocols:
            protocol.transport.abort()  # no goodbye, as when a cable is pulled
    start = time.monotonic()
    async with asyncio.timeout(20):
        while pair.states[-1] not in ("failed", "closed"):
            await asyncio.sleep(0.01)
    passed = time.monotonic() - start
    await pair.close()
    return passed


@pytest.mark.slow
async def test_a_dead_peer_is_noticed_in_ten_seconds():
    assert 5 < await until_a_dead_peer_is_noticed() < 12


async def test_a_dead_peer_is_noticed_by_checks_that_get_no_answer(monkeypatch):
    """The same ten times as fast: the pauses are those of aioice's constants, and so is the end."""
    monkeypatch.setattr(ice, "CONSENT_INTERVAL", ice.CONSENT_INTERVAL / 10)
    monkeypatch.setattr(stun, "RETRY_RTO", stun.RETRY_RTO / 10)
    assert await until_a_dead_peer_is_noticed() > 0.5  # eight checks, not one


def test_consent_constants_are_those_that_aioice_reads():
    code = ice.Connection.query_consent.__code__
    assert {"CONSENT_INTERVAL", "CONSENT_FAILURES"} <= set(code.co_names)
    longest = ice.CONSENT_FAILURES * (ice.CONSENT_INTERVAL * 1.2 + stun.RETRY_RTO)
    assert 8 <= longest <= 10.5


def open_sockets() -> int:
    links = []
    for name in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:  # the directory that is being read
            continue
    return sum(link.startswith("socket:") for link in links)


def decoder_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if not t.name.startswith(("encode-", "MainThread"))]


async def assert_nothing_is_left(sockets: int, threads: list[threading.Thread]) -> None:
    async with asyncio.timeout(5):
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0.01)
    assert open_sockets() == sockets
    assert [t for t in decoder_threads() if t not in threads] == []


async def test_closing_leaves_nothing_behind_in_any_state():
    sockets, threads = open_sockets(), decoder_threads()
    for wait in ("new", "offered", "answered", "connected"):
        pair = Pair()
        if wait != "new":
            offer = await pair.offer()
        if wait in ("answered", "connected"):
            await pair.reply(offer)
        if wait == "connected":
            await pair.until("video", 2)
        await pair.close()
        await rtc.close(pair.server)  # again
        assert pair.server.connectionState == "closed"
        if wait in ("answered", "connected"):
            assert all(track.readyState == "ended" for track in pair.tracks)
    await assert_nothing_is_left(sockets, threads)


async def test_a_cancelled_close_goes_on():
    pair = Pair()
    await pair.reply(await pair.offer())
    await pair.until("video", 1)
    closing = asyncio.create_task(rtc.close(pair.server))
    while pair.server.signalingState != "closed":  # the first thing that aiortc does
        await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    await pair.close()
    assert pair.server.connectionState == "closed"


@pytest.mark.parametrize("count", [10, pytest.param(50, marks=pytest.mark.slow)])
async def test_many_connections_leave_nothing_behind(count):
    sockets, threads = open_sockets(), decoder_threads()
    for _ in range(count):
        async with connected() as pair:
            await pair.until("video", 1)
    await assert_nothing_is_left(sockets, threads)
