"""Calls over HTTP: one request each, within a time, a size and a list of hosts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from visavis.server.system import strict_json
from visavis.server.tools import reach, selection, templates
from visavis.server.tools.faults import ToolFault, late, too_large
from visavis.server.tools.specs import HttpTool

_CONNECTIONS: Final = 16
_CHUNK: Final = 16 << 10  # bytes
_SEE_OTHER: Final = {301, 302, 303}  # a new request without a body (RFC 9110 15.4)
_REPEAT: Final = {307, 308}
# What is packed is not unpacked: nobody knows how large it becomes.
_PLAIN: Final = {"Accept-Encoding": "identity", "User-Agent": "visavis"}


class HttpCalls:
    """Two clients: one for addresses that the operator wrote, one for where they redirect to.

    Made in the event loop in which it is used.
    """

    def __init__(self) -> None:
        self._own = _client(aiohttp.ThreadedResolver())
        self._public = _client(reach.PublicResolver(aiohttp.ThreadedResolver()))

    async def close(self) -> None:
        """Close all connections."""
        await self._own.close()
        await self._public.close()

    async def call(self, tool: HttpTool, arguments: Mapping[str, Any]) -> str:
        """What a mind is told of the answer. Raises ToolFault."""
        try:
            async with asyncio.timeout(tool.limits.seconds):
                return await self._call(tool, arguments)
        except TimeoutError:
            raise late(tool.limits.seconds) from None
        except reach.NotPublic:
            raise _private() from None
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, reach.NotPublic):
                raise _private() from None
            raise ToolFault("unreachable", "The service cannot be reached.") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise ToolFault("unreachable", "The connection to the service broke off.") from None

    async def _call(self, tool: HttpTool, arguments: Mapping[str, Any]) -> str:
        try:
            url = _url(tool, arguments)
        except templates.TemplateError as error:
            raise ToolFault("refused", f"The call cannot be made: {error}.") from None
        method: str = tool.method
        body, headers = _body(tool, arguments)
        for hop in range(tool.redirects + 1):
            client = self._own if hop == 0 or tool.private else self._public
            async with client.request(
                method, url, headers=_headers(tool, url) | headers, data=body,
                allow_redirects=False,
            ) as response:  # fmt: skip
                if response.status not in _SEE_OTHER | _REPEAT:
                    return await _answer(tool, response)
                if hop == tool.redirects:
                    break
                if response.status in _SEE_OTHER:
                    method, body, headers = "GET", None, {}
                url = _next(tool, response)
        raise ToolFault("failed", "The service redirects to another address.")


def _client(resolver: aiohttp.abc.AbstractResolver) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS, resolver=resolver),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(),  # the call's own holds for all of it
    )


def _url(tool: HttpTool, arguments: Mapping[str, Any]) -> URL:
    # encoded: an argument that was quoted must not be read once more
    url = URL(templates.address(tool.url, arguments), encoded=True)
    query = templates.filled(tool.query, arguments)
    return url.update_query({name: templates.text_of(value) for name, value in query.items()})


def _body(tool: HttpTool, arguments: Mapping[str, Any]) -> tuple[bytes | None, dict[str, str]]:
    body = templates.filled(tool.body, arguments) if tool.body is not None else None
    if body is None:
        return None, {}
    if isinstance(tool.body, str):
        return templates.text_of(body).encode(), {"Content-Type": "text/plain; charset=utf-8"}
    return json.dumps(body, ensure_ascii=False).encode(), {"Content-Type": "application/json"}


def _headers(tool: HttpTool, url: URL) -> dict[str, str]:
    """The operator's go to the address that they were written for, and nowhere else."""
    own = urlsplit(tool.url)
    same = (url.scheme, url.host, url.port) == (own.scheme, own.hostname, URL(_origin(tool)).port)
    return _PLAIN | (dict(tool.headers) if same else {})


def _origin(tool: HttpTool) -> str:
    own = urlsplit(tool.url)
    return f"{own.scheme}://{own.netloc}"


def _next(tool: HttpTool, response: aiohttp.ClientResponse) -> URL:
    """Where a redirect leads, if it may. Raises ToolFault."""
    try:
        url = response.url.join(URL(response.headers.get("Location", "")))
    except ValueError:
        raise ToolFault("failed", "The service redirects to no address.") from None
    host = (url.host or "").lower()
    if url.scheme not in {"http", "https"} or host not in tool.hosts:
        raise ToolFault("failed", "The service redirects to a host that is not allowed.")
    if not tool.private and reach.literal(host) and not reach.is_public(host):
        raise _private()
    return url


def _private() -> ToolFault:
    return ToolFault("failed", "The service redirects into a private network.")


async def _answer(tool: HttpTool, response: aiohttp.ClientResponse) -> str:
    """Raises ToolFault."""
    if response.status >= 400:
        raise ToolFault("failed", f"The service answered with the error {response.status}.")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ToolFault("failed", "The service answered in a packed form that is not read.")
    data = await _read(response, tool.limits.bytes)
    if tool.answer is None and "json" not in response.content_type:
        return selection.trimmed(data.decode("utf-8", "replace"), tool.limits.characters)
    try:
        value = strict_json.parse(data.decode())
    except (UnicodeDecodeError, strict_json.NotJson):
        raise ToolFault("failed", "The service answered with something unreadable.") from None
    found = [value] if tool.answer is None else selection.select(value, tool.answer)
    told = selection.words(found, tool.limits.characters)
    return told or "The service has nothing to say about this."


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Raises ToolFault."""
    data = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        data += chunk
        if len(data) > most:
            response.close()  # the rest is never read
            raise too_large(most)
    return bytes(data)
