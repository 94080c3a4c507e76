"""The HTTP port, byte by byte."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from fuzz.live import Live

MOST: Final = 6_000
TOKENS: Final = (
    "GET ", "POST ", "PATCH ", "DELETE ", "OPTIONS ", "HEAD ", "CONNECT ", " HTTP/1.1\r\n",
    " HTTP/1.0\r\n", "Host: localhost\r\n", "Host: [::1\r\n", "Origin: http://localhost\r\n",
    "Origin: http://[\r\n", "Content-Type: application/json\r\n", "Content-Length: 2\r\n",
    "Content-Type: multipart/form-data; boundary=x\r\n", "Content-Type: application/sdp\r\n",
    "Content-Type: application/trickle-ice-sdpfrag\r\n", "; charset=utf-16", "\r\n\r\n", "--x\r\n",
    "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n", "Connection: close\r\n",
    "Authorization: Bearer ", "Range: bytes=0-1\r\n", "If-None-Match: *\r\n", "{}", '{"text":"a"}',
    "/v1/sessions", "/v1/sessions/x/say", "/v1/avatars", "/v1/avatars/jobs/x", "/v1/voices",
    "/v1/avatars/mira/preview.webp", "/healthz", "/readyz", "/metrics", "/page/page.js", "%2e%2e",
    "%00", "%", "?avatar=", "&voice=", "&source=", "../", "\x00", "[", "é",
)  # fmt: skip

_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_PATIENCE: Final = 2.0  # s that an answer may take; the client has closed its half
_LIVE: Final = Live()
close = _LIVE.close


def check(data: bytes) -> None:
    """Whatever is sent: no answer is a 5xx but `not ready` and `full`, and none shows code."""
    answer = _LIVE.run(_exchange(data))
    statuses = [int(status) for status in _STATUS.findall(answer)]
    assert all(status < 500 or status in {501, 503, 505} for status in statuses), answer[:500]
    assert b"Traceback" not in answer, answer[:500]


async def _exchange(data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", _LIVE.port, limit=2**22)
    try:
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(_PATIENCE):
            return await reader.read()
    except (ConnectionError, TimeoutError):
        return b""
    finally:
        writer.close()
