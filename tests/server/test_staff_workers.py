"""The staff of a server with several processes: one list, and each session in whichever it is."""

import asyncio
import json
import os
import signal
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
from support.pace import soon
from support.serving import Viewer, problem, watching
from support.staffing import BEN, STAFF, TOKEN, desk, do, looking, of
from support.standing import children, standing


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("staff-workers")
    file = home / "staff-token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    options = ("--workers", "2", "--max-sessions", "4", "--staff-token-file", str(file))
    with standing(home, "nothing", *options) as it:
        yield it


@asynccontextmanager
async def crew(it):
    """A client, once both workers are ready."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{it.port}") as client:
        async with asyncio.timeout(40):
            while "visavis_workers 2.0" not in await (await client.get("/metrics")).text():
                await asyncio.sleep(0.05)
        yield client


async def again(client, viewer):
    """Why a session cannot be looked at once more."""
    async with client.get(of(viewer, "/events"), headers=STAFF, params=BEN) as response:
        return (await problem(response))[1]["type"]


def name(viewer):
    return viewer.location.rsplit("/", 1)[1]


async def test_one_list_and_each_session_wherever_it_is(server):
    async with crew(server) as client, AsyncExitStack() as stack:
        list_ = await stack.enter_async_context(desk(client))
        viewers = [await stack.enter_async_context(watching(client)) for _ in range(2)]
        names = {name(viewer) for viewer in viewers}
        await list_.until(lambda m: {s["id"] for s in m.get("sessions", [])} == names)
        for viewer in viewers:
            async with looking(client, viewer) as page:
                await page.wait_for("history")
                await viewer.wait_for("attended", by="watching")
                assert (await do(client, "POST", viewer, "hold"))[0] == 204
                assert (await do(client, "POST", viewer, "hold", BEN))[0] == 409
                assert (await do(client, "POST", viewer, "say", text="Hello"))[0] == 202
                await page.wait_for("caption", text="Hello", within=15)
                assert (await do(client, "DELETE", viewer, "hold"))[0] == 204
            await viewer.wait_for("attended", by="nobody")
        viewer = viewers[0]
        viewer.channel.send(json.dumps({"type": "text", "text": "Can I talk to a person?"}))
        began = asyncio.get_running_loop().time()
        await list_.until(lambda m: any(s["wanted_seconds"] for s in m.get("sessions", [])))
        assert soon(asyncio.get_running_loop().time() - began, 1)
        metrics = await (await client.get("/metrics")).text()
        assert 'visavis_staff_wanted_total{there="yes"} 1.0' in metrics
        assert "visavis_staff_present 1.0" in metrics


async def test_a_worker_that_dies_ends_what_is_looked_at_and_nothing_else(server):
    async with crew(server) as client, AsyncExitStack() as stack:
        list_ = await stack.enter_async_context(desk(client))
        one, other = [await stack.enter_async_context(watching(client)) for _ in range(2)]
        await list_.until(lambda m: len(m.get("sessions", [])) == 2)
        looked = await stack.enter_async_context(looking(client, one))
        beside = await stack.enter_async_context(looking(client, other))
        assert (await do(client, "POST", one, "hold"))[0] == 204
        os.kill(children(server.process.pid)[0], signal.SIGKILL)  # it had the first session
        async with asyncio.timeout(5):
            while not looked.ended:
                await asyncio.sleep(0.02)
        async with asyncio.timeout(5):
            while (told := await again(client, one)) != "urn:visavis:session-lost":
                assert told == "urn:visavis:not-ready"  # until its end is known
                await asyncio.sleep(0.05)
        await list_.until(lambda m: [s["id"] for s in m.get("sessions", [])] == [name(other)])
        assert not beside.ended
        assert (await do(client, "POST", other, "hold"))[0] == 204


async def test_nobody_without_the_staffs_token_reaches_a_worker(server):
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as client:
        viewer = Viewer()
        viewer.location = "/v1/sessions/none"
        async with client.post(of(viewer, "/hold"), params=BEN) as response:
            assert (await problem(response))[0] == 401
        assert (await do(client, "POST", viewer, "hold"))[0] == 404
        await viewer.close()


async def test_the_staffs_token_is_in_no_log_and_no_environment(server):
    assert TOKEN not in server.complained()
    for pid in children(server.process.pid):
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: ASYNC230 (of the kernel)
            assert TOKEN.encode() not in file.read()
