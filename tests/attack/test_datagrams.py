"""What anybody, or a viewer itself, sends to a media port: it costs that datagram and no more."""

import asyncio
import logging
import os
import random
import socket
import struct
import threading
import time
from contextlib import suppress

import aiortc.rtcsctptransport as sctp
import pylibsrtp
import pytest
import uvloop
from aioice import Candidate, ice, stun
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import RtpPacket
from support.pace import within
from support.rtc_pair import Pair, Track, connected
from support.serving import serving
from support.witness import moving, witnessing

from visavis.server.rtc import agent as agents
from visavis.server.rtc import association, hooks, ingress
from visavis.server.rtc.agent import Agent
from visavis.server.rtc.reach import Reach
from visavis.server.system.addresses import networks
from visavis.server.system.metrics import DATAGRAMS_DROPPED

COOKIE = struct.pack("!I", stun.COOKIE)


@pytest.fixture(autouse=True)
def installed():
    hooks.install()


def dropped(reason: str) -> float:
    return DATAGRAMS_DROPPED.labels(reason)._value.get()


def binding(*attributes: tuple[int, bytes], kind: int = 0x0001) -> bytes:
    """A STUN message with these attributes, whatever they hold."""
    body = b"".join(
        struct.pack("!HH", number, len(value)) + value + bytes(-len(value) % 4)
        for number, value in attributes
    )
    return struct.pack("!HH", kind, len(body)) + COOKIE + os.urandom(12) + body


def hostile(name: str, rng: random.Random) -> list[bytes]:
    """What a stranger sends; name: our ICE name, which a stranger can overhear."""
    user = (0x0006, f"{name}:x".encode())
    forged = [binding(user, (0x0024, b"\0\0\0\1"), (0x0008, rng.randbytes(20))) for _ in range(300)]
    return [
        b"",
        *(rng.randbytes(count) for count in range(1, 65)),
        *(start + bytes(2047) for start in (b"\x80\x60", b"\x80\xc8")),
        *(start + bytes(2046) for start in (b"\x80\x60", b"\x80\xc8")),
        bytes(65_507),
        *(binding((number, b"\0\0")) for number in range(0x30)),
        binding(user, (0x0024, b"")),  # a PRIORITY of no bytes: struct.error in aioice
        binding(user, (0x8022, rng.randbytes(900))),
        binding(user, *((0x8022, b"") for _ in range(480))),
        *(binding(kind=kind) for kind in (0x0101, 0x0111, 0x0011, 0x0003)),
        *(bytes([number]) + b"\xfe\xfd" + rng.randbytes(40) for number in range(20, 64)),
        b"\x15\xfe\xfd" + bytes(8) + b"\0\2\2\x28",  # a fatal alert, in plain
        *forged,
    ]


def server_of(viewer) -> tuple[str, int]:
    """Where a viewer's media comes from."""
    (candidate,) = viewer.pc.getTransceivers()[0].receiver.transport.transport.getRemoteCandidates()
    return candidate.ip, candidate.port


def pounding(target, messages, seconds: float) -> threading.Thread:
    """A thread that sends all of them from sockets of its own, again and again."""

    def pound() -> None:
        end, sockets = time.monotonic() + seconds, []
        while time.monotonic() < end:
            for message in messages:
                if len(sockets) < 20:
                    sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                sockets[len(message) % len(sockets)].sendto(message, target)
                time.sleep(0.0002)
        for one in sockets:
            one.close()

    thread = threading.Thread(target=pound)
    thread.start()
    return thread


async def stranger_against_witness() -> None:
    async with serving(moving()) as client, witnessing(client) as witness:
        viewer = witness.viewer
        host, port = server_of(viewer)
        name = ice_of(viewer.pc).remote_username
        thread = pounding((host, port), hostile(name, random.Random(1)), seconds=1.8)
        await asyncio.sleep(1.9)
        thread.join()
        lost, state = await witness.lost(), viewer.pc.connectionState
        assert (await client.get(viewer.location)).status == 200
        assert (state, lost) == ("connected", {"audio": 0, "video": 0})
        assert witness.rate(witness.pictures) > 23
        assert witness.gap(witness.sounds) < 0.2


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_strangers_datagrams_cost_a_talking_session_nothing(run, caplog):
    before = dropped("stranger")
    run(stranger_against_witness())
    assert dropped("stranger") > before
    assert dropped("empty") > 0
    assert dropped("oversized") > 0
    assert dropped("unauthenticated") > 0
    written = [r for r in caplog.records if r.name != "asyncio" or r.levelno > logging.INFO]
    assert len([r for r in written if r.levelno >= logging.WARNING]) <= 2


