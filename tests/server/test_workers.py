"""Several processes behind one port: who dies takes its own along, and everybody else goes on."""

import asyncio
import contextlib
import os
import re
import signal
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from support.coming_back import refusal, resumed
from support.pace import crowd, soon
from support.serving import SDP, Viewer, problem, watching
from support.standing import child, children, ends, is_alive, standing
from support.witness import Witness

from visavis.server.commands import composition
from visavis.server.http import passes
from visavis.server.http.places import Places
from visavis.server.processes.crew import Crew, Order
from visavis.server.processes.forwarding import Forwarding
from visavis.server.processes.trust import trusting
from visavis.server.processes.worker import Distant, Worker
from visavis.server.system.config import Config
from visavis.server.system.metrics import Metrics

WORKERS = ("--workers", "2", "--max-sessions", "4")
ASK = 0.4  # s without a packet before the page asks for its session: ASK_MS of session.js


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Two workers that all tests share which leave them as they were."""
    home = tmp_path_factory.mktemp("workers")
    with standing(home, "moving", *WORKERS) as it:
        yield it


@asynccontextmanager
async def crew(it):
    """A client, once both workers are ready and nobody is in them."""
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{it.port}") as client,
        asyncio.timeout(40),
    ):
        while (told := await metrics(client))["visavis_workers"] < 2 or told["visavis_sessions"]:
            await asyncio.sleep(0.05)
        yield client


async def metrics(client):
    """Values by name and labels."""
    lines = (await (await client.get("/metrics")).text()).splitlines()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"
    }


@asynccontextmanager
async def witness(client):
    """A viewer that notes when its pictures come."""
    viewer = Viewer()
    try:
        viewer.location = await viewer.connect(client)
        await viewer.wait_for("ready")
        seen = Witness(viewer)
        reading = asyncio.create_task(seen.watch(viewer.tracks["video"], seen.pictures))
        hearing = asyncio.create_task(seen.watch(viewer.tracks["audio"], seen.sounds))
        await seen.begin()
        yield seen
        for task in (reading, hearing):
            task.cancel()
        await asyncio.gather(reading, hearing, return_exceptions=True)
    finally:
        with contextlib.suppress(aiohttp.ClientError):  # it may be shut down
            await client.delete(viewer.location)  # not to wait until its rest is over
        await viewer.close()


def arrivals(viewer):
    """When packets come, by kind: decoding takes turns with whatever else this process does."""
    times = {"audio": [], "video": []}

    def note(receiver):
        plain, into = receiver._handle_rtp_packet, times[receiver.track.kind]

        async def noted(packet, arrival_time_ms):
            into.append(time.monotonic())
            await plain(packet, arrival_time_ms=arrival_time_ms)

        receiver._handle_rtp_packet = noted

    for receiver in viewer.pc.getReceivers():
        note(receiver)
    return times


@asynccontextmanager
async def own_lags():
    """How late this process' own event loop was, in s, each time it was looked at."""
    seen = [0.0]

    async def look():
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            seen.append(time.monotonic() - due)

    looking = asyncio.create_task(look())
    yield seen
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


async def offer():
    """What a page might send."""
    viewer = Viewer()
    try:
        return await viewer.offer()
    finally:
        await viewer.close()


async def back(client, seen, since):
    """As the page does: silence, a question, a new session. Seconds from `since` to its picture."""
    while time.monotonic() - max(seen.sounds[-1], seen.pictures[-1]) < ASK:
        await asyncio.sleep(0.05)
    answer = await client.get(seen.viewer.location)
    told = await problem(answer)
    async with witness(client) as again:
        while not again.pictures:
            await asyncio.sleep(0.01)
        return again.pictures[0] - since, told


async def test_places_are_those_of_the_whole_server(server):
    """Six offered where four fit: two are told when to come back, four see every picture."""
    async with crew(server) as client, AsyncExitStack() as stack:
        seen = [await stack.enter_async_context(witness(client)) for _ in range(4)]
        offered = await offer()
        for _ in range(2):
            answer = await client.post("/v1/sessions", data=offered, headers=SDP)
            assert (await problem(answer))[1]["type"] == "urn:visavis:full"
            assert int(answer.headers["Retry-After"]) >= 1
        ready = await (await client.get("/readyz")).json()
        assert (ready["places"], ready["taken"], ready["why"]) == (4, 4, "max_sessions is set")
        gone = await client.delete(seen[0].viewer.location)
        assert gone.status == 200
        async with witness(client):
            told = await metrics(client)
        assert told["visavis_sessions_refused_total"] == 2
        await asyncio.sleep(0.3)
        assert all(each.rate(each.pictures) > 24 for each in seen[1:])


