"""Offers and candidates of somebody who means harm: what they cost, and where they make us send."""

import asyncio
import gc
import itertools
import random
import re
import time

import pytest
from aioice import Candidate, ice, stun
from aiortc import RTCPeerConnection
from support.pace import within
from support.rtc_pair import LOCAL, Pair, Track
from support.serving import SDP, Viewer, problem, serving, watching
from support.witness import moving, witnessing

from visavis.server.rtc import agent as agents
from visavis.server.rtc import candidates, hooks, offers
from visavis.server.rtc import connection as rtc
from visavis.server.rtc.agent import Agent
from visavis.server.rtc.reach import Reach, using
from visavis.server.system.addresses import networks
from visavis.server.system.errors import Malformed, Problem, Unprocessable

FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
OUTSIDE = Reach(("192.0.2.1",))


@pytest.fixture(autouse=True)
def installed():
    hooks.install()


def line(n: int, host: str = "127.0.0.1", **given: object) -> str:
    """The n-th candidate, as SDP has it."""
    parts = {"component": 1, "transport": "udp", "priority": 1000 + n, "port": 2000 + n} | given
    kind = parts.get("kind", "host")
    return (
        f"candidate:{n} {parts['component']} {parts['transport']} {parts['priority']} {host} "
        f"{parts['port']} typ {kind}"
    )


def fragment(count: int, first: int = 0) -> str:
    lines = "".join(f"a={line(n)}\r\n" for n in range(first, first + count))
    return f"a=mid:0\r\n{lines}"


async def lag(work) -> tuple[float, object]:
    """(the longest that the loop was held meanwhile in s, the result)."""
    longest, task = 0.0, asyncio.ensure_future(work)
    while not task.done():
        start = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - start)
    return longest, task.result()


async def offered() -> str:
    """An offer like a browser's, with a candidate."""
    viewer = Viewer()
    try:
        return await viewer.offer()
    finally:
        await viewer.close()


def with_candidates(offer: str, lines: list[str]) -> str:
    """The offer with these instead, in its first section."""
    bare = re.sub(r"a=(candidate|end-of-candidates).*\r\n", "", offer)
    head, rest = bare.split("m=video", 1)
    return head + "".join(f"a={one}\r\n" for one in lines) + "m=video" + rest


# --- over HTTP -----------------------------------------------------------------------------------


async def test_six_patches_of_a_thousand_candidates_hold_nobody_up():
    async with serving(moving(), max_sessions=3) as client, witnessing(client) as witness:
        response = await client.post("/v1/sessions", data=await offered(), headers=SDP)
        session = response.headers["Location"]

        async def patches() -> list[int]:
            given = []
            for k in range(6):
                body = fragment(1000, 1000 * k)
                given.append((await client.patch(session, data=body, headers=FRAGMENT)).status)
            return given

        longest, statuses = await lag(patches())
        assert statuses == [422] * 6
        assert longest < 0.3  # 9 s before; 5 ms on an idle machine
        assert (await client.get(session)).status == 200  # the session goes on
        await asyncio.sleep(0.5)
        assert await witness.lost() == {"audio": 0, "video": 0}
        assert witness.rate(witness.pictures) > 23


async def test_a_session_takes_thirty_candidates_in_all_and_says_so():
    async with serving() as client:
        body = with_candidates(await offered(), [line(n) for n in range(10)])
        session = (await client.post("/v1/sessions", data=body, headers=SDP)).headers["Location"]
        for first, count, status in ((10, 15, 204), (10, 15, 204), (25, 6, 422), (25, 5, 204)):
            sent = await client.patch(session, data=fragment(count, first), headers=FRAGMENT)
            assert sent.status == status, (first, count)
        refused = await client.patch(session, data=fragment(1, 30), headers=FRAGMENT)
        _, said = await problem(refused)
        assert said["type"] == "urn:visavis:too-many-candidates"
        assert "30" in said["detail"]
        assert (await client.get(session)).status == 200


