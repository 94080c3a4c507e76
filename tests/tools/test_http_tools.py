"""Tools over HTTP, against a local server that also behaves badly."""

import asyncio
import gzip
import json
import time

import pytest
from aiohttp import web
from support.asking import Asked, opened
from support.pace import soon

from visavis.engines.base import Tool
from visavis.server.tools import selection
from visavis.server.tools.reach import is_public
from visavis.server.tools.specs import HttpTool, Limits, ToolsFile

PARAMETERS = {
    "type": "object",
    "required": ["kind"],
    "properties": {"kind": {"type": "string"}, "night": {"type": "string"}},
}
ADVICE = "Say to the visitor in plain words"


class Service:
    """Answers in the way that the path says, and keeps what it was asked."""

    def __init__(self):
        self.asked = []

    async def answer(self, request):
        self.asked.append((request.method, request.path_qs, await request.text(), request.headers))
        way = request.match_info["way"]
        if way == "rooms":
            return web.json_response({"rooms": [{"name": "Lark"}, {"name": "Finch"}], "n": 2})
        if way == "hang":
            await asyncio.sleep(600)
        if way == "drip":
            return await self._drip(request)
        if way == "gzip":
            body = gzip.compress(b"x" * 10_000_000)
            return web.Response(body=body, headers={"Content-Encoding": "gzip"})
        if way == "die":
            request.transport.abort()
        if way in {"here", "there", "inside", "round"}:
            raise web.HTTPFound(await self._location(way))
        bodies = {"flood": "x" * 200_000, "broken": '{"rooms": [', "plain": "open until nine"}
        kind = "text/plain" if way == "plain" else "application/json"
        status = 503 if way == "down" else 200
        return web.Response(text=bodies.get(way, "{}"), content_type=kind, status=status)

    async def _location(self, way):
        return {
            "here": f"{self.address}/rooms/x",
            "there": "https://elsewhere.example/",
            "inside": "http://127.0.0.2:1/rooms/x",
            "round": f"{self.address}/round/x",
        }[way]

    async def _drip(self, request):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"x")
            await asyncio.sleep(0.01)
        return response


@pytest.fixture
async def service():
    made = Service()
    app = web.Application()
    app.router.add_route("*", "/{way}/{kind}", made.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


def tool(service, way="rooms", **options):
    options = {"limits": Limits(0.25, 50_000, 200), "hosts": frozenset({"127.0.0.1"}), **options}
    about = Tool("look", "Looks it up.", PARAMETERS)
    return ToolsFile(http=(HttpTool(about, "GET", f"{service.address}/{way}/{{kind}}", **options),))


async def test_what_is_asked_and_what_is_told(service):
    file = tool(
        service,
        query={"night": "{night}", "house": "inn"},
        headers={"Authorization": "Bearer secret"},
        answer=selection.parse("$.rooms[*].name"),
    )
    async with opened(file) as tools:
        assert tools.names == ["look"]
        used = await tools.use("look", kind="a/b", night="two words")
        assert used.result.content == "Lark\nFinch"
        assert used.deed is None
        assert 0 < used.result.seconds < 0.25
        assert tools.counted("look", "done") == 1
    ((method, path, body, headers),) = service.asked
    assert (method, path) == ("GET", "/rooms/a%2Fb?night=two+words&house=inn")
    assert (body, headers["Authorization"]) == ("", "Bearer secret")


async def test_an_optional_argument_that_was_not_given_is_left_out(service):
    async with opened(tool(service, query={"night": "{night}"})) as tools:
        told = await tools.told("look", kind="x")
    assert service.asked[0][1] == "/rooms/x"
    assert json.loads(told)["n"] == 2  # without a path all of it


async def test_a_body(service):
    about = Tool("book", "Books it.", PARAMETERS)
    body = {"kind": "{kind}", "night": "{night}", "by": "us"}
    post = HttpTool(about, "POST", f"{service.address}/plain/x", body=body)
    async with opened(ToolsFile(http=(post,))) as tools:
        assert await tools.told("book", kind='"', night="now") == "open until nine"
    method, _, sent, headers = service.asked[0]
    assert (method, json.loads(sent)) == ("POST", {"kind": '"', "night": "now", "by": "us"})
    assert headers["Content-Type"] == "application/json"


async def test_it_waits_until_the_visitor_has_finished(service):
    async with opened(tool(service)) as tools:
        asked = Asked(confirmed=False)
        using = asyncio.create_task(tools.use("look", asked, kind="x"))
        await asyncio.sleep(0.1)
        assert not service.asked
        asked.event.set()
        await using
        assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("way", "outcome", "words"),
    [
        ("hang", "timeout", "There was no answer within 0.25 s."),
        ("drip", "timeout", "There was no answer within 0.25 s."),
        ("flood", "too_large", "The answer has over 50000 bytes and was not read."),
        ("gzip", "failed", "packed form"),
        ("broken", "failed", "something unreadable"),
        ("down", "failed", "the error 503"),
        ("die", "unreachable", "broke off"),
        ("here", "failed", "redirects to another address"),
    ],
)
async def test_a_service_that_behaves_badly(service, way, outcome, words):
    async with opened(tool(service, way)) as tools:
        began = time.perf_counter()
        told = await tools.told("look", kind="x")
        assert soon(time.perf_counter() - began, 0.8)
        assert words in told
        assert ADVICE in told
        assert tools.counted("look", outcome) == 1