# --- the gate, branch by branch -----------------------------------------------------------------


def ice_of(pc) -> Agent:
    return pc.getTransceivers()[0].receiver.transport.transport._connection


class Wire:
    """A transport that keeps what is sent."""

    def __init__(self):
        self.sent: list[tuple[stun.Message, tuple[str, int]]] = []

    def sendto(self, data, addr):
        self.sent.append((stun.parse_message(data), addr))


PEER, ELSEWHERE = ("127.0.0.1", 40_001), ("192.0.2.7", 40_002)


@pytest.fixture
async def agent():
    """An agent with one socket that is none, after `connect` would have begun."""
    made = Agent(ice_controlling=False)
    made.remote_username, made.remote_password = "them", "p" * 22
    gate = ingress.Gate(made)
    gate.local_candidate = Candidate("1", 1, "udp", 1, "127.0.0.1", 9, "host")
    gate.transport = Wire()
    made._protocols.append(gate)
    made._early_checks_done = True
    yield made
    await ended(made)


async def ended(made: Agent) -> None:
    tasks = [pair.task for pair in made._check_list if pair.task]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def asks(made: Agent, password: str | None = None, name: str | None = None, **more) -> bytes:
    """A connectivity check of the peer's, or of somebody who pretends."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{name or made.local_username}:{made.remote_username}"
    request.attributes["PRIORITY"] = 7
    request.attributes.update(more)
    request.add_message_integrity((password or made.local_password).encode())
    return bytes(request)


def told(made: Agent, data: bytes, source=PEER) -> list[stun.Message]:
    """What is sent at once when this datagram comes; answers, not checks."""
    (gate,) = made._protocols
    before = len(gate.transport.sent)
    gate.datagram_received(data, source)
    return [m for m, _ in gate.transport.sent[before:] if m.message_class != stun.Class.REQUEST]


async def test_who_knows_the_password_is_answered_and_its_data_is_taken(agent):
    told(agent, b"\x80" * 20)
    assert agent._queue.empty()
    assert [m.message_class for m in told(agent, asks(agent))] == [stun.Class.RESPONSE]
    told(agent, b"\x80" * 20)
    assert agent._queue.qsize() == 1
    told(agent, b"\x80" * 20, ELSEWHERE)
    assert agent._queue.qsize() == 1


@pytest.mark.parametrize(
    ("reason", "make"),
    [
        ("empty", lambda a: b""),
        ("oversized", lambda a: b"\x80\x60" + bytes(ingress.MOST_BYTES - 1)),
        ("stranger", lambda a: b"\x80\x60" + bytes(ingress.MOST_BYTES - 2)),
        ("malformed", lambda a: bytes(20)),
        ("malformed", lambda a: asks(a) + b"\0"),
        ("malformed", lambda a: binding((6, agent_name(a)), (0x24, b""))),
        ("unauthenticated", lambda a: asks(a, password="q" * 22)),
        ("unauthenticated", lambda a: asks(a, name="nobody")),
        ("unauthenticated", lambda a: binding((6, agent_name(a)))),
        ("unauthenticated", lambda a: binding()),
        ("unasked", lambda a: binding(kind=0x0101)),
        ("unasked", lambda a: binding(kind=0x0111)),
    ],
)
async def test_the_gate_drops_by_reason_and_answers_nothing(agent, reason, make):
    before = dropped(reason)
    assert told(agent, make(agent)) == []
    assert dropped(reason) == before + 1
    assert agent._queue.empty()
    assert agent.known == {}
    assert agent._remote_candidates == []


def agent_name(made: Agent) -> bytes:
    return made.name + b"x"


async def test_an_indication_is_ignored(agent):
    assert told(agent, binding(kind=0x0011)) == []


async def test_what_breaks_the_gate_itself_does_not_leave_it(agent, monkeypatch):
    monkeypatch.setattr(Agent, "request_received", lambda *_: 1 / 0)
    before = dropped("unhandled")
    told(agent, asks(agent))
    assert dropped("unhandled") == before + 1


async def test_data_that_nobody_reads_is_bounded(agent):
    told(agent, asks(agent))
    for _ in range(2 * agents._MOST_WAITING):
        told(agent, b"\x80" * 20)
    assert agent._queue.qsize() == agents._MOST_WAITING


async def test_a_peer_has_its_share_of_the_loops_time_and_no_more(agent, monkeypatch):
    told(agent, asks(agent))
    agent._nominated[1] = agent._check_list[0]
    spent = 0.0
    monkeypatch.setattr(agents.time, "thread_time", lambda: spent)
    taken = 0
    told(agent, b"\x80" * 20)
    while not agent._queue.empty():
        await agent.recv()
        taken, spent = taken + 1, spent + 0.04  # s that it takes to handle
        told(agent, b"\x80" * 20)
    rate, burst = agents._SECONDS
    assert burst / 0.04 < taken < burst / 0.04 + 4
    agent._seconds._at -= 1  # a second later
    told(agent, b"\x80" * 20)
    assert agent._queue.qsize() == 1
    assert rate < 0.2


async def test_an_address_that_is_never_contacted_is_never_answered(agent):
    agent._reach = Reach(never=networks("", "192.0.2.0/24"))
    before = dropped("forbidden")
    assert told(agent, asks(agent), ELSEWHERE) == []
    assert dropped("forbidden") == before + 1
    assert told(agent, asks(agent), PEER)


async def test_addresses_that_a_peer_makes_up_are_few_and_forgotten(agent, monkeypatch):
    agent._new_addresses = agents.Bucket(1, 1000)
    agent._new_messages = agents.Bucket(1, 1000)
    told(agent, asks(agent, **{"USE-CANDIDATE": None}), PEER)
    (pair,) = agent._check_list
    agent.check_state(pair, ice.CandidatePair.State.SUCCEEDED)
    agent._nominated[1] = pair
    for port in range(1, 200):
        assert told(agent, asks(agent), ("192.0.2.7", port))
    assert len(agent.known) == agents._MOST_KNOWN
    assert PEER in agent.known  # the nominated one stays
    assert len(agent._remote_candidates) == agents._MOST_LEARNED
    assert len(agent._check_list) == agents._MOST_LEARNED


async def test_new_addresses_come_slowly(agent):
    answered = sum(bool(told(agent, asks(agent), ("192.0.2.7", port))) for port in range(1, 100))
    assert answered == agents._NEW_ADDRESSES[1]


async def test_a_peer_that_asks_without_end_is_read_no_further(agent):
    answered = sum(bool(told(agent, asks(agent))) for _ in range(400))
    assert answered <= 1 + agents._MESSAGES[1] + 20


async def test_a_role_conflict_is_settled_a_few_times(agent, monkeypatch):
    told(agent, asks(agent))
    (pair,) = agent._check_list

    async def conflict(*_args, **_kwargs):
        refusal = stun.Message(stun.Method.BINDING, stun.Class.ERROR)
        refusal.attributes["ERROR-CODE"] = (487, "Role Conflict")
        raise stun.TransactionFailed(refusal)

    monkeypatch.setattr(ingress.Gate, "request", conflict)
    pair.task.cancel()
    await agent.check_start(pair)
    assert agent._conflicts == agents._MOST_CONFLICTS + 1
    assert pair.state == ice.CandidatePair.State.FAILED


def test_what_agent_and_gate_replace_is_still_there():
    for ours in (Agent, ingress.Gate):
        base = ours.__mro__[1]
        for name in set(vars(ours)) & {
            "data_received", "recv", "request_received", "check_incoming", "check_state",
            "check_start", "switch_role", "_check_periodic", "_add_remote_candidate",
            "_pair_remote_candidate", "gather_candidates", "get_component_candidates",
            "datagram_received", "send_stun", "request",
        }:  # fmt: skip
            assert hasattr(base, name), name
    known = set(vars(Agent(ice_controlling=False)))
    assert {"_check_list", "_remote_candidates", "_nominated", "_queue", "_protocols"} <= known


# --- what the peer itself sends ------------------------------------------------------------------


async def test_from_the_peers_own_address_nothing_ends_the_session():
    """As from a socket that pretends to be the peer's: the same addresses, no keys."""
    async with connected() as pair:
        await pair.until("video", 3)
        connection, target = ice_of(pair.client), server_address(pair)
        (gate,) = connection._protocols
        rng = random.Random(2)
        for data in (
            *hostile(connection.remote_username, rng),
            *(rng.randbytes(1200) for _ in range(200)),
        ):
            gate.transport.sendto(data, target)
        await asyncio.sleep(0.3)
        count = len(pair.frames["video"])
        await pair.until("video", count + 10)
        assert pair.server.connectionState == "connected"