@pytest.mark.parametrize("sections", [4, 8, 690])
async def test_more_sections_than_a_page_needs_are_refused_at_once(sections):
    async with serving() as client:
        offer = await offered()
        start, end = offer.index("m=video"), offer.index("m=application")
        body = offer[:start] + "m=video 9 X 1\r\na=mid:x\r\n" * (sections - 2) + offer[start:end]
        longest, response = await lag(client.post("/v1/sessions", data=body, headers=SDP))
        status, said = await problem(response)
        kind = "too-many-sections" if sections < 100 else "offer-too-long"
        assert (status, said["type"]) == (422, f"urn:visavis:{kind}")
        assert longest < 0.3  # 0.5 s before, 1 ms on an idle machine


# --- where checks go -----------------------------------------------------------------------------


@pytest.fixture
def checks(monkeypatch):
    """Every STUN request that goes out to an address: when, where."""
    seen: list[tuple[float, tuple[str, int]]] = []
    plain = ice.StunProtocol.__mro__[1].send_stun

    def send_stun(self, message, addr):
        if message.message_class == stun.Class.REQUEST:
            seen.append((time.monotonic(), addr))
        plain(self, message, addr)

    monkeypatch.setattr(ice.StunProtocol.__mro__[1], "send_stun", send_stun)
    return seen


async def test_nine_hundred_candidates_are_thirty_slow_checks(checks):
    """4,332 packets to 900 ports before. At this pace 220 in the 20 s that a session may take."""
    async with serving() as client:
        body = with_candidates(await offered(), [line(n) for n in range(900)])
        longest, response = await lag(client.post("/v1/sessions", data=body, headers=SDP))
        assert response.status == 201
        assert longest < 0.3
        await asyncio.sleep(1.5)
        await client.delete(response.headers["Location"])
    assert len({addr for _, addr in checks}) <= candidates.MOST
    rate, burst = agents._CHECKS
    assert len(checks) <= burst + rate * 2
    ports = {addr[1] for _, addr in checks}
    assert min(ports) >= 2000 + 870  # those that the offer prefers


async def test_a_check_that_nobody_answers_is_sent_four_times(checks, monkeypatch):
    monkeypatch.setattr(stun, "RETRY_RTO", 0.02)
    async with serving() as client:
        body = with_candidates(await offered(), [line(n) for n in range(3)])
        session = (await client.post("/v1/sessions", data=body, headers=SDP)).headers["Location"]
        await asyncio.sleep(1.5)
        await client.delete(session)
    assert len(checks) == 3 * (1 + agents.RETRANSMISSIONS)


async def test_without_any_candidate_the_agent_rests():
    """It waits for the peer's own checks; 50 looks a second at an empty list."""
    async with serving() as client:
        session = await client.post(
            "/v1/sessions", data=with_candidates(await offered(), []), headers=SDP
        )
        await asyncio.sleep(0.3)
        start = time.thread_time()
        await asyncio.sleep(1)
        spent = time.thread_time() - start
        await client.delete(session.headers["Location"])
    assert within(spent, 0.05)


@pytest.mark.parametrize(
    ("reach", "host", "is_tried"),
    [
        (OUTSIDE, "198.51.100.7", True),
        (OUTSIDE, "10.0.0.7", True),
        (OUTSIDE, "2001:db8::7", True),
        (OUTSIDE, "127.0.0.1", False),  # media is not received there
        (OUTSIDE, "::1", False),
        (OUTSIDE, "::ffff:127.0.0.1", False),
        (LOCAL, "127.0.0.1", True),
        (LOCAL, "224.0.0.251", False),
        (LOCAL, "255.255.255.255", False),
        (LOCAL, "0.0.0.0", False),
        (LOCAL, "0.1.2.3", False),
        (LOCAL, "240.0.0.1", False),
        (LOCAL, "::", False),
        (LOCAL, "ff02::1", False),
        (LOCAL, "fe80::1%eth0", False),
        (LOCAL, "metadata.internal", False),
        (LOCAL, "a-b.local", False),
        (LOCAL, "1.2.3", False),
        (LOCAL, "0x7f.1", False),
    ],
)
def test_whom_a_candidate_may_name(reach, host, is_tried):
    assert bool(candidates.best([candidates.read(line(1, host))], reach)) == is_tried


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
     "10.1.2.3", "fe80::1"],
)  # fmt: skip
def test_a_range_that_is_never_contacted_has_no_way_around(host):
    never = networks("", "169.254.0.0/16 10.0.0.0/8 fe80::/10")
    assert not Reach(OUTSIDE.hosts, never=never).may_contact(host)


