"""Who may do what: every address of a server, and every role."""

import asyncio
import json
import logging
import secrets
import time

import pytest
from support.coming_back import token_of
from support.services import FakeServices
from support.serving import SDP, Viewer, problem, serving, watching

from visavis.server.avatars.store import AvatarStore
from visavis.server.commands import composition, doctor, lifetime, parent
from visavis.server.http import passes, roles
from visavis.server.http.admission import Admission
from visavis.server.http.places import Places
from visavis.server.processes.crew import Crew, Order
from visavis.server.rtc import conversation as conversations
from visavis.server.system import clock_doubt
from visavis.server.system.audit import Unaudited
from visavis.server.system.config import Config
from visavis.server.system.metrics import Metrics

OPERATOR, STAFF, METRICS = "operators-token", "staffs-token-of-its-own", "metrics-token-of-its-own"
SECRET = "a secret of which tokens are made"
HELD = {"token": OPERATOR, "staff_token": STAFF, "metrics_token": METRICS, "token_secret": SECRET}
WIRES = {
    "whep": "on", "whip": "on", "simli_key": "k" * 20, "livekit_key": "l" * 20,
    "liveavatar_key": "m" * 20, "pipecat_key": "n" * 20, "realtime_key": "o" * 20, "livekit_urls": "wss://livekit.example",
}  # fmt: skip


def visitor(subject="anna", lasts=600, now=None, name="", **bounds):
    """A header that brings a visitor's token."""
    made = passes.sign(SECRET, now or time.time(), lasts, bounds, subject, name)
    return {"Authorization": f"Bearer {made}"}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def apps(home):
    """A server of one process, and the parent of a server with workers; every wire is on."""
    config = Config(home=str(home), **HELD, **WIRES)
    fakes = FakeServices()
    yield (
        config,
        composition.application(config, fakes, AvatarStore(config.home_path), fakes.metrics),
    )
    fakes.close()
    metrics, places = Metrics(), Places(2, 0)
    crew = Crew(Order((), {}, {}), 1, home, places, metrics)
    admission = Admission(2, 1.0)
    yield (
        config,
        parent._application(config, crew, admission, places, lifetime.Stop(), metrics, Unaudited()),
    )


async def test_every_address_has_a_rule_or_a_key_of_its_own(tmp_path):
    for config, app in apps(tmp_path):
        entrances = composition.entrances(config)
        for route in app.router.routes():
            address = route.resource.canonical
            if any(each.holds(address) for each in entrances):
                continue
            method = "GET" if route.method == "HEAD" else route.method
            rule = roles.ruled(method, address)
            assert rule is not None, f"{method} {address} has no rule in server/http/roles.py"
            if address.startswith("/v1/") or address == "/metrics":
                assert rule, f"{address} is open to anybody"


async def test_an_address_without_a_rule_is_refused_even_to_the_operator(monkeypatch):
    async with serving(**HELD) as client:
        monkeypatch.delitem(roles.RULES, ("GET", "/v1/voices"))
        answer = await client.get("/v1/voices", headers=bearer(OPERATOR))
        status, told = await problem(answer)
        assert (status, told["type"]) == (403, "urn:visavis:no-rule")


# What each role gets of an address: whether it is let in.
ASKED = [
    ("GET", "/v1/avatars", "visitor operator"),
    ("GET", "/v1/voices", "visitor operator"),
    ("GET", "/v1/topics", "visitor operator"),
    ("GET", "/v1/ice-servers", "visitor operator"),
    ("GET", "/v1/avatars/mira/preview.webp", "visitor operator"),
    ("POST", "/v1/sessions", "visitor operator"),
    ("GET", "/v1/sessions/x", "visitor operator"),
    ("POST", "/v1/sessions/x/say", "visitor operator"),
    ("GET", "/v1/sessions/x/voice", "visitor operator"),
    ("GET", "/v1/nothing", "visitor operator"),
    ("PUT", "/v1/sessions", "visitor operator"),
    ("POST", "/v1/avatars", "operator"),
    ("DELETE", "/v1/avatars/mira", "operator"),
    ("GET", "/v1/avatars/jobs/1", "operator"),
    ("POST", "/v1/sessions/x/recording", "operator"),
    ("GET", "/v1/sessions/x/recording", "operator"),
    ("GET", "/v1/staff/sessions", "staff"),
    ("POST", "/v1/staff/sessions/x/hold", "staff"),
    ("GET", "/v1/staff/nothing", "staff"),
    ("GET", "/metrics", "metrics operator"),
    ("GET", "/healthz", "visitor staff operator metrics nobody"),
    ("GET", "/readyz", "visitor staff operator metrics nobody"),
    ("GET", "/staff", "visitor staff operator metrics nobody"),
    ("GET", "/visavis-avatar.js", "visitor staff operator metrics nobody"),
]


