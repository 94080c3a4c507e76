"""The pipes of an MCP server that is a program: one JSON-RPC message a line, MCP's stdio transport.

The SDK's own reads a line however long it becomes, and as fast as the program writes. Here a line
has a limit and reading a pace: who floods waits, and holds up nobody but itself.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import anyio
import mcp_types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage

from visavis.server.system.bucket import Bucket
from visavis.server.tools.specs import McpServer

log = logging.getLogger(__name__)

_INHERITED: Final = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER")
_PACE: Final = 256 << 10  # bytes that are read a second, beyond a first _BURST
_BURST: Final = 1 << 20
_LEAST: Final = 1 << 10  # bytes that any line counts
_GRACE: Final = 0.5  # s from the end of its input, and from SIGTERM, to the next step


@asynccontextmanager
async def piped(
    server: McpServer, most: int, ended: asyncio.Event
) -> AsyncGenerator[tuple[Any, Any], None]:
    """Start the program; the streams that the SDK's client reads and writes.

    most: bytes of one line. A program that ends, or breaks the limit, ends the stream, and sets
    `ended`. Raises OSError where it cannot be started.
    """
    process = await _started(server, most)
    incoming, read = anyio.create_memory_object_stream[Any](0)
    write, outgoing = anyio.create_memory_object_stream[Any](0)
    tasks = (
        asyncio.create_task(_take(process, incoming, ended)),
        asyncio.create_task(_give(process, outgoing)),
    )
    try:
        yield read, write
    finally:
        for task in tasks:
            task.cancel()
        for stream in (incoming, read, write, outgoing):
            stream.close()
        try:
            await _end(process)
        finally:  # whoever has no time for that: nothing is left behind
            _signal(process, signal.SIGKILL)
            with suppress(TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await process.wait()
            process._transport.close()  # type: ignore[attr-defined]  # no public way
        await asyncio.gather(*tasks, return_exceptions=True)


async def _started(server: McpServer, most: int) -> Process:
    """Raises OSError. A cancellation that comes while it starts must not leave it behind."""
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *server.command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,  # what it says there may quote a visitor
            cwd=server.folder,
            env=_environment(server),
            limit=most,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        process = await starting
        _signal(process, signal.SIGKILL)
        await process.wait()
        raise


def _environment(server: McpServer) -> dict[str, str]:
    """Few of this process' variables: its token and its keys are none of theirs."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, **server.env}


async def _take(
    process: Process, incoming: MemoryObjectSendStream[SessionMessage], ended: asyncio.Event
) -> None:
    """What the program writes, until it ends."""
    assert process.stdout is not None
    pace = Bucket(_PACE, _BURST)
    try:
        while line := await process.stdout.readline():
            weight = max(len(line), _LEAST)
            pace.spend(weight)
            if (message := _message(line)) is not None:
                await incoming.send(message)
            if not pace.is_open:
                await asyncio.sleep(weight / _PACE)
    except ValueError:
        log.warning("a server of tools wrote a line over its limit, and is ended")
    finally:
        incoming.close()
        ended.set()


def _message(line: bytes) -> SessionMessage | None:
    """None: it is not one, as what a program prints by mistake."""
    try:
        return SessionMessage(mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        return None


async def _give(process: Process, outgoing: MemoryObjectReceiveStream[SessionMessage]) -> None:
    """What the client says."""
    assert process.stdin is not None
    with suppress(OSError):  # it has ended, which `_take` tells
        async for message in outgoing:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(f"{text}\n".encode())
            await process.stdin.drain()


async def _end(process: Process) -> None:
    """Close its input, then ask it to end, then end it."""
    assert process.stdin is not None
    process.stdin.close()
    for step in (signal.SIGTERM, signal.SIGKILL):
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await process.wait()
                return
        _signal(process, step)
    await process.wait()


def _signal(process: Process, which: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, which)