@pytest.mark.parametrize(
    "given",
    [{"transport": "tcp"}, {"component": 2}, {"port": 53}, {"port": 0}, {"port": 70_000},
     {"kind": "prflx"}],
)  # fmt: skip
def test_what_is_of_no_use_is_left_out(given):
    assert candidates.best([candidates.read(line(1, **given))], LOCAL) == []


@pytest.mark.parametrize(
    "text",
    ["", "x", "candidate:", "candidate:1 1 udp 5 127.0.0.1 x typ host",
     "candidate:1 1 udp 5 127.0.0.1 9",
     "candidate:1 1 udp -5 127.0.0.1 9 typ host", "candidate:é 1 udp 5 127.0.0.1 9 typ host",
     "candidate:1 1 udp 99999999999 127.0.0.1 9 typ host", line(1) + "\x00"],
)  # fmt: skip
def test_what_is_no_candidate_is_malformed(text):
    with pytest.raises(ValueError, match="candidate"):
        candidates.read(text)


def test_each_address_is_tried_once_and_the_best_come_first():
    many = [candidates.read(line(n % 40)) for n in range(100)]
    best = candidates.best(many, LOCAL)
    assert [c.priority for c in best] == list(range(1039, 1039 - candidates.MOST, -1))


async def test_the_agent_itself_keeps_the_bounds(monkeypatch):
    """Whatever way a candidate takes to it."""
    with using(Reach(LOCAL.hosts, never=networks("", "10.0.0.0/8"))):
        agent = Agent(ice_controlling=False)
    for host, port in [*(("127.0.0.1", 2000 + n) for n in range(100)), ("10.0.0.1", 5000)]:
        await agent.add_remote_candidate(Candidate("1", 1, "udp", 1, host, port, "host"))
    await agent.add_remote_candidate(Candidate("1", 1, "udp", 1, "127.0.0.1", 70_000, "host"))
    assert len(agent.remote_candidates) == candidates.MOST
    assert {c.host for c in agent.remote_candidates} == {"127.0.0.1"}


# --- offers --------------------------------------------------------------------------------------


async def taken(offer: str) -> Exception | None:
    """What `answer` makes of an offer: None, or what it raises."""
    pc = RTCPeerConnection(rtc.configuration())
    for kind in ("audio", "video"):
        pc.addTrack(Track(kind))
    try:
        await rtc.answer(pc, offer, LOCAL)
    except Exception as error:  # noqa: BLE001 (which kind it is, is the question)
        return error
    finally:
        await rtc.close(pc)
    return None


async def test_what_is_not_said_is_sendrecv():
    offer = re.sub(r"a=(sendrecv|recvonly)\r\n", "", await offered())
    assert await taken(offer) is None


async def test_old_browsers_lines_of_sctp_are_taken():
    offer = (await offered()).replace("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000")
    assert (
        await taken(offer.replace("a=sctp-port:5000", "a=sctpmap:5000 webrtc-datachannel 65535"))
        is None
    )