async def test_a_session_is_found_in_whichever_worker(server):
    async with crew(server) as client, AsyncExitStack() as stack:
        seen = [await stack.enter_async_context(witness(client)) for _ in range(2)]
        for each in seen:
            viewer = each.viewer
            said = await client.post(f"{viewer.location}/say", json={"text": "Hello there."})
            assert said.status == 202
            assert (await viewer.wait_for("reply_ended"))["reason"] == "done"
            begun = await client.post(f"{viewer.location}/recording")
            assert begun.status == 201
            assert begun.headers["Location"] == f"{viewer.location}/recording"
            ended = await client.delete(f"{viewer.location}/recording")
            file = Path((await ended.json())["file"])
            assert file.parent == server.home / "recordings"
            assert await asyncio.to_thread(file.is_file)
            again = Viewer()
            token = viewer.messages[0]["resume"]
            answer = await client.post(
                "/v1/sessions",
                data=await again.offer(),
                headers={**SDP, "Visavis-Resume": token},
            )
            assert (answer.status, answer.headers["Location"]) == (201, viewer.location)
            await again.close()
        avatars = await (await client.get("/v1/avatars")).json()
        assert "mira" in {each["name"] for each in avatars["avatars"]}
        assert (await client.get("/v1/sessions/none")).status == 404


async def test_what_was_said_goes_on_in_another_worker(server):
    async with crew(server) as client:
        async with watching(client) as viewer:
            await client.post(f"{viewer.location}/text", json={"text": "hello"})
            await viewer.wait_for("reply_ended")
            token = viewer.messages[0]["resume"]
            await client.post(f"{viewer.location}/leave", json={})
        async with asyncio.timeout(10):  # 3 s for a reload
            while (await client.get(viewer.location)).status != 404:
                await asyncio.sleep(0.1)
        async with witness(client):  # in the worker that has had it: the other one is roomier now
            async with resumed(client, token) as again:
                ready = await again.wait_for("ready")
                assert again.location == viewer.location
                assert (ready["resumed"], ready["resume"]) == (True, token)
                assert [line["text"] for line in ready["history"]] == ["hello", "hello"]
                assert (await client.get(again.location)).status == 200
            await client.delete(again.location)
        status, told = await refusal(client, token)
        assert (status, told["type"]) == (404, "urn:visavis:session-over")


async def test_kill_9_of_a_worker_costs_only_its_own_sessions(server):
    async with crew(server) as client, AsyncExitStack() as stack:
        lags = await stack.enter_async_context(own_lags())
        one, other = [await stack.enter_async_context(witness(client)) for _ in range(2)]
        token = one.viewer.messages[0]["resume"]
        arrived = arrivals(other.viewer)
        await asyncio.sleep(1)
        before = await metrics(client)
        complained = len(re.findall("a worker ended", server.complained()))
        workers = children(server.process.pid)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)  # the first had the first session
        killed = time.monotonic()
        took, (status, told) = await back(client, one, killed)
        assert (status, told["type"]) == (410, "urn:visavis:session-lost")
        assert soon(took, 2), took
        resumed = await client.post(
            "/v1/sessions", data=await offer(), headers={**SDP, "Visavis-Resume": token}
        )
        assert (await problem(resumed))[1]["type"] == "urn:visavis:session-lost"
        await asyncio.sleep(1)
        assert other.pictures[-1] > killed + 1.5
        # The viewers are in this process, which holds them up itself while it connects one.
        patience = 0.1 * crowd() + max(lags)
        for kind in ("video", "audio"):
            came = [at for at in arrived[kind] if at > killed - 0.2]
            assert other.gap(came) < patience
        state = await (await client.get(other.viewer.location)).json()
        assert state["late_frames"] <= 2 * crowd()  # none on a machine that has nothing else to do
        assert not any((await other.lost()).values())
        while (after := await metrics(client))["visavis_workers"] < 2:
            await asyncio.sleep(0.1)
        counted = [name for name in before if re.search(r"_(total|count|bucket|sum)(\{|$)", name)]
        assert [name for name in counted if after[name] < before[name]] == []
        for name in ('visavis_workers_lost_total{why="killed"}', "visavis_sessions_lost_total"):
            assert after[name] == before.get(name, 0) + 1
        assert after["visavis_frames_total"] > before["visavis_frames_total"] > 20
        assert len(re.findall("a worker ended", server.complained())) - complained == 1


