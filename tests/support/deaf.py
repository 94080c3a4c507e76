"""Clients of web sockets that say something and read nothing."""

from __future__ import annotations

import asyncio
import base64
import os
import socket as sockets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter


def masked(text: str) -> bytes:
    """A text message of a client (RFC 6455 5.2)."""
    data, mask = text.encode(), b"\0\0\0\0"
    long = len(data) >= 126
    size = bytes([0x80 | 126]) + len(data).to_bytes(2, "big") if long else bytes([0x80 | len(data)])
    return b"\x81" + size + mask + data


@asynccontextmanager
async def deaf(
    server: Any, monkeypatch: pytest.MonkeyPatch, path: str, headers: str = ""
) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
    """A web socket whose client reads the beginning of the answer, and then nothing."""
    prepare = web.WebSocketResponse.prepare

    async def narrow(self: web.WebSocketResponse, request: web.Request) -> AbstractStreamWriter:
        assert request.transport is not None
        wire = request.transport.get_extra_info("socket")
        wire.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, 4096)
        return await prepare(self, request)

    monkeypatch.setattr(web.WebSocketResponse, "prepare", narrow)
    line = sockets.socket()
    line.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    line.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(line, (server.host, server.port))
    key = base64.b64encode(os.urandom(16)).decode()
    asked = (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    )
    await loop.sock_sendall(line, asked.encode())
    assert b" 101 " in await loop.sock_recv(line, 64)
    try:
        yield lambda data: loop.sock_sendall(line, data)
    finally:
        line.close()
