"""What a tool costs by way of the toolbox, beside the same call without it; and what floods do."""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

from bench.machine import Share
from visavis.engines.base import Call, Tool
from visavis.server.system.metrics import Metrics
from visavis.server.tools.specs import HttpTool, Limits, McpServer, ToolsFile
from visavis.server.tools.toolbox import OwnToolbox

SERVER = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("desk")
@server.tool()
def price(nights: int) -> str:
    "What nights cost."
    return f"{90 * nights} euros"
server.run()
"""
FLOOD = r"""
import json, sys
def say(m): sys.stdout.write(json.dumps(m) + "\n"); sys.stdout.flush()
for line in sys.stdin:
    r = json.loads(line); i, m = r.get("id"), r.get("method")
    if m == "initialize":
        say({"jsonrpc": "2.0", "id": i, "result": {
             "protocolVersion": r["params"]["protocolVersion"],
             "capabilities": {"tools": {}}, "serverInfo": {"name": "f", "version": "1"}}})
    elif m == "tools/list":
        say({"jsonrpc": "2.0", "id": i, "result": {"tools": [{"name": "flood", "inputSchema":
             {"type": "object"}}]}})
    elif m == "tools/call":
        while True:
            say({"jsonrpc": "2.0", "method": "notifications/message",
                 "params": {"level": "info", "data": "x" * 200}})
    elif i is not None:
        say({"jsonrpc": "2.0", "id": i, "error": {"code": -32601, "message": "no"}})
"""
PARAMETERS = {"type": "object", "properties": {"nights": {"type": "integer"}}}


class Asked:
    """A question that is confirmed."""

    text, history, language, speculative = "", (), "en", False

    async def confirmed(self) -> None:
        """At once."""


async def timed(call: Callable[[], Awaitable[Any]], count: int) -> dict[str, float]:
    """p50 and p95 of so many calls, and the processor time of each in this process, in ms."""
    for _ in range(20):
        await call()
    times = []
    used = time.process_time()
    for _ in range(count):
        began = time.perf_counter()
        await call()
        times.append(1000 * (time.perf_counter() - began))
    used = time.process_time() - used
    ordered = sorted(times)
    return {
        "processor_ms": round(1000 * used / count, 2),
        "p50_ms": round(statistics.median(ordered), 2),
        "p95_ms": round(ordered[int(0.95 * len(ordered))], 2),
    }


async def price(_request: web.Request) -> web.Response:
    """A local service."""
    return web.json_response({"price": "270 euros"})


async def bare_http(address: str, count: int) -> dict[str, float]:
    """The same client without a toolbox."""
    async with aiohttp.ClientSession() as client:

        async def call() -> None:
            async with client.get(address, params={"nights": "3"}) as response:
                await response.json()

        return await timed(call, count)


async def bare_mcp(count: int) -> dict[str, float]:
    """The SDK with its own pipes, without a toolbox."""
    from mcp import Client, StdioServerParameters

    server = StdioServerParameters(command=sys.executable, args=["-c", SERVER])
    async with Client(server) as client:
        return await timed(lambda: client.call_tool("price", {"nights": 3}), count)


async def ours(file: ToolsFile, name: str, count: int) -> dict[str, float]:
    """By way of the toolbox."""
    box = OwnToolbox(file, Metrics())
    await box.opened()
    try:
        await _offered(box)
        arguments = {"nights": 3} if name != "end_conversation" else {}
        return await timed(lambda: box.use(Call("1", name, arguments), Asked()), count)  # type: ignore[arg-type]
    finally:
        await asyncio.to_thread(box.close)


async def _offered(box: OwnToolbox) -> None:
    async with asyncio.timeout(60):
        while not box.tools():  # noqa: ASYNC110 (on a busy machine it takes longer than the start)
            await asyncio.sleep(0.05)


async def flooded(seconds: float) -> dict[str, float]:
    """How late this loop is, and what it costs, while a server of tools floods."""
    desk = McpServer("f", (sys.executable, "-c", FLOOD), limits=Limits(seconds=seconds))
    box = OwnToolbox(ToolsFile(mcp=(desk,)), Metrics())
    await box.opened()
    await _offered(box)
    asked: Any = Asked()
    calling = asyncio.create_task(box.use(Call("1", "f_flood", {}), asked))
    late, used, until = [], time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        await asyncio.sleep(0.005)
        late.append(1000 * (time.perf_counter() - began - 0.005))
    share = (time.process_time() - used) / seconds
    await calling
    await asyncio.to_thread(box.close)
    ordered = sorted(late)
    return {
        "loop_late_p99_ms": round(ordered[int(0.99 * len(ordered))], 2),
        "loop_late_most_ms": round(ordered[-1], 2),
        "percent_of_a_core": round(100 * share, 1),
    }


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def measure(count: int) -> dict[str, Any]:
    """All of it."""
    share = Share()
    app = web.Application()
    app.router.add_get("/", price)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    about = Tool("price", "What nights cost.", PARAMETERS)
    http = ToolsFile(http=(HttpTool(about, "GET", address, {"nights": "{nights}"}),))
    builtin = ToolsFile(builtins=frozenset({"end_conversation"}))
    mcp = ToolsFile(mcp=(McpServer("desk", (sys.executable, "-c", SERVER)),))
    found: dict[str, Any] = {
        "http_bare": await bare_http(address, count),
        "http": await ours(http, "price", count),
        "builtin": await ours(builtin, "end_conversation", count),
    }
    before, began = _megabytes(), time.perf_counter()
    found["mcp"] = await ours(mcp, "desk_price", count)
    found["mcp_started_and_called_s"] = round(time.perf_counter() - began, 2)
    found["mcp_memory_mb"] = round(_megabytes() - before, 1)
    found["mcp_bare"] = await bare_mcp(count)
    found["flood"] = await flooded(5.0)
    await runner.cleanup()
    return {**found, **share.so_far()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="calls of each kind")
    print(json.dumps(asyncio.run(measure(parser.parse_args().count))))