async def leave(client, it, end):
    """What visitors and newcomers are told of a server that ends; `end` waits for that."""
    async with witness(client) as talking, witness(client) as silent:
        text = '{"type": "text", "text": "one two three four five six"}'
        talking.viewer.channel.send(text)
        await talking.viewer.wait_for("reply_started")
        it.process.terminate()
        await silent.viewer.wait_for("goodbye", reason="shutdown", within=2)
        answer = await client.post("/v1/sessions", data=await offer(), headers=SDP)
        assert (await problem(answer))[1]["type"] == "urn:visavis:not-ready"
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await client.get("/readyz")).status == 503
        assert (await talking.viewer.wait_for("reply_ended"))["reason"] == "done"
        await talking.viewer.wait_for("error", code="server-ends")
        await talking.viewer.wait_for("goodbye", reason="shutdown", within=2)
        assert await end == 0


async def test_a_server_that_ends_lets_a_reply_be_finished(tmp_path):
    async with (
        child(tmp_path, "moving", "--workers", "1", "--max-sessions", "4") as it,
        aiohttp.ClientSession(f"http://127.0.0.1:{it.port}") as client,
        asyncio.timeout(30),
    ):
        await leave(client, it, it.process.wait())


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
async def test_a_second_signal_ends_it_at_once(tmp_path, workers):
    async with (
        child(tmp_path, "engine", "--workers", workers, "--drain-seconds", "30") as it,
        aiohttp.ClientSession(f"http://127.0.0.1:{it.port}") as client,
        AsyncExitStack() as stack,
    ):
        viewer = Viewer()
        stack.push_async_callback(viewer.close)
        await viewer.connect(client)
        await viewer.wait_for("ready")
        viewer.channel.send('{"type": "text", "text": "hang, please"}')
        await viewer.wait_for("thinking")
        it.process.terminate()
        await viewer.wait_for("error", code="server-ends")
        workers_alive = children(it.process.pid)
        took, _ = await ends(it)
        assert soon(took, 5), it.complained
        await asyncio.sleep(0.2)
        assert not [pid for pid in workers_alive if is_alive(pid)]


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_server_that_cannot_load_its_models_says_why_and_ends(tmp_path, workers):
    async with child(tmp_path, "broken", "--workers", workers, waits=False) as it:
        _, errors = await asyncio.wait_for(it.process.communicate(), 30)
        assert it.process.returncode == 1
        assert b"visavis: the model is broken\n" in errors
        assert b"Traceback" not in errors


async def test_a_worker_that_cannot_begin_is_tried_again_more_and_more_slowly(tmp_path):
    async with (
        child(tmp_path, "start", *WORKERS, waits=False) as it,
        aiohttp.ClientSession(f"http://127.0.0.1:{it.port}") as client,
    ):
        async with asyncio.timeout(20):
            while (await metrics(client)).get('visavis_workers_lost_total{why="start"}', 0) < 3:
                await asyncio.sleep(0.1)
        told = await client.get("/readyz")
        assert told.status == 503
        assert (await told.json())["missing"]
        answer = await client.post("/v1/sessions", data=await offer(), headers=SDP)
        code = (await problem(answer))[1]["type"]  # "starting" while the next one is tried
        assert code in {"urn:visavis:not-ready", "urn:visavis:starting"}
        took, status = await ends(it)
        assert (soon(took, 5), status) == (True, 0)
        pauses = [float(p) for p in re.findall(r'"again_in": ([\d.]+)', it.complained)]
        assert pauses[:3] == sorted(set(pauses[:3]))


