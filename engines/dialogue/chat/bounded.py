"""How much an endpoint may send: whatever it is, nothing of it is kept beyond that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import httpx2

MOST: Final = 4 << 20  # bytes of one answer: some 20,000 tokens with all that is around them


class FloodError(Exception):
    """An endpoint sends more than that."""


class Bounded(httpx2.AsyncBaseTransport):
    """Another transport, whose answers end with FloodError where they are longer."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, most: int = MOST) -> None:
        self._inner, self._most = inner, most

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See AsyncBaseTransport. What is packed could be any size, so it is asked not to be."""
        request.headers["accept-encoding"] = "identity"
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise FloodError
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Counted(response.stream, self._most)
        return response

    async def aclose(self) -> None:
        """See AsyncBaseTransport."""
        await self._inner.aclose()


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, left: int) -> None:
        self._inner, self._left = inner, left

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._inner:
            self._left -= len(part)
            if self._left < 0:
                raise FloodError
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()
