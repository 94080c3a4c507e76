"""Addresses with a key of their own: who gets in, how they may send it, and what pages may do."""

from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from visavis.server.http import entrances
from visavis.server.http.entrances import Entrance
from visavis.server.http.guard import Guard
from visavis.server.http.keys import Keys
from visavis.server.http.roles import ANYBODY, VISITOR
from visavis.server.system.metrics import Metrics


@asynccontextmanager
async def guarded(token="", **entrance):
    async def answer(request):
        return web.json_response("in")

    wire = Entrance(prefixes=("/wire/",), **{"key": "the key", **entrance})
    guard = Guard(
        Keys(token),
        Metrics(),
        entrances=[wire],
        rule_of=lambda request: VISITOR if request.path.startswith("/v1/") else ANYBODY,
    )
    app = web.Application(middlewares=[guard.middleware])
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize(
    ("sent", "headers", "query"),
    [
        (None, {"Authorization": "Bearer the key"}, ""),
        (None, {"Authorization": "bearer  the key"}, ""),
        (None, {"Authorization": "Bearer the token"}, ""),  # the operator's
        (entrances.header("X-Key"), {"X-Key": "the key"}, ""),
        (entrances.query("key"), {}, "?key=the%20key"),
        (entrances.protocol("key."), {"Sec-WebSocket-Protocol": "realtime, key.the key"}, ""),
        (entrances.either(entrances.header("A"), entrances.header("B")), {"B": "the key"}, ""),
    ],
)
async def test_a_key_is_taken_as_a_client_sends_it(sent, headers, query):
    async with guarded("the token", sent=sent) as client:
        assert (await client.post(f"/wire/a{query}", headers=headers)).status == 200
        assert (await client.post("/wire/a")).status == 401


async def test_a_wrong_key_is_refused_with_how_to_send_it_and_then_not_heard():
    how = "as `X-Key: KEY`"
    async with guarded(sent=entrances.header("X-Key"), how=how) as client:
        refused = await client.get("/wire/a", headers={"X-Key": "\udcff wrong"[1:]})
        assert (refused.status, how in (await refused.json())["detail"]) == (401, True)
        for _ in range(9):
            await client.get("/wire/a", headers={"X-Key": "wrong"})
        assert (await client.get("/wire/a", headers={"X-Key": "wrong"})).status == 429
        assert (await client.get("/wire/a", headers={"X-Key": "the key"})).status == 200
        assert (await client.get("/wires/a")).status == 200  # is none of its addresses
        assert (await client.get("/v1/a", headers={"X-Key": "wrong"})).status == 200


async def test_a_loose_address_lets_the_wire_look_itself():
    async with guarded(loose=lambda request: request.path.endswith("/socket")) as client:
        assert (await client.get("/wire/socket")).status == 200
        assert (await client.get("/wire/other")).status == 401


async def test_pages_of_other_origins_may_call_where_there_is_a_key():
    other = {"Origin": "https://elsewhere.example"}
    asks = {**other, "Access-Control-Request-Method": "POST"}
    async with guarded(headers=("X-Key",), credentials=True) as client:
        told = await client.options("/wire/a", headers=asks)
        assert told.status == 204
        assert "X-Key" in told.headers["Access-Control-Allow-Headers"]
        assert told.headers["Access-Control-Allow-Origin"] == "https://elsewhere.example"
        assert told.headers["Access-Control-Allow-Credentials"] == "true"
        assert (await client.options("/wire/a")).status == 401  # no preflight: for the wire
        key = {**other, "Authorization": "Bearer the key"}
        assert (await client.post("/wire/a", headers=key)).status == 200
        assert (await client.post("/v1/sessions", headers=key)).status == 403
    async with guarded(key="") as client:  # guarded as everything else
        assert (await client.post("/wire/a", headers=other)).status == 403
        assert (await client.post("/wire/a")).status == 200
    async with guarded("the token", key="") as client:
        assert (await client.post("/wire/a")).status == 401