@pytest.mark.slow
async def test_a_worker_that_hangs_is_replaced(server):
    async with crew(server) as client:
        os.kill(children(server.process.pid)[0], signal.SIGSTOP)
        while (await metrics(client)).get('visavis_workers_lost_total{why="hung"}', 0) < 1:
            await asyncio.sleep(0.2)
        while (await metrics(client))["visavis_workers"] < 2:
            await asyncio.sleep(0.2)


async def test_so_does_one_with_workers(server):
    """The last of those that share the server."""
    async with crew(server) as client:
        workers = children(server.process.pid)
        await leave(client, server, asyncio.to_thread(server.process.wait))
        assert not any(map(is_alive, workers))


# --- an offer whose worker dies over it -----------------------------------------------------------


@asynccontextmanager
async def forwarded(folder):
    """A client of a parent with two workers: one that is dead, which nobody knows yet."""

    async def answer(_request):
        return web.Response(status=201, text="v=0")

    living = web.Application()
    living.router.add_post("/v1/sessions", answer)
    runner = web.AppRunner(living)
    await runner.setup()
    await web.UnixSite(runner, str(folder / "1.sock")).start()
    crew = Crew(Order((), {}, {}), 2, folder, Places(4, 0), Metrics())
    for slot in (0, 1):
        worker = crew.workers[slot] = Worker(slot, None)
        worker.linked(None, str(folder / f"{slot}.sock"))
        worker.missing, worker.heard = None, time.monotonic()
    app = web.Application(middlewares=[trusting])
    app.add_routes(Forwarding(crew, lambda: None).routes())
    async with TestClient(TestServer(app)) as client:
        yield client, crew
    for worker in crew.workers.values():
        await worker.close()
    await runner.cleanup()


async def test_an_offer_goes_to_another_worker_when_one_dies_over_it(tmp_path):
    """The parent may not know yet, and the dead one looks as if it had the most room."""
    async with forwarded(tmp_path) as (client, crew):
        crew.workers[1].pending += 1
        assert crew.roomiest() is crew.workers[0]
        assert (await client.post("/v1/sessions", data="v=0", headers=SDP)).status == 201
        assert [worker.pending for worker in crew.workers.values()] == [0, 1]


async def test_an_offer_for_a_name_goes_to_the_worker_that_has_it(tmp_path, monkeypatch):
    """Whatever room it has: it takes the place of its own one."""
    async with forwarded(tmp_path) as (client, crew):
        crew.register._where["scene-stage"] = crew.workers[1]
        monkeypatch.setattr(crew, "roomiest", lambda *_: None)
        named = await client.post("/v1/sessions?name=stage", data="v=0", headers=SDP)
        other = await client.post("/v1/sessions?name=lobby", data="v=0", headers=SDP)
        assert named.status == 201
        assert other.status != 201, "nobody has that one, and nobody has room"


async def test_a_full_house_is_told_before_a_worker_is_asked(tmp_path, monkeypatch):
    async with forwarded(tmp_path) as (client, crew):
        for number in range(4):
            crew.register._places.take(f"s{number}", "192.0.2.1")
            crew.register._places._taken[f"s{number}"].holder = Distant("live", 0.0, begun=True)
        monkeypatch.setattr(crew, "roomiest", lambda *_: pytest.fail("a worker was asked"))
        answer = await client.post("/v1/sessions", data="v=0", headers=SDP)
        assert (await problem(answer))[0] == 503
        assert "Retry-After" in answer.headers
        assert crew._metrics.refused._value.get() == 1


SECRET = "a secret of which tokens are made"


