"""The addresses for Simli's clients: with the unmodified simli-ai, and what no client sends."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager

import aiohttp
import pytest
from support import simli_caller
from support.pace import soon
from support.services import FakeServices
from support.serving import Viewer, serving

KEY = "sesame-sesame-sesame"
ON = {"simli_key": KEY, "max_sessions": 20}
SENT = {"x-simli-api-key": KEY}


@asynccontextmanager
async def calling(server, *names, key=KEY):
    """simli-ai in a process of its own, playing these scenarios."""
    url = str(server.make_url("")).rstrip("/")
    command = (sys.executable, simli_caller.__file__, url, key, *names)
    caller = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        yield caller
    finally:
        if caller.returncode is None:
            caller.kill()
        await caller.wait()


async def played(server, *names, key=KEY):
    """What became of them."""
    async with calling(server, *names, key=key) as caller:
        async with asyncio.timeout(40):
            output, _ = await caller.communicate()
    told = {}
    for line in output.splitlines():
        told |= json.loads(line)
    assert set(told) == set(names), output
    return told


async def test_the_python_client_talks_is_cut_off_and_talks_again():
    async with serving(**ON) as server:
        told = await played(server, "talk", "skip", "done", "notices", "idle", "length")
        talk = told["talk"]
        assert talk["events"] == ["speak", "silent"] * 2
        assert talk["picture"] == [128, 128]
        # How soon is measured by `bench simli`; here six clients share a busy machine.
        assert all(soon(first, 5.0) for first, _ in talk["loud"]), talk
        assert all(length > 0.2 and soon(length, 2.0) for _, length in talk["loud"]), talk
        assert told["skip"]["events"] == ["speak", "silent"] * 2, told
        assert soon(told["skip"]["late"], 2.0)  # of 80 s that were sent
        assert told["skip"]["again"]
        assert told["done"]["why"] == "DONE", told
        assert told["done"]["error"] == "None"
        assert told["done"]["heard"] > 0.2
        assert soon(told["done"]["heard"], 2.0)
        assert told["notices"] == {"why": None}
        assert told["idle"] == {"why": "IDLE", "error": "None"}
        assert told["length"] == {"why": "MAX", "error": "None"}
        assert (await played(server, "talk"))["talk"]["events"] == ["speak", "silent"] * 2


async def test_what_is_wrong_is_told_as_the_client_knows_it():
    async with serving(**ON) as server:
        told = await played(server, "wrong face", "wrong format")
        face = told["wrong face"]
        assert (face["failed"], face["code"]) == ("SimliAPIError", "INVALID_FACE_ID")
        assert told["wrong format"]["status"] == 400
        wrong = (await played(server, "talk", key="wrong"))["talk"]
        assert (wrong["failed"], wrong["code"]) == ("SimliAPIError", "INVALID_API_KEY")


async def test_a_client_that_vanishes_leaves_nothing_behind():
    fakes = FakeServices()
    async with serving(fakes, **ON) as server, calling(server, "vanish") as caller:
        await caller.stdout.readline()
        assert fakes.lent == 1
        caller.kill()
        async with asyncio.timeout(10):
            while fakes.lent:
                await asyncio.sleep(0.05)


# --- what no client sends -------------------------------------------------------------------------


async def token(server, **wanted):
    response = await server.post("/compose/token", json={"faceId": "mira", **wanted}, headers=SENT)
    assert response.status == 200, await response.text()
    return (await response.json())["session_token"]


@asynccontextmanager
async def offering(server, given=None):
    """A web socket that has sent a good offer."""
    viewer = Viewer()
    offer = json.dumps({"sdp": await viewer.offer(), "type": "offer"})
    given = await token(server) if given is None else given
    try:
        async with server.ws_connect(f"/compose/webrtc/p2p?session_token={given}") as socket:
            await socket.send_str(offer)
            yield socket
    finally:
        await viewer.close()


async def words(socket):
    """All that is said until it closes."""
    return [message.data async for message in socket]


async def test_it_is_off_unless_there_is_a_key():
    async with serving() as server:
        response = await server.post("/compose/token", json={"faceId": "mira"}, headers=SENT)
        assert response.status == 404


async def test_the_servers_own_token_does_as_well_and_wrong_keys_are_counted():
    async with serving(**ON, token="the server's own token") as server:
        mine = {"Authorization": "Bearer the server's own token"}
        assert (await server.get("/compose/ice", headers=mine)).status == 200
        statuses = []
        for _ in range(12):
            response = await server.get("/compose/ice", headers={"x-simli-api-key": "wrong"})
            statuses.append(response.status)
        assert statuses[0] == 401
        assert statuses[-1] == 429
        assert (await server.get("/compose/ice", headers=SENT)).status == 200


@pytest.mark.parametrize("given", ["", "a.b.c", "x" * 5000])
async def test_a_token_that_is_none_opens_nothing(given):
    fakes = FakeServices()
    async with serving(fakes, **ON) as server, offering(server, given) as socket:
        assert await words(socket) == ["ERROR: INVALID SESSION TOKEN"]
        assert fakes.lent == 0


async def test_what_is_no_offer_is_refused():
    async with serving(**ON) as server:
        for first in ("SKIP", "{}", b"\0\1", '{"type": "offer", "sdp": "v=0"}'):
            given = await token(server)
            async with server.ws_connect(f"/compose/webrtc/p2p?session_token={given}") as socket:
                await (socket.send_bytes(first) if isinstance(first, bytes)
                       else socket.send_str(first))  # fmt: skip
                told = await words(socket)
                assert len(told) == 1
                assert told[0].startswith("ERROR: "), told


async def test_a_full_house_says_so():
    fakes = FakeServices()
    async with serving(fakes, simli_key=KEY, max_sessions=1) as server, offering(server) as first:
        assert json.loads((await first.receive()).data)["type"] == "answer"
        async with offering(server) as second:
            [told] = await words(second)
            assert told.startswith("ERROR: RATE LIMIT: All 1 places are taken.")
        assert fakes.lent == 1


async def test_a_message_that_is_too_long_ends_it():
    fakes = FakeServices()
    async with serving(fakes, **ON) as server, offering(server) as socket:
        await socket.receive()
        await socket.send_bytes(bytes((1 << 20) + 100))
        assert await words(socket) == []
        assert socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        async with asyncio.timeout(5):
            while fakes.lent:
                await asyncio.sleep(0.02)


async def test_livekit_mode_is_refused_with_the_way_that_works():
    async with serving(**ON) as server:
        given = await token(server)
        async with server.ws_connect(f"/compose/webrtc/livekit?session_token={given}") as socket:
            [told] = await words(socket)
            assert "P2P" in told
