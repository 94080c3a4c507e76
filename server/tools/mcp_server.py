"""One MCP server: started, listed, called, and started anew when it has died or hangs.

To be imported only where there is one: the SDK is an extra, and takes half a second to import.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final

import mcp_types
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from visavis.engines.base import Tool
from visavis.server.system.faults import fault
from visavis.server.tools import selection
from visavis.server.tools.faults import ToolFault, late
from visavis.server.tools.limited_http import limited_client
from visavis.server.tools.specs import McpServer
from visavis.server.tools.stdio_pipe import piped

log = logging.getLogger(__name__)

import_module("jsonschema.validators")  # else the SDK does it during the first call
for _name in ("mcp", "client", "httpx2", "httpcore2"):  # they quote what is said
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

_ABOUT: Final = mcp_types.Implementation(name="visavis", version=version("visavis"))
START: Final = 20.0  # s for a server to start and to say what it has
_FIRST_PAUSE: Final = 1.0  # s before it is started anew; doubled each time that it does not last
_LONGEST_PAUSE: Final = 60.0
_LASTED: Final = 30.0  # s after which a server is no longer one that does not last
_HANGS: Final = 3  # calls without an answer, one after the other
_MOST: Final = 64  # tools of a server
_PAGES: Final = 10
_DESCRIPTION: Final = 1000  # characters
NAME_LENGTH: Final = 64  # characters, of which chat endpoints take no more
_SCHEMA: Final = 16 << 10  # characters, as JSON
_NOT_A_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+", re.ASCII)


class McpTools:
    """The tools of one server, while it is well. All of it in one event loop.

    tools: by the names under which a mind knows them; empty while there is no connection.
    """

    def __init__(self, server: McpServer, restarted: Callable[[], None] = lambda: None) -> None:
        """restarted: called each time that it is started again."""
        self.server, self._restarted = server, restarted
        self.tools: dict[str, Tool] = {}
        self.settled = asyncio.Event()  # whether it is known how the first start went
        self._names: dict[str, str] = {}  # ours -> the server's
        self._client: Client | None = None
        self._lost, self._changed = asyncio.Event(), asyncio.Event()
        self._unanswered = 0

    async def run(self) -> None:
        """Keep it well until cancelled."""
        clock, pause = asyncio.get_running_loop().time, _FIRST_PAUSE
        while True:
            began = clock()
            try:
                await self._serve()
                log.warning("a server of tools ended", extra={"server": self.server.name})
            except Exception as error:  # noqa: BLE001 (whatever it is: it is started anew)
                extra = {"server": self.server.name, "fault": fault(error)}
                log.warning("a server of tools failed", extra=extra)
            self._forget()
            self.settled.set()
            if clock() - began > _LASTED:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            self._restarted()

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """What a mind is told of the answer. Raises ToolFault."""
        client, limits = self._client, self.server.limits
        if client is None:
            raise ToolFault("unreachable", "The service is not running at the moment.")
        try:
            async with asyncio.timeout(limits.seconds):
                result = await client.call_tool(self._names[name], dict(arguments))
        except TimeoutError:
            self._hung()
            raise late(limits.seconds) from None
        except Exception as error:  # noqa: BLE001 (the border: whatever the SDK throws)
            extra = {"server": self.server.name, "fault": fault(error)}
            log.warning("a call of a tool failed", extra=extra)
            self._doubt(error)
            raise ToolFault("failed", "The service did not answer as it should.") from None
        self._unanswered = 0
        told = _told(result, limits.characters)
        if result.is_error:
            words = told.rstrip(".") or "it does not say which"
            raise ToolFault("failed", f"The service reports an error: {words}.")
        return told or "The service has nothing to say about this."

    # --- one connection --------------------------------------------------------------------------

    async def _serve(self) -> None:
        """Connect, and return when the connection is lost."""
        self._lost.clear()
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(START):
                client = await self._connect(stack)
                await self._list(client)
            self._client = client
            self.settled.set()
            extra = {"server": self.server.name, "tools": len(self.tools)}
            log.info("a server of tools is ready", extra=extra)
            await self._watch(client)

    async def _connect(self, stack: AsyncExitStack) -> Client:
        server, most = self.server, self.server.limits.bytes
        if server.command:
            transport = piped(server, most, self._lost)
        else:
            made = await asyncio.to_thread(limited_client, server.headers, most)  # reads CAs
            http = await stack.enter_async_context(made)
            transport = streamable_http_client(
                server.url, http_client=http, max_sse_event_size=most
            )
        client = Client(transport, message_handler=self._told, client_info=_ABOUT, cache=None)
        return await stack.enter_async_context(client)

    async def _watch(self, client: Client) -> None:
        """Until it is lost; what it offers may change meanwhile."""
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            while not lost.done():
                changed = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait((lost, changed), return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                if self._changed.is_set() and not lost.done():
                    self._changed.clear()
                    async with asyncio.timeout(START):
                        await self._list(client)
        finally:
            lost.cancel()
            self._forget()

    async def _told(self, message: Any) -> None:
        """The SDK's message handler."""
        if getattr(message, "method", "") == "notifications/tools/list_changed":
            self._changed.set()

    async def _list(self, client: Client) -> None:
        """Take what it offers; what cannot be offered to a mind is left out, and logged."""
        tools: dict[str, Tool] = {}
        names: dict[str, str] = {}
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await client.list_tools(cursor=cursor)
            for each in page.tools:
                if self.server.tools and each.name not in self.server.tools:
                    continue
                made = _tool(self.server.name, each)
                if made is None or made.name in tools or len(tools) == _MOST:
                    log.warning("a tool was left out", extra={"server": self.server.name})
                    continue
                tools[made.name], names[made.name] = made, each.name
            cursor = page.next_cursor
            if not cursor:
                break
        self.tools, self._names = tools, names

    def _forget(self) -> None:
        self._client, self.tools, self._unanswered = None, {}, 0

    def _hung(self) -> None:
        self._unanswered += 1
        if self._unanswered >= _HANGS:
            self._lost.set()
            self._forget()

    def _doubt(self, error: Exception) -> None:
        """After a call that failed: over HTTP a lost server shows itself in nothing else."""
        if self._lost.is_set():
            self._forget()
        elif not isinstance(error, MCPError) or self.server.url:
            self._hung()


def _tool(server: str, found: mcp_types.Tool) -> Tool | None:
    """As a mind is offered it; None: it cannot be."""
    schema = found.input_schema
    name = _NOT_A_NAME.sub("_", f"{server}_{found.name}")
    if schema.get("type") != "object" or len(name) > NAME_LENGTH:
        return None
    if len(json.dumps(schema)) > _SCHEMA:
        return None
    words = found.description or found.title or found.name
    return Tool(name, selection.trimmed(words, _DESCRIPTION), schema)


def _told(result: mcp_types.CallToolResult, most: int) -> str:
    """The texts of an answer, or its data; what is neither has no words."""
    texts = [each.text for each in result.content if isinstance(each, mcp_types.TextContent)]
    if not texts and result.structured_content is not None:
        texts = [json.dumps(result.structured_content, ensure_ascii=False)]
    return selection.trimmed("\n".join(texts), most)
