"""Requests that break the rules of HTTP, or of ours, and what every response to them carries."""

from __future__ import annotations

import re
from typing import Final

from support.doors import Answer

HOST: Final = b"Host: localhost\r\n"


def request(line: bytes, *fields: bytes, body: bytes = b"") -> bytes:
    """Bytes of a request; Content-Length is added where there is a body."""
    length = (b"Content-Length: %d" % len(body),) if body else ()
    named = any(field.lower().startswith(b"host") for field in fields)
    lines = [line + b" HTTP/1.1", *(() if named else (b"Host: localhost",)), *length, *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def sdp(*fields: bytes, body: bytes = b"v=0") -> bytes:
    """An offer."""
    named = any(field.lower().startswith(b"content-type") for field in fields)
    kind = () if named else (b"Content-Type: application/sdp",)
    return request(b"POST /v1/sessions", *kind, *fields, body=body)


def form(*parts: bytes, head: bytes = b"Content-Type: multipart/form-data; boundary=x") -> bytes:
    """An upload of a photo."""
    body = b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"
    return request(b"POST /v1/avatars", head, body=body)


PHOTO = b'Content-Disposition: form-data; name="photo"'
LIST = b"GET /v1/avatars"

MALFORMED: Final[dict[str, tuple[bytes, int]]] = {
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
    "query": (sdp().replace(b"sessions ", b"sessions?avatar=%ff%zz&voice=%00 "), 404),
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


def is_protected(answer: Answer) -> None:
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
    # Of the page itself where a person may show there that they are present: test_topics.
    assert re.search(r"camera=\((self)?\)", headers["permissions-policy"])
    assert "microphone=(self)" in headers["permissions-policy"]
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] in {"same-origin", "cross-origin"}
    assert headers["cache-control"] in {"no-store", "no-cache"}