@pytest.mark.parametrize(
    ("pattern", "put", "kind", "words"),
    [
        (r"a=mid:.*\r\n", "", Malformed, "a=mid"),
        (r"a=mid:.*", "a=mid:", Malformed, "a=mid"),
        (r"a=mid:.*", "a=mid:0", Malformed, "do not fit"),
        (r"a=ice-ufrag.*\r\n", "", Malformed, "ufrag"),
        (r"a=ice-pwd.*\r\n", "", Malformed, "pwd"),
        (r"a=ice-pwd:.*", "a=ice-pwd:é" + "x" * 22, Malformed, "pwd"),
        (r"a=fingerprint.*\r\n", "", Malformed, "fingerprint"),
        (r"a=fingerprint:.*", "a=fingerprint:sha-256 xx", Malformed, "fingerprint"),
        (r"a=fingerprint:.*", "a=fingerprint:md5 00:11", Malformed, "fingerprint"),
        (r"a=setup.*\r\n", "", Malformed, "setup"),
        (r"a=setup:.*", "a=setup:holdconn", Malformed, "setup"),
        (r"a=rtcp-mux\r\n", "", Malformed, "rtcp-mux"),
        (r"a=group:BUNDLE.*\r\n", "", Unprocessable, "bundle"),
        (r"a=group:BUNDLE.*", "a=group:BUNDLE 0", Unprocessable, "bundle"),
        (r"a=group:BUNDLE.*", "a=group:BUNDLE 7 0 1 2", Malformed, "do not fit"),
        (r"m=video \d+", "m=video ", Malformed, "section"),
        (r"m=video \d+", "m=video 0", Unprocessable, "port 0"),
        (r"m=application \d+", "m=application 0", Unprocessable, "port 0"),
        (r"m=application", "m=text", Malformed, "section"),
        (r"m=audio (\d+) \S+ ", r"m=audio \1 UDP/TLS/RTP/SAVPF 73 ", Malformed, "payload"),
        (r"m=audio (\d+) \S+ ", r"m=audio \1 UDP/TLS/RTP/SAVPF 300 ", Malformed, "300"),
        (r"a=recvonly", "a=sendonly", Unprocessable, "receive both"),
        (r"a=recvonly", "a=inactive", Unprocessable, "receive both"),
        (r"a=sctp-port.*\r\n", "", Malformed, "number"),
        (r"a=sctp-port:.*", "a=sctp-port:0", Malformed, "sctp-port"),
        (r"a=max-message-size:.*", "a=max-message-size:-1", Malformed, "number"),
        (r"a=extmap:\d+", "a=extmap:0", Malformed, "header extension"),
        (r"a=extmap:\d+", "a=extmap:999", Malformed, "999"),
        (r"a=rtpmap:(\d+) opus.*", r"a=rtpmap:\1 opus/x/2", Malformed, "SDP"),
        (r"(a=rtpmap:(\d+) opus.*)", r"\1\r\na=fmtp:\2 minptime=x", Malformed, "SDP"),
        (r"v=0", "v=0x", Malformed, "SDP"),
        (r"a=candidate:.*", "a=candidate:x", Malformed, "candidate"),
    ],
)
async def test_an_offer_that_aiortc_cannot_take_is_refused_in_words(pattern, put, kind, words):
    offer = await offered()
    changed = re.sub(pattern, put, offer)
    assert changed != offer
    error = await taken(changed)
    assert type(error) is kind, error
    assert words in error.detail


async def test_what_is_said_of_the_session_holds_for_its_sections():
    """As Firefox has it."""
    offer = await offered()
    names = "ice-ufrag|ice-pwd|fingerprint|setup"
    first = offer[offer.index("m=audio") : offer.index("m=video")]
    shared = "".join(m[0] for m in re.finditer(rf"a=({names}):.*\r\n", first))
    bare = re.sub(rf"a=({names}):.*\r\n", "", offer)
    assert await taken(bare.replace("m=audio", f"{shared}a=sendrecv\r\nm=audio", 1)) is None


async def test_lines_that_we_have_no_use_for_do_no_harm():
    odd = (
        "c=IN IP4 nowhere.example\r\na=rtcp:x\r\na=fmtp:77 y\r\na=rtcp-fb:nothing\r\n"
        "a=rtpmap:999 opus/48000/2\r\n"
        "a=candidate:1 2 TCP 5 name.example 9 typ host tcptype active\r\n"
    )
    offer = (await offered()).replace("m=video", f"{odd}m=video", 1)
    assert await taken(offer) is None


async def test_a_section_may_be_in_the_bundle_only():
    offer = re.sub(r"m=video \d+(.*)\r\n", r"m=video 0\1\r\na=bundle-only\r\n", await offered())
    assert await taken(offer) is None


