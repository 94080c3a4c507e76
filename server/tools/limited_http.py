"""The HTTP client of MCP servers: bodies have a limit, and nothing leads to another address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final

import httpx2

_CONNECT: Final = 5.0  # s
_READ: Final = 300.0  # s in which a stream may be silent; calls have times of their own


def limited_client(headers: Mapping[str, str], most: int) -> httpx2.AsyncClient:
    """most: bytes of one response, which breaks off beyond them."""
    return httpx2.AsyncClient(
        headers={**headers, "Accept-Encoding": "identity"},
        timeout=httpx2.Timeout(_CONNECT, read=_READ),
        transport=_Limited(most),
        follow_redirects=False,
    )


class _Limited(httpx2.AsyncBaseTransport):
    """Another transport, whose bodies are counted."""

    def __init__(self, most: int) -> None:
        self._most, self._inner = most, httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        # What is packed would be counted before it is unpacked.
        packed = response.headers.get("Content-Encoding", "identity").lower() != "identity"
        if packed:
            await response.aclose()
            raise httpx2.ReadError("a packed answer is not read", request=request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Counted(response.stream, self._most),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Counted(httpx2.AsyncByteStream):
    """A body that breaks off beyond its limit."""

    def __init__(self, inner: httpx2.AsyncByteStream, most: int) -> None:
        self._inner, self._most = inner, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._most
        async for chunk in self._inner:
            left -= len(chunk)
            if left < 0:
                raise httpx2.ReadError("an answer is over its limit")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