async def test_each_role_gets_what_it_may_and_is_told_who_may_the_rest():
    sent = {
        "visitor": visitor(), "staff": bearer(STAFF), "operator": bearer(OPERATOR),
        "metrics": bearer(METRICS), "nobody": {},
    }  # fmt: skip
    async with serving(**HELD) as client:
        for method, path, allowed in ASKED:
            for role, headers in sent.items():
                async with client.request(method, path, headers=headers) as answer:
                    code = ""
                    if answer.content_type == "application/problem+json":
                        code = (await answer.json())["type"].removeprefix("urn:visavis:")
                    let_in = answer.status not in {401, 429} and code != "wrong-role"
                    assert let_in == (role in allowed.split()), (method, path, role, code)
                    if not let_in and role != "nobody":
                        detail = (await answer.json())["detail"]
                        assert answer.status == 403
                        assert any(each.split()[0] in detail for each in allowed.split()), detail
        told = await (await client.get("/metrics", headers=bearer(METRICS))).text()
        assert 'visavis_tokens_refused_total{why="wrong-role"}' in told


async def test_a_token_that_is_none_says_which_and_is_slowed_down(caplog):
    caplog.set_level(logging.DEBUG)
    now = time.time()
    wrong = {
        "token-forged": bearer(visitor()["Authorization"][7:-4] + "AAAA"),
        "token-expired": visitor(now=now - 1000),
        "token-early": visitor(now=now + 7200, lasts=60),
        "unauthorized": bearer("guess"),
    }
    async with serving(**HELD) as client:
        for code, headers in wrong.items():
            answer = await client.get("/v1/avatars", headers=headers)
            status, told = await problem(answer)
            assert (status, told["type"]) == (401, f"urn:visavis:{code}")
            was_one = "invalid_token" in answer.headers["WWW-Authenticate"]
            assert was_one == code.startswith("token-")
            said = headers["Authorization"].split()[1]
            assert not any(part in json.dumps(told) for part in (said, said[-30:], SECRET))
        for _ in range(6):
            await client.get("/v1/avatars", headers=wrong["token-forged"])
        answer = await client.get("/v1/avatars", headers=wrong["token-forged"])
        assert (answer.status, "Retry-After" in answer.headers) == (429, True)
        assert (await client.get("/v1/avatars", headers=visitor())).status == 200
        told = await (await client.get("/metrics", headers=bearer(OPERATOR))).text()
        assert 'visavis_tokens_refused_total{why="token-expired"} 1.0' in told
        async with asyncio.timeout(5):
            while (doubt := await asyncio.to_thread(clock_doubt.last, _home(client))) is None:
                await asyncio.sleep(0.01)
        assert 7100 < doubt.ahead <= 7200
    heard = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert not any(h["Authorization"].split()[1][-20:] in heard for h in wrong.values())


def _home(client):
    """The folder of a server's state."""
    guard = client.app.middlewares[0].__self__
    return guard._early.__self__._path.parent.parent


async def test_a_visitor_talks_in_a_session_of_their_own_and_in_no_other():
    async with serving(**HELD) as client:
        anna, ben = visitor("anna"), visitor("ben")
        viewer = Viewer()
        viewer.location = await viewer.connect(client, headers=anna)
        await viewer.wait_for("ready")
        one = viewer.location
        said = await client.post(f"{one}/say", json={"text": "hello"}, headers=anna)
        assert said.status == 202
        assert (await client.get(one, headers=visitor("anna"))).status == 200  # a fresh one
        token = await token_of(viewer)
        for method, path in (
            ("GET", one), ("DELETE", one), ("PATCH", one), ("POST", f"{one}/say"),
            ("POST", f"{one}/leave"), ("GET", f"{one}/voice"),
        ):  # fmt: skip
            status, told = await problem(await client.request(method, path, headers=ben))
            _, none = await problem(await client.get("/v1/sessions/none", headers=ben))
            assert (status, told) == (404, none)
        other = Viewer()
        answer = await client.post(
            "/v1/sessions", data=await other.offer(),
            headers={**SDP, **ben, "Visavis-Resume": token},
        )  # fmt: skip
        assert (await problem(answer))[1]["type"] == "urn:visavis:session-over"
        await other.close()
        assert (await client.get(one, headers=bearer(OPERATOR))).status == 200
        await viewer.close()