def server_address(pair: Pair) -> tuple[str, int]:
    (nominated,) = ice_of(pair.client)._nominated.values()
    return nominated.remote_addr


class Sent:
    """A client's own keys, for packets that no client would send."""

    def __init__(self, pair: Pair) -> None:
        self.dtls = pair.client.getTransceivers()[0].receiver.transport
        self.association = pair.client.sctp
        self.server = pair.server

    async def rtcp(self, data: bytes) -> None:
        await self.dtls.transport._send(self.dtls._tx_srtp.protect_rtcp(data))

    async def rtp(self, data: bytes) -> None:
        await self.dtls.transport._send(self.dtls._tx_srtp.protect(data))

    async def chunks(self, *chunks: bytes, tag: int | None = None) -> None:
        head = struct.pack(
            "!HHL", 5000, 5000, self.association._remote_verification_tag if tag is None else tag
        )
        body = b"".join(chunks)
        checksum = sctp.crc32c(head + bytes(4) + body)
        await self.dtls._send_data(head + struct.pack("<L", checksum) + body)


def chunk(kind: int, body: bytes, flags: int = 0) -> bytes:
    return struct.pack("!BBH", kind, flags, len(body) + 4) + body + bytes(-len(body) % 4)


async def both(pair: Pair) -> Sent:
    """Once media flows and the data channel is open."""
    opened = asyncio.Event()
    pair.server.on("datachannel", lambda channel: opened.set())
    async with asyncio.timeout(10):
        await opened.wait()
    await pair.until("video", 3)
    return Sent(pair)


