"""Requests that break the rules, and what every response carries; on the real door."""

import asyncio
import logging

import pytest
from support.doors import asked, house, wire
from support.malformed import MALFORMED, is_protected, request, sdp
from support.serving import serving, watching

TOKEN = "a-long-enough-token"


@pytest.mark.filterwarnings("ignore::Warning")  # aiohttp's own, of a part's bad headers
@pytest.mark.parametrize("case", MALFORMED)
async def test_a_malformed_request_is_a_named_problem(case, caplog):
    sent, status = MALFORMED[case]
    async with house() as it:
        answer = await asked(it.port, sent)
        assert (answer.status, answer.problem()["status"]) == (status, status), answer
        is_protected(answer)
        assert (await asked(it.port, request(b"GET /healthz"))).status == 200
    faults = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not faults
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /", 200),
        (b"GET /visavis-avatar.js", 200),
        (b"GET /page/page.css", 200),
        (b"GET /favicon.svg", 200),
        (b"HEAD /", 200),
        (b"GET /healthz", 200),
        (b"GET /readyz", 200),
        (b"GET /metrics", 200),
        (b"GET /v1/avatars", 200),
        (b"HEAD /v1/voices", 200),
        (b"GET /v1/avatars/mira/preview.webp", 200),
        (b"OPTIONS /v1/sessions", 204),
        (b"OPTIONS *", 204),
        (b"GET /v1/sessions/none", 404),
        (b"GET /nothing", 404),
    ],
)
async def test_every_response_is_protected(line, status):
    async with house() as it:
        has_body = not line.startswith(b"HEAD")
        answer = await asked(it.port, request(line), has_body=has_body)
        assert answer.status == status
        is_protected(answer)


async def test_a_page_that_was_not_changed_is_protected_too():
    async with house() as it:
        first = await asked(it.port, request(b"GET /page/page.js"))
        field = b"If-None-Match: " + first.headers["etag"].encode()
        again = await asked(it.port, request(b"GET /page/page.js", field), has_body=False)
        assert again.status == 304
        is_protected(again)


async def test_answers_of_the_api_are_kept_by_nobody():
    async with house() as it:
        for path in (b"/v1/voices", b"/metrics", b"/healthz", b"/v1/nothing"):
            assert (await asked(it.port, request(b"GET " + path))).headers[
                "cache-control"
            ] == "no-store"
        assert (await asked(it.port, request(b"GET /"))).headers["cache-control"] == "no-cache"


async def test_a_wrong_method_is_told_the_right_ones():
    async with house() as it:
        answer = await asked(it.port, request(b"PUT /v1/avatars"))
        assert set(answer.headers["allow"].split(",")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("self", "frame-ancestors 'self'"),
        ("none", "frame-ancestors 'none'"),
        (
            "self https://hotel.example https://*.example:8443",
            "frame-ancestors 'self' https://hotel.example https://*.example:8443",
        ),
    ],
)
async def test_a_setting_says_who_may_frame_the_page(setting, told):
    async with house(frame_ancestors=setting) as it:
        answer = await asked(it.port, request(b"GET /"))
        assert answer.headers["content-security-policy"].endswith(told)


async def test_the_element_is_for_every_page_of_a_server_with_a_token():
    async with house(token=TOKEN, host="0.0.0.0") as it:
        foreign = b"Origin: https://hotel.example"
        script = await asked(it.port, request(b"GET /visavis-avatar.js", foreign))
        assert script.headers["access-control-allow-origin"] == "*"
        assert script.headers["cross-origin-resource-policy"] == "cross-origin"
        assert script.headers["content-type"] in {"text/javascript", "application/javascript"}
        asking = (foreign, b"Access-Control-Request-Headers: authorization")
        preflight = await asked(it.port, request(b"OPTIONS /v1/sessions", *asking))
        assert preflight.headers["access-control-allow-origin"] == "*"
        assert "Authorization" in preflight.headers["access-control-allow-headers"]
        refused = await asked(it.port, request(b"GET /v1/avatars", foreign))
        assert refused.status == 401
        assert refused.headers["access-control-allow-origin"] == "*"  # the page may read why


# --- tokens -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR "])
async def test_the_case_of_the_scheme_does_not_matter(scheme):
    async with house(token=TOKEN, host="0.0.0.0") as it:
        sent = f"Authorization: {scheme} {TOKEN}".encode()
        assert (await asked(it.port, request(b"GET /v1/voices", sent))).status == 200


@pytest.mark.parametrize(
    "sent",
    [
        f"{TOKEN}",
        f"Basic {TOKEN}",
        f"Bearer{TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer x {TOKEN}",
        "Bearer",
        "Bearer ",
        "",
        "Bearer \xff",
    ],
)
async def test_anything_else_is_no_token(sent):
    async with house(token=TOKEN, host="0.0.0.0") as it:
        field = b"Authorization: " + sent.encode("latin-1")
        answer = await asked(it.port, request(b"GET /v1/voices", field))
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_wrong_tokens_are_throttled_and_the_right_one_never_is():
    async with house(token=TOKEN, host="0.0.0.0") as it, wire(it.port) as client:
        wrong = request(b"GET /v1/voices", b"Authorization: Bearer wrong")
        right = request(b"GET /v1/voices", b"Authorization: Bearer " + TOKEN.encode())
        for _ in range(10):
            await client.send(wrong)
            assert (await client.answer()).status == 401
        await client.send(wrong)
        late = await client.answer()
        assert (late.status, late.problem()["type"]) == (429, "urn:visavis:toomany")
        assert 50 < int(late.headers["retry-after"]) <= 60
        assert await client.ended(2)  # the next try costs a connection
        assert (await asked(it.port, right)).status == 200  # whoever shares the address
        assert (await asked(it.port, wrong)).status == 429
        assert (await asked(it.port, request(b"GET /healthz"))).status == 200
        assert it.metrics.unauthorized._value.get() == 12


# --- bodies that are JSON -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"text": %s}' % ("9" * 400), "bad-message"),
        ('{"text": %s}' % ("9" * 5000), "malformed-json"),
        ('{"text": NaN}', "malformed-json"),
        ('{"text": "a", "text": "b"}', "malformed-json"),
        ('{"text": "\\ud800"}', "bad-message"),
        ('{"text": "\\u0000"}', "bad-message"),
        ("[" * 60_000, "malformed-json"),
        ('{"text": "x"', "malformed-json"),
        ('"text"', "malformed-json"),
        ("null", "malformed-json"),
    ],
)  # fmt: skip
async def test_a_body_that_cannot_be_taken_is_a_problem(body, code):
    async with serving() as client, watching(client) as viewer:
        answer = await client.post(f"{viewer.location}/say", data=body)
        assert (answer.status, (await answer.json())["type"]) == (400, f"urn:visavis:{code}")
        assert (await client.get(viewer.location)).status == 200


async def test_a_client_that_leaves_half_way_is_no_fault(caplog):
    async with house() as it:
        for _ in range(3):
            async with wire(it.port) as client:
                await client.send(sdp(b"Content-Length: 5000", body=b"")[:-2] + b"\r\nv=0")
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