@asynccontextmanager
async def visited(folder, **settings):
    """A client of a parent with two workers that open what they are asked to, and what that was."""
    places, metrics = Places(8, 0), Metrics()
    crew, asked, runners = Crew(Order((), {}, {}), 2, folder, places, metrics), [], []

    def living(slot):
        async def answer(request):
            asked.append((slot, request.method, request.path_qs, dict(request.headers)))
            name = request.match_info.get("id") or f"s{len(asked)}"
            if request.method == "POST":
                crew.register._take(crew.workers[slot], 1, name, "192.0.2.1")
                crew.register._hold(crew.workers[slot], name, "live", 0.0, True)
            location = {"Location": f"/v1/sessions/{name}"}
            return web.Response(status=201, text="v=0", headers=location)

        app = web.Application()
        app.router.add_post("/v1/sessions", answer)
        app.router.add_get("/v1/sessions/{id}", answer)
        return app

    for slot in (0, 1):
        runners.append(runner := web.AppRunner(living(slot)))
        await runner.setup()
        await web.UnixSite(runner, str(folder / f"{slot}.sock")).start()
        worker = crew.workers[slot] = Worker(slot, None)
        worker.linked(None, str(folder / f"{slot}.sock"))
        worker.missing, worker.heard = None, time.monotonic()
    config = Config(home=str(folder), token="the operator's", token_secret=SECRET, **settings)
    guard = composition.guard(config, metrics, places, crew.register.evict)
    app = web.Application(middlewares=[guard.middleware])
    app.add_routes(Forwarding(crew, lambda: None).routes())
    async with TestClient(TestServer(app)) as client:
        yield client, crew, asked
    for worker in crew.workers.values():
        await worker.close()
    for runner in runners:
        await runner.cleanup()


async def test_a_visitors_token_holds_over_all_workers(tmp_path):
    """The parent alone knows of it: workers get what it chose, and no word of the token."""

    async def offer(subject, **bounds):
        token = passes.sign(SECRET, time.time(), 60, bounds, subject)
        headers = {**SDP, "Authorization": f"Bearer {token}", "Visavis-Caller": "203.0.113.9"}
        answer = await client.post("/v1/sessions?length=900", data="v=0", headers=headers)
        return answer, {"Authorization": f"Bearer {token}"}

    async with visited(tmp_path, token_sessions=2) as (client, crew, asked):
        one, anna = await offer("anna", avatars=["mira"], length=60)
        two, _ = await offer("anna", length=120)
        assert {slot for slot, *_ in asked} == {0, 1}
        assert asked[0][2] == "/v1/sessions?length=60&avatar=mira"
        assert asked[1][2] == "/v1/sessions?length=120"
        assert not any("Bearer" in str(headers) for *_, headers in asked)
        assert asked[0][3]["Visavis-Caller"] == "127.0.0.1"
        three, _ = await offer("anna")
        assert (await problem(three))[1]["type"] == "urn:visavis:quota-sessions"
        other, ben = await offer("ben")
        assert (one.status, two.status, other.status) == (201, 201, 201)
        assert (await client.get(one.headers["Location"], headers=anna)).status == 201
        assert (await client.get(one.headers["Location"], headers=ben)).status == 404
        crew.register._becomes(crew.workers[0], "s1", "resting", 0.0, True)
        assert (await offer("anna"))[0].status == 201  # it gave way
        assert "s1" not in crew.workers[0].names


async def test_whose_place_is_needed_is_told_to_the_worker_that_has_it(tmp_path):
    async with forwarded(tmp_path) as (_, crew):
        worker, told = crew.workers[1], []
        worker.tell = lambda *words: told.append(words)
        crew.register._take(worker, 1, "s1", "192.0.2.1")
        freed = []
        crew.register._places.freed.append(freed.append)
        crew.register.evict("s1")
        crew.register.evict("s1")
        assert (freed, told[1:], worker.names) == (["s1"], [("leave", "s1")], {})


async def test_a_silent_worker_is_asked_last(tmp_path):
    async with forwarded(tmp_path) as (_, crew):
        crew.workers[0].heard -= 2
        assert crew.roomiest() is crew.workers[1]
        crew.workers[1].is_over = True
        assert crew.roomiest() is crew.workers[0]


async def test_a_system_without_room_for_a_process_is_asked_again(tmp_path, monkeypatch, caplog):
    """It may be for a moment only, and the place must not stay empty for it."""
    tries = []

    async def refused(*command, **_):
        tries.append(command)
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refused)
    crew = Crew(Order((), {}, {}), 1, tmp_path, Places(4, 0), Metrics())
    opening = asyncio.create_task(crew.open())
    async with asyncio.timeout(5):
        while len(tries) < 3:
            await asyncio.sleep(0.05)
    opening.cancel()
    await crew.close()
    assert crew.missing
    assert [r.message for r in caplog.records] == ["a worker cannot be started"] * len(tries)