async def test_what_is_left_of_a_session_is_its_visitors_alone(monkeypatch):
    monkeypatch.setattr(conversations, "_FAREWELL", 0.2)
    async with serving(**HELD) as client:
        anna, ben = visitor("anna", length=100), visitor("ben")
        viewer = Viewer()
        one = await viewer.connect(client, headers=anna)
        token = await token_of(viewer)
        await viewer.close()
        async with asyncio.timeout(10):
            while (await client.get(one, headers=bearer(OPERATOR))).status == 200:
                await asyncio.sleep(0.05)
        for headers, status in ((ben, 404), (anna, 201)):
            again = Viewer()
            offer = await again.offer()
            answer = await client.post(
                "/v1/sessions", data=offer, headers={**SDP, **headers, "Visavis-Resume": token}
            )
            assert answer.status == status
            await again.close()
        assert answer.headers["Location"] == one
        assert (await client.get(one, headers=anna)).status == 200


async def test_a_token_chooses_what_was_left_open_and_bounds_what_was_not(tmp_path):
    async with serving(**HELD) as client:
        for query, bounds, status in (
            ("avatar=tomas", {"avatars": ["mira"]}, 403),
            ("source=microphone", {"source": "dialogue"}, 403),
            ("language=de", {"language": "en"}, 403),
            ("name=lobby", {}, 403),
            ("length=soon", {}, 400),
            ("length=0", {}, 400),
            ("", {"avatars": ["nobody"]}, 404),
            ("avatar=mira", {"avatars": ["tomas", "mira"]}, 201),
        ):
            viewer = Viewer()
            answer = await client.post(
                f"/v1/sessions?{query}", data=await viewer.offer(),
                headers={**SDP, **visitor(secrets.token_hex(4), **bounds)},
            )  # fmt: skip
            assert answer.status == status, (query, await answer.text())
            await viewer.close()
        viewer = Viewer()
        await viewer.connect(client, headers=visitor(source="microphone"))
        assert (await viewer.wait_for("ready"))["source"] == "microphone"
        await viewer.close()
        bound = visitor(avatars=["tomas"])
        listed = await (await client.get("/v1/avatars", headers=bound)).json()
        assert [(each["name"], each["default"]) for each in listed["avatars"]] == [("tomas", True)]
        assert (listed["create"], listed["broken"]) == (False, [])
        refused = await client.get("/v1/avatars/mira/preview.webp", headers=bound)
        assert refused.status == 403


async def test_a_session_is_as_long_as_its_token_says_and_its_end_is_told():
    async with serving(**HELD, session_minutes=60) as client:
        viewer = Viewer()
        began = time.monotonic()
        await viewer.connect(client, "?length=900", headers=visitor(lasts=1, length=2))
        await viewer.wait_for("error", code="ends-soon")
        goodbye = await viewer.wait_for("goodbye")
        assert goodbye["reason"] == "length"
        assert time.monotonic() - began > 1.5
        await viewer.close()


async def test_a_session_outlives_its_token_and_comes_back_with_a_fresh_one(monkeypatch):
    monkeypatch.setattr(passes, "LEEWAY", 0)
    async with serving(**HELD) as client:
        old = visitor(lasts=1)
        viewer = Viewer()
        one = await viewer.connect(client, headers=old)
        await viewer.wait_for("ready")
        token = await token_of(viewer)
        async with asyncio.timeout(10):
            while (await client.get(one, headers=old)).status == 200:
                await asyncio.sleep(0.1)
        viewer.channel.send('{"type": "text", "text": "hello"}')
        await viewer.wait_for("reply_ended")  # it goes on
        again = Viewer()
        offer = await again.offer()
        for headers, status in ((old, 401), (visitor(), 201)):
            resume = {**SDP, **headers, "Visavis-Resume": token}
            assert (await client.post("/v1/sessions", data=offer, headers=resume)).status == status
        await again.close()
        await viewer.close()