async def goes_on(pair: Pair) -> None:
    await asyncio.sleep(0.1)
    count = len(pair.frames["video"])
    await pair.until("video", count + 5)
    assert pair.server.connectionState == "connected"


async def test_garbage_with_the_peers_keys_costs_that_packet():
    async with connected() as pair:
        sent, rng, before = await both(pair), random.Random(3), dropped("unhandled")
        for length in range(4, 60):
            for kind in range(200, 208):  # every RTCP type, with what follows cut or wrong
                await sent.rtcp(
                    struct.pack("!BBHL", 0x81 | length % 32, kind, length // 4, 1)
                    + rng.randbytes(length)
                )
            head = struct.pack("!BBHLL", 0x90, 96, length, 1, 2)
            with suppress(pylibsrtp.Error):  # what libsrtp itself does not send
                await sent.rtp(head + rng.randbytes(length))
        for kind in (*range(16), 130, 192):
            for length in range(0, 40, 3):
                await sent.chunks(chunk(kind, rng.randbytes(length)))
            await asyncio.sleep(0.01)
        await goes_on(pair)
        assert dropped("unhandled") > before


async def test_a_remb_that_is_cut_short_costs_that_packet():
    async with connected() as pair:
        sent, before = await both(pair), dropped("unhandled")
        fci = b"REMB" + bytes([200, 0, 0, 1])  # 200 sources, none of them there
        await sent.rtcp(struct.pack("!BBHLL", 0x8F, 206, 4, 1, 0) + fci)
        await goes_on(pair)
        assert dropped("unhandled") == before + 1


async def test_a_handler_that_fails_costs_that_message():
    async with connected() as pair:
        channel = pair.client.sctp._data_channels
        await both(pair)
        (own,) = pair.server.sctp._data_channels.values()
        got = []

        def handler(data):
            got.append(data)
            raise RecursionError

        own.on("message", handler)
        (theirs,) = channel.values()
        theirs.send("one")
        theirs.send("two")
        async with asyncio.timeout(3):
            while len(got) < 2:
                await asyncio.sleep(0.01)
        await goes_on(pair)


async def timed(pair: Pair, work) -> float:
    """The longest that the loop is held while this is sent, in s."""
    longest, stop = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not stop.is_set():
            start = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - start)

    watching = asyncio.create_task(watch())
    await work
    await asyncio.sleep(0.2)
    stop.set()
    await watching
    return longest


