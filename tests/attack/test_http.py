"""Requests that break the rules, and what every response carries; on the real door."""

import asyncio
import logging

import pytest
from support.doors import asked, house, wire
from support.serving import serving, watching

HOST = b"Host: localhost\r\n"
TOKEN = "a-long-enough-token"


def request(line, *fields, body=b""):
    """Bytes of a request; Content-Length is added where there is a body."""
    length = (b"Content-Length: %d" % len(body),) if body else ()
    named = any(field.lower().startswith(b"host") for field in fields)
    lines = [line + b" HTTP/1.1", *(() if named else (b"Host: localhost",)), *length, *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def sdp(*fields, body=b"v=0"):
    named = any(field.lower().startswith(b"content-type") for field in fields)
    kind = () if named else (b"Content-Type: application/sdp",)
    return request(b"POST /v1/sessions", *kind, *fields, body=body)


def form(*parts, head=b"Content-Type: multipart/form-data; boundary=x"):
    body = b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"
    return request(b"POST /v1/avatars", head, body=body)


PHOTO = b'Content-Disposition: form-data; name="photo"'
LIST = b"GET /v1/avatars"

MALFORMED = {
    "host bracket": (request(LIST, b"Host: ["), 400),
    "host colons": (request(LIST, b"Host: :::"), 400),
    "host port": (request(LIST, b"Host: localhost:99999999"), 400),
    "host account": (request(LIST, b"Host: evil@localhost"), 400),
    "host empty": (request(LIST, b"Host:"), 400),
    "host bytes": (request(LIST, b"Host: \xff\xc3\xa9"), 400),
    "host twice": (request(LIST, b"Host: localhost", b"Host: localhost"), 400),
    "host missing": (b"GET /v1/avatars HTTP/1.1\r\n\r\n", 400),
    "host foreign": (request(LIST, b"Host: localhost.evil.example"), 403),
    "origin bracket": (request(LIST, b"Origin: http://["), 403),
    "origin null": (request(LIST, b"Origin: null"), 403),
    "origin port": (request(LIST, b"Origin: http://localhost:x"), 403),
    "origin account": (request(LIST, b"Origin: http://evil@localhost"), 403),
    "origin bytes": (request(LIST, b"Origin: \xff"), 403),
    "origin list": (request(LIST, b"Origin: http://localhost, http://evil.example"), 403),
    "charset unknown": (sdp(b"Content-Type: application/sdp; charset=xyz"), 400),
    "charset punycode": (sdp(b"Content-Type: application/sdp; charset=punycode"), 400),
    "charset undefined": (sdp(b"Content-Type: application/sdp; charset=undefined"), 400),
    "charset base64": (sdp(b"Content-Type: application/sdp; charset=base64"), 400),
    "type nonsense": (sdp(b"Content-Type: ;;;==="), 415),
    "not utf-8": (sdp(body=b"v=0\xff"), 400),
    "length negative": (request(b"POST /v1/sessions", b"Content-Length: -1"), 400),
    "length a word": (request(b"POST /v1/sessions", b"Content-Length: xyz"), 400),
    "length of 400 digits": (request(b"POST /v1/avatars", b"Content-Length: " + b"9" * 400), 400),
    "length twice": (request(b"POST /", b"Content-Length: 3", b"Content-Length: 4"), 400),
    "length and chunks": (
        request(b"POST /", b"Content-Length: 3", b"Transfer-Encoding: chunked"), 400,
    ),
    "chunk": (sdp(b"Transfer-Encoding: chunked", body=b"") + b"zz\r\n", 400),
    "chunk of 40 digits": (sdp(b"Transfer-Encoding: chunked", body=b"") + b"f" * 40 + b"\r\n", 400),
    "gzip": (sdp(b"Content-Encoding: gzip"), 415),
    "expectation": (sdp(b"Expect: miracles"), 417),
    "query": (sdp().replace(b"sessions ", b"sessions?avatar=%ff%zz&voice=%00 "), 422),
    "query source": (sdp().replace(b"sessions ", b"sessions?source=%%% "), 400),
    "path nul": (request(b"GET /v1/avatars/\x00/preview.webp"), 400),
    "path %00": (request(b"GET /v1/avatars/%00/preview.webp"), 404),
    "path ..": (request(b"GET /v1/avatars/%2e%2e%2f%2e%2e%2fetc%2fpasswd/preview.webp"), 404),
    "path of the page": (request(b"GET /page/%2e%2e/%2e%2e/server/cli.py"), 404),
    "path half a character": (request(b"GET /v1/avatars/%ed%a0%80/preview.webp"), 404),
    "path long": (request(b"GET /v1/avatars/" + b"a" * 4000 + b"/preview.webp"), 404),
    "path too long": (request(b"GET /" + b"a" * 30_000), 400),
    "path bracket": (request(b"GET //a:b@[::1"), 404),
    "remove nul": (request(b"DELETE /v1/avatars/%00"), 422),
    "remove ..": (request(b"DELETE /v1/avatars/.."), 422),
    "remove bytes": (request(b"DELETE /v1/avatars/%ff"), 422),
    "absolute": (request(b"GET http://[/v1/avatars"), 400),
    "absolute port": (request(b"GET http://localhost:99999999/"), 400),
    "no path": (b"GET  HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "method unknown": (request(b"FOO /v1/avatars"), 400),
    "method wrong": (request(b"PUT /v1/avatars"), 405),
    "trace": (request(b"TRACE /"), 405),
    "connect": (b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "version": (b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", 400),
    "http/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", 400),
    "control character": (request(b"GET /", b"Cookie: \x01"), 400),
    "200 fields": (request(b"GET /", *(b"a%d: b" % n for n in range(200))), 400),
    "field too long": (request(b"GET /", b"a: " + b"b" * 20_000), 400),
    "form without boundary": (form(head=b"Content-Type: multipart/form-data"), 400),
    "form no form": (form(b"v=0"), 400),
    "form encoding": (form(PHOTO + b"\r\nContent-Transfer-Encoding: xyz\r\n\r\naaaa"), 422),
    "form base64": (form(PHOTO + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n\xffa=a=a"), 422),
    "form length": (form(PHOTO + b"\r\nContent-Length: 99999\r\n\r\naaaa"), 422),
    "form length a word": (form(PHOTO + b"\r\nContent-Length: xyz\r\n\r\naaaa"), 422),
    "form name": (form(b"Content-Disposition: form-data; name*=utf-16''%ff\r\n\r\na"), 400),
    "form not utf-8": (form(b"Content-Disposition: form-data; name=name\r\n\r\n\xff"), 400),
    "form in a form": (
        form(
            b"Content-Disposition: form-data; name=a\r\n"
            b"Content-Type: multipart/mixed; boundary=y\r\n\r\n--y--"
        ),
        400,
    ),
}  # fmt: skip


def is_protected(answer):
    """Nothing of who made it, and all that a browser is to be told."""
    headers = answer.headers
    assert "server" not in headers
    assert b"aiohttp" not in answer.body
    assert b"Traceback" not in answer.body
    assert b"<" not in answer.body or "problem" not in headers.get("content-type", "")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "camera=()" in headers["permissions-policy"]
    assert "microphone=(self)" in headers["permissions-policy"]
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] in {"same-origin", "cross-origin"}
    assert headers["cache-control"] in {"no-store", "no-cache"}


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
