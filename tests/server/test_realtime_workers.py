"""OpenAI's Realtime on a server with several processes: any of them has the session."""

import asyncio
import re

import aiohttp
import pytest
from openai import AsyncOpenAI
from support.realtime_client import KEY, Caller, until
from support.standing import standing

from visavis.server.rtc import connection as rtc


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("realtime-workers")
    file = home / "key"
    file.write_text(KEY)
    file.chmod(0o600)
    options = ("--workers", "2", "--max-sessions", "4", "--realtime-key-file", str(file))
    with standing(home, "nothing", *options) as it:
        yield it


async def both_ready(port):
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client, asyncio.timeout(40):
        while "visavis_workers 2.0" not in await (await client.get("/metrics")).text():
            await asyncio.sleep(0.05)


async def taken(port):
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        found = re.search(
            r"^visavis_sessions (\d+)", await (await client.get("/metrics")).text(), re.M
        )
        return int(found[1])


@pytest.mark.slow
async def test_sockets_calls_and_keys_in_any_of_them(server):
    await both_ready(server.port)
    address = f"http://127.0.0.1:{server.port}/v1"
    async with AsyncOpenAI(api_key=KEY, base_url=address, max_retries=0) as client:
        made = await client.realtime.client_secrets.create(session={"type": "realtime"})
        page = client.with_options(api_key=made.value)
        async with (
            client.realtime.connect(model="x") as first,
            page.realtime.connect(model="x") as second,
        ):
            for socket in (first, second):
                await socket.response.create()
                assert (await until(socket, "response.done"))[-1].response.status == "completed"
            caller = Caller(video=True)
            try:
                answer = await client.realtime.calls.create(sdp=await caller.offer())
                await caller.answered(answer.text)
                await caller.until("session.created")
                await asyncio.wait_for(caller.tracks["video"].recv(), 5)
                name = answer.response.headers["Location"].rsplit("/", 1)[1]
                await client.realtime.calls.hangup(name)  # by name, whoever has it
                async with asyncio.timeout(5):
                    while caller.pc.connectionState == "connected":
                        await asyncio.sleep(0.02)
            finally:
                await rtc.close(caller.pc)
        async with asyncio.timeout(10):
            while await taken(server.port):
                await asyncio.sleep(0.05)
        with pytest.raises(Exception, match="401"):
            await client.with_options(api_key="wrong").realtime.client_secrets.create()