async def test_a_parameter_of_no_length_does_not_hang_the_server():
    async with connected() as pair:
        sent = await both(pair)
        for kind in (
            130,
            4,
            6,
            9,
        ):  # RE-CONFIG, HEARTBEAT, ABORT (last: it ends the channel), ERROR
            if kind != 6:
                await sent.chunks(chunk(kind, bytes(8)))
        await sent.chunks(chunk(1, struct.pack("!LLHHL", 1, 1, 1, 1, 1) + bytes(4)), tag=0)
        await goes_on(pair)


async def test_a_sack_of_20_million_packets_is_no_sack():
    async with connected() as pair:
        sent = await both(pair)
        own = pair.server.sctp
        gaps = struct.pack("!HH", 1, 65535) * 280
        body = struct.pack("!LLHH", own._local_tsn - 1, 1 << 20, 280, 0) + gaps
        assert await timed(pair, sent.chunks(chunk(3, body))) < 0.1  # 2 s without the bound
        await goes_on(pair)


async def test_pieces_of_messages_that_never_end_are_bounded():
    async with connected() as pair:
        sent = await both(pair)
        own, first = pair.server.sctp, pair.server.sctp._last_received_tsn + 1
        for k in range(100):  # no bytes in them: the window of aiortc does not count those
            body = [struct.pack("!LHHL", (first + 20 * k + j) % 2**32, 1, 5, 51) for j in range(20)]
            await sent.chunks(*(chunk(0, b, flags=0b010) for b in body))
        for stream in range(100):
            tsn = (own._last_received_tsn + 1) % 2**32
            await sent.chunks(chunk(0, struct.pack("!LHHL", tsn, stream, 0, 51), flags=0b010))
            await asyncio.sleep(0)
        far = struct.pack("!LHHL", (first + 100_000) % 2**32, 1, 9, 51)
        await sent.chunks(chunk(0, far, flags=0b010))
        await asyncio.sleep(0.3)
        pieces = sum(len(s.reassembly) for s in own._inbound_streams.values())
        assert pieces <= association.MOST_PIECES
        assert len(own._inbound_streams) <= association.MOST_STREAMS
        assert len(own._sack_misordered) <= association.MOST_AHEAD
        await goes_on(pair)


async def test_a_message_as_large_as_we_say_still_arrives():
    async with connected() as pair:
        await both(pair)
        (own,) = pair.server.sctp._data_channels.values()
        (theirs,) = pair.client.sctp._data_channels.values()
        got = asyncio.Queue()
        own.on("message", got.put_nowait)
        theirs.send("x" * 65_000)
        assert len(await asyncio.wait_for(got.get(), 10)) == 65_000


async def test_sources_that_a_peer_makes_up_are_bounded_and_closing_works():
    pair = Pair(sends=Track("audio"))
    await pair.reply(await pair.offer())
    try:
        await pair.until("video", 3)
        sent, (receiver, _) = Sent(pair), pair.server.getReceivers()
        audio = 96
        for ssrc in range(200):
            await sent.rtp(RtpPacket(audio, 0, ssrc, 960 * ssrc, ssrc, b"\xf8\xff\xfe").serialize())
            await asyncio.sleep(0)
        await asyncio.sleep(1.6)  # a report of each goes out within 1.5 s
        streams = receiver._RTCRtpReceiver__remote_streams
        assert 1 < len(streams) <= ingress.MOST_SOURCES
        await goes_on(pair)
    finally:
        await asyncio.wait_for(pair.close(), 3)


