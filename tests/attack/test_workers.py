"""A parent with workers takes from strangers no more than a server that is one process."""

import asyncio
import os
import time
from contextlib import AsyncExitStack

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request
from support.doors import asked, wire
from support.malformed import HOST, MALFORMED, is_protected, request, sdp
from support.pace import soon
from support.serving import Viewer
from support.standing import children, is_alive, standing

from visavis.server.http.places import Places
from visavis.server.processes import forwarding
from visavis.server.processes.register import Register
from visavis.server.processes.trust import CALLER
from visavis.server.processes.worker import Worker

HEALTH = request(b"GET /healthz")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("attacked")
    with standing(home, "nothing", "--workers", "2", "--max-sessions", "4") as it:
        yield it


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_malformed_request_is_a_named_problem(server, case):
    sent, status = MALFORMED[case]
    answer = await asked(server.port, sent)
    assert (answer.status, answer.problem()["status"]) == (status, status), answer
    is_protected(answer)
    assert (await asked(server.port, HEALTH)).status == 200


async def test_every_response_is_protected(server):
    for line in (b"GET /", b"GET /v1/voices", b"GET /v1/avatars", b"GET /v1/sessions/none"):
        is_protected(await asked(server.port, request(line)))


async def test_a_body_has_its_limit(server):
    long = sdp(body=b"v=0" + b"x" * 65_536)
    assert (await asked(server.port, long)).problem()["type"] == "urn:visavis:toolarge"


@pytest.mark.slow
async def test_a_body_has_its_deadline(server):
    begun = time.monotonic()
    async with wire(server.port) as client:
        head = b"POST /v1/sessions HTTP/1.1\r\n" + HOST + b"Content-Type: application/sdp\r\n"
        await client.send(head + b"Content-Length: 1000\r\n\r\nv=0")
        late = await client.answer(15)
    assert (late.status, late.problem()["type"]) == (408, "urn:visavis:body-timeout")
    took = time.monotonic() - begun
    assert took > 9
    assert soon(took, 14)


async def test_clients_that_say_nothing_keep_nobody_out(server):
    async with AsyncExitStack() as stack:
        for _ in range(600):
            await stack.enter_async_context(wire(server.port))
        began = time.monotonic()
        assert (await asked(server.port, HEALTH)).status == 200
        assert soon(time.monotonic() - began, 1)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as client:
            viewer = Viewer()
            stack.push_async_callback(viewer.close)
            await viewer.connect(client)
            await viewer.wait_for("ready")


async def test_a_header_that_cannot_go_on_is_refused(server):
    odd = sdp(b"Content-Type: application/sdp", b"Visavis-Resume: \xff\xfe")
    assert (await asked(server.port, odd)).status in {400, 404}


async def test_nothing_that_strangers_do_ended_a_worker(server):
    text = (await asked(server.port, request(b"GET /metrics"))).body.decode()
    assert "visavis_workers_lost_total{" not in text
    faults = [line for line in server.complained().splitlines() if " ERROR " in line]
    assert faults == []


async def test_the_folder_of_their_sockets_is_private(server):
    (worker, *_) = children(server.process.pid)
    with open(f"/proc/{worker}/cmdline", "rb") as file:  # noqa: ASYNC230 (of the kernel)
        folder = next(word for word in file.read().split(b"\0") if b"visavis-" in word)
    mode = await asyncio.to_thread(lambda: os.stat(folder).st_mode)
    assert mode & 0o777 == 0o700


async def test_workers_end_with_a_parent_that_is_killed(server):
    """The last of those that share the server."""
    workers = children(server.process.pid)
    server.process.kill()
    async with asyncio.timeout(5):
        while any(map(is_alive, workers)):
            await asyncio.sleep(0.05)


# --- what goes on to a worker ---------------------------------------------------------------------


def test_a_caller_cannot_say_who_it_is():
    spoofed = make_mocked_request(
        "POST", "/v1/sessions", headers={CALLER: "203.0.113.9", "X-Forwarded-For": "203.0.113.9"}
    )
    sent = forwarding.headers_of(spoofed.clone(remote="192.0.2.1"))
    assert dict(sent) == {CALLER: "192.0.2.1"}


# --- what a worker may say ------------------------------------------------------------------------


class Process:
    """One that is never started."""

    pid = 1


class Ear(Worker):
    """A worker that notes what it is told."""

    def __init__(self):
        super().__init__(0, Process())
        self.told = []

    def tell(self, kind, content=None):
        self.told.append((kind, content))


@pytest.fixture
def register():
    return Register(Places(2, 0))


def test_a_place_that_is_given_away_is_taken_from_its_worker(register):
    one, other = Ear(), Ear()
    now = time.monotonic()
    register.hear(one, "take", [0, "a", "192.0.2.1"])
    register.hear(one, "hold", ["a", "resting", now, True])
    register.hear(other, "take", [0, "b", "192.0.2.2"])
    register.hear(other, "hold", ["b", "live", now, True])
    register.hear(other, "take", [1, "c", "192.0.2.3"])
    assert one.told == [("taken", [0, None]), ("leave", "a")]
    assert other.told[-1] == ("taken", [1, None])
    assert (register.of("a"), register.of("c")) == (None, other)
    register.hear(one, "take", [1, "d", "192.0.2.4"])
    (kind, (number, refused)) = one.told[-1]
    assert (kind, number) == ("taken", 1)
    assert "2 places" in refused["detail"]


def test_a_worker_cannot_speak_of_sessions_of_another(register):
    one, other = Ear(), Ear()
    register.hear(one, "take", [0, "a", "192.0.2.1"])
    for kind, content in (("free", ["a"]), ("move", ["a", "x"]), ("hold", ["a", "live", 0, True])):
        register.hear(other, kind, content)
    assert register.of("a") is one
    assert one.names["a"].state == "offered"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("take", []),
        ("take", None),
        ("state", ["a", "asleep", 0, True]),
        ("state", ["a", "live", "x", True]),
        ("hold", ["a"]),
        ("free", 7),
    ],
)
def test_nonsense_is_an_error_that_ends_the_worker(register, kind, content):
    worker = Ear()
    register.hear(worker, "take", [0, "a", "192.0.2.1"])
    with pytest.raises((TypeError, ValueError)):
        register.hear(worker, kind, content)


def test_what_a_dead_worker_had_is_remembered_as_lost(register):
    worker = Ear()
    register.hear(worker, "take", [0, "a", "192.0.2.1"])
    register.bury(worker)
    assert register.has_lost("a")
    assert register.of("a") is None
    assert not register.has_lost("b")
    register.hear(Ear(), "take", [0, "c", "192.0.2.1"])  # its place is free again
