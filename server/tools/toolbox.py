"""Implements `Toolbox`: what an operator's file gives to a mind, in an event loop of its own."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Self

from visavis.engines.base import Call, Deed, Question, Result, Tool, Used
from visavis.server.system.errors import ConfigError
from visavis.server.system.faults import fault
from visavis.server.system.metrics import Metrics
from visavis.server.tools import builtins, schema
from visavis.server.tools.faults import ADVICE, Outcome, ToolFault
from visavis.server.tools.gallery import Gallery
from visavis.server.tools.own_loop import OwnLoop
from visavis.server.tools.specs import LONGEST_CALL, HttpTool, ToolsFile

if TYPE_CHECKING:
    from visavis.server.tools.http_calls import HttpCalls
    from visavis.server.tools.mcp_server import McpTools

log = logging.getLogger(__name__)

MISSING: Final = "MCP servers need an extra that is not installed: pip install 'visavis[mcp]'"
_WAIT: Final = 5.0  # s that the start waits for MCP servers; they may come later
_HANGS: Final = 2.0  # s beyond the longest call, after which even its thread is not waited for


def check_installed(file: ToolsFile) -> None:
    """Raises ConfigError where the file wants what is not installed."""
    if file.mcp and importlib.util.find_spec("mcp") is None:
        raise ConfigError(MISSING)


class OwnToolbox:
    """Open it before it is used, and close it."""

    def __init__(self, file: ToolsFile, metrics: Metrics) -> None:
        self._file, self._metrics = file, metrics
        self.gallery = Gallery(file.shown.pictures, file.shown.picture_hosts)
        self._loop = OwnLoop("tools")
        self._own: list[Tool] = []
        self._calls: dict[str, HttpTool] = {each.tool.name: each for each in file.http}
        self._http: HttpCalls | None = None
        self._servers: list[McpTools] = []
        self._running: list[asyncio.Task[None]] = []

    async def opened(self) -> Self | None:
        """Start what has to be started; a server that does not come up is tried again later.

        None where there is nothing to use.
        """
        if not self._file.offers:
            return None
        await self._loop.run(self._open())
        return self

    def close(self) -> None:
        """End every server and connection, within a time in which the server may end."""
        self._loop.close(self._close)

    def tools(self) -> Sequence[Tool]:
        """Those that can be used now; of two with one name the first."""
        found = [*self._own, *(each.tool for each in self._calls.values())]
        for server in self._servers:
            found += server.tools.values()
        return list({tool.name: tool for tool in reversed(found)}.values())[::-1]

    async def use(self, call: Call, question: Question) -> Used:
        """Use one, once the question is confirmed, and return in a time that is limited."""
        await question.confirmed()
        name = call.name if self._tool(call.name) else "unknown"  # it may be gone afterwards
        began = time.perf_counter()
        used, outcome = await self._used(call)
        seconds = time.perf_counter() - began
        self._metrics.tool_calls.labels(name, outcome).inc()
        self._metrics.tool_seconds.labels(name).observe(seconds)
        return Used(Result(call.id, used.result.content, seconds), used.deed)

    async def _used(self, call: Call) -> tuple[Used, Outcome]:
        try:
            async with asyncio.timeout(LONGEST_CALL + _HANGS):
                return await self._use(call), "done"
        except ToolFault as error:
            words, outcome = error.words, error.outcome
        except TimeoutError:
            words, outcome = "There was no answer.", "timeout"
        except Exception as error:  # noqa: BLE001 (a tool's fault never ends a turn)
            log.error("a tool broke its contract", extra={"fault": fault(error)})  # noqa: TRY400
            words, outcome = "It failed.", "failed"
        advice = "" if outcome == "refused" else f" {ADVICE}"  # else it can be called rightly
        return Used(Result(call.id, f"{words}{advice}")), outcome

    async def _use(self, call: Call) -> Used:
        """Raises ToolFault."""
        tool = self._tool(call.name)
        if tool is None:
            known = ", ".join(each.name for each in self.tools())
            raise ToolFault("refused", f"There is no such tool. There are: {known or 'none'}.")
        server = next((each for each in self._servers if call.name in each.tools), None)
        if server is not None and tool is server.tools.get(call.name):  # it checks them itself
            told = await self._loop.run(server.call(call.name, call.arguments))
            return Used(Result(call.id, told))
        _check(tool, call.arguments)
        if call.name in self._calls:
            assert self._http is not None
            told = await self._loop.run(self._http.call(self._calls[call.name], call.arguments))
            return Used(Result(call.id, told))
        deed, told = await self._loop.run(self._perform(call))
        return Used(Result(call.id, told), deed)

    def _tool(self, name: str) -> Tool | None:
        return next((each for each in self.tools() if each.name == name), None)

    # --- in the loop of its own -------------------------------------------------------------------

    async def _open(self) -> None:
        file = self._file
        self._own = await asyncio.to_thread(builtins.tools, file.builtins, file.shown, self.gallery)
        if self._calls:
            from visavis.server.tools.http_calls import HttpCalls

            self._http = HttpCalls()
        if not self._file.mcp:
            return
        from visavis.server.tools.mcp_server import McpTools

        restarts = self._metrics.tool_restarts
        self._servers = [McpTools(each, restarts.labels(each.name).inc) for each in self._file.mcp]
        self._running = [asyncio.create_task(server.run()) for server in self._servers]
        waiting = [asyncio.create_task(server.settled.wait()) for server in self._servers]
        await asyncio.wait(waiting, timeout=_WAIT)
        for task in waiting:
            task.cancel()

    async def _perform(self, call: Call) -> tuple[Deed, str]:
        return await asyncio.to_thread(
            builtins.perform, call.name, call.arguments, self._file.shown, self.gallery
        )

    async def _close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._http is not None:
            await self._http.close()


def _check(tool: Tool, arguments: Mapping[str, Any]) -> None:
    """Raises ToolFault."""
    for words in schema.faults(tool.parameters, arguments):
        raise ToolFault("refused", f"The arguments do not fit: {words}.")