async def test_a_report_that_does_not_fit_ends_nothing(monkeypatch):
    monkeypatch.setattr(StreamStatistics, "jitter", 1 << 33)
    pair = Pair(sends=Track("audio"))
    await pair.reply(await pair.offer())
    try:
        await pair.until("video", 3)
        before = dropped("unhandled")
        async with asyncio.timeout(5):
            while dropped("unhandled") == before:
                await asyncio.sleep(0.05)
        await goes_on(pair)
    finally:
        await asyncio.wait_for(pair.close(), 3)  # it waits for the task that reports


async def test_a_visitors_picture_is_not_received():
    pair = Pair(sends=Track("video"))
    await pair.reply(await pair.offer())
    try:
        section = pair.answer[pair.answer.index("m=video") :]
        assert "a=sendonly" in section.split("m=application")[0]
        await pair.until("video", 3)
        router = pair.server.getTransceivers()[0].receiver.transport._rtp_router
        assert [r.track.kind for r in router.receivers if r.track] == []
    finally:
        await pair.close()


async def test_what_cannot_be_decoded_writes_one_line_and_sound_goes_on(caplog, capfd):
    pair = Pair(sends=Track("audio"))
    got: list[object] = []

    async def listen(track):
        while True:
            got.append(await track.recv())

    tasks = []
    pair.server.on("track", lambda t: tasks.append(asyncio.create_task(listen(t))))
    await pair.reply(await pair.offer())
    try:
        await pair.until("video", 3)
        before, rng = dropped("undecodable"), random.Random(5)
        encoder = next(s for s in pair.client.getSenders() if s.kind == "audio")._get("encoder")
        encode = encoder.encode
        encoder.encode = lambda *given: ([b"\xff" + rng.randbytes(20)], encode(*given)[1])
        await asyncio.sleep(1)
        encoder.encode = encode
        assert dropped("undecodable") > before
        count = len(got)
        async with asyncio.timeout(3):
            while len(got) < count + 10:
                await asyncio.sleep(0.01)
        lines = [r for r in caplog.records if r.levelno >= logging.WARNING]
        assert len(lines) <= 1
        assert "opus @" not in capfd.readouterr().err  # FFmpeg's own lines
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await pair.close()


async def test_a_fault_that_is_no_datagrams_ends_the_loop(monkeypatch):
    """Else it would go round for ever without waiting."""

    class Transport:
        _RTCDtlsTransport__rx_packets = 0

    async def fails(_transport):
        raise ValueError("read timeout")

    monkeypatch.setattr(ingress, "_recv_next", fails)
    with pytest.raises(ValueError, match="timeout"):
        await ingress.recv_next(Transport())


async def test_the_gate_is_cheap(agent):
    """Three microseconds a datagram here; the bound is for busy machines."""
    told(agent, asks(agent))
    (gate,) = agent._protocols
    for source, data in ((PEER, b"\x80" + bytes(200)), (ELSEWHERE, b"\x80" + bytes(1200))):
        start = time.thread_time()
        for _ in range(2000):
            gate.datagram_received(data, source)
            if source == PEER:
                agent._queue.get_nowait()
        assert within((time.thread_time() - start) / 2000, 30e-6)


def test_seldom_writes_one_line_a_minute(caplog):
    from visavis.server.system.seldom import INTERVAL, Seldom

    now = 0.0
    seldom = Seldom(logging.getLogger("seldom"), lambda: now)
    for _ in range(5):
        seldom.warning("a", "something")
    seldom.warning("b", "something else")
    now = INTERVAL
    seldom.warning("a", "something")
    assert [(r.message, r.left_out) for r in caplog.records] == [
        ("something", 0), ("something else", 0), ("something", 4),
    ]  # fmt: skip