async def test_quotas_are_told_with_when_to_come_back():
    async with serving(**HELD, token_sessions=1, token_sessions_hour=2) as client:
        viewer = Viewer()
        one = await viewer.connect(client, headers=visitor())
        await viewer.wait_for("ready")
        offer = await (other := Viewer()).offer()
        headers = {**SDP, **visitor()}
        answer = await client.post("/v1/sessions", data=offer, headers=headers)
        assert (await problem(answer))[1]["type"] == "urn:visavis:quota-sessions"
        assert answer.headers["Retry-After"] == "10"
        assert (await client.delete(one, headers=visitor())).status == 200
        answer = await client.post("/v1/sessions", data=offer, headers=headers)
        assert answer.status == 201
        assert (await client.delete(answer.headers["Location"], headers=visitor())).status == 200
        answer = await client.post("/v1/sessions", data=offer, headers=headers)
        assert (await problem(answer))[1]["type"] == "urn:visavis:quota-hour"
        assert 3500 < int(answer.headers["Retry-After"]) <= 3600
        await viewer.close()
        await other.close()


SHOP, OTHER = "https://shop.example", "https://other.example"


@pytest.mark.parametrize(
    ("listed", "origin", "allowed"),
    [
        ("*", OTHER, "*"), (SHOP, SHOP, SHOP), (f"{SHOP} http://localhost:3000", SHOP, SHOP),
        (SHOP, OTHER, None), ("none", SHOP, None), (SHOP, "null", None),
    ],
)  # fmt: skip
async def test_pages_of_other_origins_call_where_they_are_listed(listed, origin, allowed):
    async with serving(**HELD, cors_origins=listed) as client:
        headers = {**bearer(OPERATOR), "Origin": origin}
        answer = await client.get("/v1/avatars", headers=headers)
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        assert answer.status == (200 if allowed else 403)
        if not allowed:
            assert (await answer.json())["type"] == "urn:visavis:origin"
        asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        told = await client.options("/v1/sessions", headers=asks)
        assert told.headers.get("Access-Control-Allow-Origin") == allowed
        element = await client.get("/visavis-avatar.js", headers={"Origin": origin})
        assert element.headers.get("Access-Control-Allow-Origin") == allowed
        own = {**bearer(OPERATOR), "Origin": f"http://{client.host}:{client.port}"}
        assert (await client.get("/v1/avatars", headers=own)).status == 200
        assert (await client.get("/v1/avatars", headers=bearer(OPERATOR))).status == 200


async def test_a_token_may_be_for_the_pages_of_one_origin():
    async with serving(**HELD) as client:
        viewer = Viewer()
        offer = await viewer.offer()
        bound = visitor(origins=[SHOP])
        for origin, status in ((OTHER, 403), (None, 403), (SHOP, 201)):
            headers = {**SDP, **bound, **({"Origin": origin} if origin else {})}
            assert (await client.post("/v1/sessions", data=offer, headers=headers)).status == status
        await viewer.close()


async def test_without_a_token_this_machine_may_everything_as_ever():
    async with serving(staff_token=STAFF) as client, watching(client) as viewer:
        assert (await client.get(viewer.location)).status == 200
        assert (await client.get("/metrics")).status == 200
        assert (await client.get("/v1/staff/sessions")).status == 401


def test_the_doctor_says_who_may_call_and_whose_clock_is_wrong(tmp_path):
    config = Config(home=str(tmp_path), **HELD, cors_origins=SHOP)
    told = doctor._who_calls(config)
    assert all(word in told for word in ("operator", "staff", "metrics", "visitors", SHOP))
    assert not any(held in told for held in HELD.values())
    assert "this machine alone" in doctor._who_calls(Config())
    assert doctor._clock_doubts(config) == []
    clock_doubt.Doubts(tmp_path)._write(clock_doubt.Doubt(time.time(), 7200.4))
    (words,) = doctor._clock_doubts(config)
    assert "7200 s" in words
    for nonsense in ("", "[]", '{"at": NaN}', '{"at": "x", "ahead": 1}', "{" * 2000):
        (tmp_path / "cache" / "clock.json").write_text(nonsense)
        assert doctor._clock_doubts(config) == []