async def hostile(offer: str) -> dict[str, str]:
    """Offers of nearly 64 KB, each of which repeats one kind of line."""
    video = offer.index("m=video")
    free = 63_000 - len(offer)

    def filled(make) -> str:
        lines, left = [], free
        for n in itertools.count():
            one = f"{make(n)}\r\n"
            left -= len(one)
            if left < 0:
                break
            lines.append(one)
        return offer[:video] + "".join(lines) + offer[video:]

    return {
        "rtcp-fb": filled(lambda n: "a=rtcp-fb:* x"),
        "rtpmap": filled(lambda n: f"a=rtpmap:{96} opus/48000/2"),
        "fmtp": filled(lambda n: "a=fmtp:96 a=b"),
        "ssrc": filled(lambda n: f"a=ssrc:{n} a:b"),
        "extmap": filled(lambda n: "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid"),
        "candidates": filled(lambda n: f"a={line(n % 60_000)}"),
        "fingerprint": filled(lambda n: "a=fingerprint:sha-256 " + ":".join(["00"] * 32)),
        "groups": filled(lambda n: "a=ssrc-group:FID " + "1 " * 400),
        "short": filled(lambda n: "a="),
        "empty": filled(lambda n: ""),
        "formats": offer.replace("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 X" + " 1" * 30_000),
        "one line": filled(lambda n: "a=x:" + "y" * 2_000),
        "long": offer + "a=" + "y" * free,
        "digits": offer.replace("a=sctp-port:5000", "a=sctp-port:" + "9" * 2_000),
    }


async def test_no_offer_costs_more_than_a_blink_of_the_loop():
    for name, body in (await hostile(await offered())).items():
        start = time.thread_time()
        error = await taken(body)
        spent = time.thread_time() - start
        assert error is None or isinstance(error, Problem), (name, error)
        # Usually 20 ms, connection included; 0.5 to 3 s without bounds.
        assert within(spent, 0.15), name


async def test_an_offer_within_every_bound_is_still_cheap():
    """As many codecs and feedback lines as are read at all."""
    offer = await offered()
    codecs = [(n, "H264/90000") for n in (*range(64), *range(96, 128))][: offers._MOST["rtpmap"]]
    numbers = " ".join(str(n) for n, _ in codecs)
    rows = "".join(f"a=rtpmap:{n} {codec}\r\n" for n, codec in codecs)
    rows += "a=rtcp-fb:* nack pli\r\n" * offers._MOST["rtcp-fb"]
    start, end = offer.index("m=video"), offer.index("m=application")
    bare = re.sub(r"a=(rtpmap|fmtp|rtcp-fb).*\r\n", "", offer[start:end])
    bare = re.sub(r"m=video (\d+) (\S+).*", rf"m=video \1 \2 {numbers}", bare)
    begin = time.thread_time()
    error = await taken(offer[:start] + bare + rows + offer[end:])
    assert error is None or isinstance(error, Problem)
    assert within(time.thread_time() - begin, 0.2)


async def test_random_damage_is_a_named_problem_or_none(caplog):
    """No offer is a fault of the server's: 300 with lines lost, doubled, cut or garbled."""
    offer, rng = await offered(), random.Random(7)
    lines = offer.splitlines(keepends=True)
    for _ in range(300):
        damaged = list(lines)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(damaged))
            one = damaged[at]
            cut = rng.randrange(len(one) + 1)
            damaged[at] = rng.choice(
                ["", one * 2, one[:cut] + "\r\n", one[:cut] + rng.choice("\0é:9 -") + one[cut:],
                 lines[rng.randrange(len(lines))], one.upper(), re.sub(r"\d+", "-1", one)],
            )  # fmt: skip
        error = await taken("".join(damaged))
        assert error is None or isinstance(error, Problem), ("".join(damaged), repr(error))
    gc.collect()  # a task that failed in the background is told of when it goes
    assert [r.message for r in caplog.records if r.name == "asyncio"] == []


async def test_an_answer_to_many_candidates_is_short():
    async with serving() as client, watching(client):
        body = with_candidates(await offered(), [line(n) for n in range(900)])
        response = await client.post("/v1/sessions", data=body, headers=SDP)
        assert response.status == 201
        assert len(await response.text()) < 6_000
        await client.delete(response.headers["Location"])


async def test_a_pair_still_connects_by_candidates_that_come_later():
    pair = Pair()
    offer = await pair.offer()
    own = re.search(r"a=(candidate:.*)\r", offer)[1]
    junk = [line(n) for n in range(25)]
    await pair.reply(with_candidates(offer, junk))
    try:
        await rtc.add_candidates(pair.server, f"a={own}\r\n", LOCAL)
        await pair.until("video", 1)
    finally:
        await pair.close()