async def test_a_service_that_is_not_there(service):
    url = "http://127.0.0.1:9/{kind}"  # discard: nobody listens there
    about = Tool("look", "Looks it up.", PARAMETERS)
    async with opened(ToolsFile(http=(HttpTool(about, "GET", url),))) as tools:
        assert "cannot be reached" in await tools.told("look", kind="x")


@pytest.mark.parametrize(
    ("way", "options", "told"),
    [
        ("here", {"redirects": 1}, "private network"),
        ("here", {"redirects": 1, "private": True}, "Lark"),
        ("there", {"redirects": 1, "private": True}, "a host that is not allowed"),
        ("inside", {"redirects": 1}, "a host that is not allowed"),
        (
            "inside",
            {"redirects": 1, "hosts": frozenset({"127.0.0.1", "127.0.0.2"})},
            "private network",
        ),
        ("round", {"redirects": 3, "private": True}, "redirects to another address"),
    ],
)
async def test_redirects(service, way, options, told):
    async with opened(tool(service, way, **options)) as tools:
        assert told in await tools.told("look", kind="x")


async def test_a_name_that_resolves_to_a_private_address_is_not_followed(service):
    port = service.address.rpartition(":")[2]
    service._location = lambda way: asyncio.sleep(0, f"http://localhost:{port}/rooms/x")
    hosts = frozenset({"127.0.0.1", "localhost"})
    async with opened(tool(service, "here", redirects=1, hosts=hosts)) as tools:
        assert "private network" in await tools.told("look", kind="x")
    assert len(service.asked) == 1


async def test_secrets_do_not_follow_a_redirect_to_another_host(service):
    port = service.address.rpartition(":")[2]
    service._location = lambda way: asyncio.sleep(0, f"http://localhost:{port}/rooms/x")
    options = {"hosts": frozenset({"localhost"}), "redirects": 1, "private": True}
    async with opened(tool(service, "here", headers={"X-Key": "secret"}, **options)) as tools:
        assert "Lark" in await tools.told("look", kind="x")
    assert [("X-Key" in headers) for *_, headers in service.asked] == [True, False]


async def test_what_a_mind_gets_wrong_is_told_and_not_sent(service):
    async with opened(tool(service)) as tools:
        assert "There is no such tool. There are: look." in await tools.told("lock")
        assert "kind is missing" in await tools.told("look")
        assert "must be of type string" in await tools.told("look", kind=3)
        assert "must not be empty" in await tools.told("look", kind="..")
        assert not service.asked
        assert tools.counted("unknown", "refused") == 1
        assert tools.counted("look", "refused") == 3


async def test_cancelling_ends_the_call(service):
    async with opened(tool(service, "hang", limits=Limits(10.0))) as tools:
        using = asyncio.create_task(tools.use("look", kind="x"))
        await asyncio.sleep(0.1)
        using.cancel()
        began = time.perf_counter()
        with pytest.raises(asyncio.CancelledError):
            await using
        assert soon(time.perf_counter() - began, 0.5)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("localhost", False),
    ],
)
def test_which_addresses_are_public(address, expected):
    assert is_public(address) is expected
