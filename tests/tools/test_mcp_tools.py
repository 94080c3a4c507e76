"""MCP servers: a real one made with the SDK, over pipes and over HTTP, and others that go wrong."""

import asyncio
import os
import socket
import sys
import time
from pathlib import Path

import pytest
from support.asking import opened
from support.pace import soon, within

from visavis.server.tools import mcp_server, own_loop, stdio_pipe, toolbox
from visavis.server.tools.specs import Limits, McpServer, ToolsFile

SUPPORT = Path(__file__).parents[1] / "support"
GOOD, BAD = str(SUPPORT / "mcp_good.py"), str(SUPPORT / "mcp_bad.py")
LIMITS = Limits(seconds=0.5, bytes=100_000, characters=300)


def good(**options):
    limits = Limits(8.0, LIMITS.bytes, LIMITS.characters)
    return McpServer("desk", (sys.executable, GOOD), limits=limits, **options)


def bad(way, **options):
    options = {"limits": LIMITS, **options}
    return McpServer("bad", (sys.executable, "-S", BAD, way), **options)


@pytest.fixture
def quick(monkeypatch):
    """Servers are started again at once, and hang after one call."""
    monkeypatch.setattr(mcp_server, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(mcp_server, "_HANGS", 1)
    monkeypatch.setattr(toolbox, "_WAIT", 20.0)
    monkeypatch.setattr(stdio_pipe, "_GRACE", 0.1)
    monkeypatch.setattr(own_loop, "_PATIENCE", 20.0)  # of a busy machine


async def test_a_real_server_over_its_pipes(quick, monkeypatch):
    monkeypatch.setenv("VISAVIS_TOKEN", "secret")
    async with opened(ToolsFile(mcp=(good(env={"DESK": "1"}),))) as tools:
        await tools.until("desk_free_rooms")
        found = {tool.name: tool for tool in tools.box.tools()}["desk_free_rooms"]
        assert found.description == "Which rooms are free."
        assert found.parameters["required"] == ["night"]
        told = await tools.told("desk_free_rooms", night="Monday")
        assert told == "On Monday the double rooms Lark and Finch are free."
        assert '"euros": 270' in await tools.told("desk_price", nights=3)
        # what it is not given
        names = (await tools.told("desk_environment")).split()
        assert "DESK" in names
        assert "VISAVIS_TOKEN" not in names
        # what goes wrong in it
        assert "error" in await tools.told("desk_free_rooms")
        assert "reports an error: Error executing tool broken." in await tools.told("desk_broken")
        assert len(await tools.told("desk_long")) <= LIMITS.characters
        assert tools.counted("desk_price", "done") == 1
        assert tools.counted("desk_broken", "failed") == 1
        # it ends in the middle of a call, and is there again
        await tools.until("desk_leave")
        assert "Say to the visitor" in await tools.told("desk_leave")
        await tools.until("desk_price")
        assert '"euros": 90' in await tools.told("desk_price", nights=1)


@pytest.mark.slow
async def test_a_real_server_over_http(quick):
    port = _free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, GOOD, str(port))
    try:
        url = f"http://127.0.0.1:{port}/mcp"
        limits = Limits(8.0, LIMITS.bytes, LIMITS.characters)
        server = McpServer("city", url=url, tools=("price", "huge"), limits=limits)
        async with opened(ToolsFile(mcp=(server,))) as tools:
            await tools.until("city_price")  # tried again until it is up
            assert tools.names == ["city_price", "city_huge"]
            assert '"euros": 270' in await tools.told("city_price", nights=3)
            assert "Say to the visitor" in await tools.told("city_huge")
            await tools.until("city_price")
            assert '"euros": 90' in await tools.told("city_price", nights=1)
    finally:
        process.kill()
        await process.wait()


def _free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.mark.parametrize("way", ["hang", "die", "flood", "garbage", "wrong-result"])
async def test_a_server_that_goes_wrong_in_a_call_is_there_again(quick, way):
    async with opened(ToolsFile(mcp=(bad(way),))) as tools:
        await tools.until("bad_act")
        began = time.perf_counter()
        told = await tools.told("bad_act")
        assert soon(time.perf_counter() - began, 1.0)
        assert "Say to the visitor in plain words" in told
        await tools.until("bad_act")
        assert tools.counted("bad_act", "done") == 0


@pytest.mark.slow
async def test_a_server_that_chatters_is_read_at_a_pace(quick):
    async with opened(ToolsFile(mcp=(bad("chatter", limits=Limits(0.9)),))) as tools:
        await tools.until("bad_act")
        calling = asyncio.create_task(tools.told("bad_act"))
        await asyncio.sleep(0.6)  # what it may say at once
        used = time.process_time()
        await asyncio.sleep(0.2)
        assert within(time.process_time() - used, 0.08)
        assert "within 0.9 s" in await calling


async def test_tools_that_cannot_be_offered_are_left_out(quick):
    async with opened(ToolsFile(mcp=(bad("odd"),))) as tools:
        await tools.until("bad_with_spaces_and_more")
        assert tools.names == ["bad_with_spaces_and_more"]
        assert await tools.told("bad_with_spaces_and_more") == "done"


async def test_a_server_with_a_schema_that_is_none_offers_nothing(quick, caplog):
    async with opened(ToolsFile(mcp=(bad("wrong-schema"),))) as tools:
        assert tools.names == []
    assert "a server of tools failed" in caplog.messages


async def test_a_server_has_so_many_tools_at_most(quick):
    async with opened(ToolsFile(mcp=(bad("many"),))) as tools:
        await tools.until("bad_t63")
        assert len(tools.names) == 64


async def test_a_server_that_does_not_start_holds_up_nobody(monkeypatch):
    monkeypatch.setattr(toolbox, "_WAIT", 0.3)
    monkeypatch.setattr(stdio_pipe, "_GRACE", 0.1)
    missing = McpServer("none", ("/no/such/program",), limits=LIMITS)
    began = time.perf_counter()
    async with opened(ToolsFile(mcp=(bad("never-starts"), missing))) as tools:
        assert soon(time.perf_counter() - began, 3)
        assert tools.names == []
        assert "There is no such tool" in await tools.told("bad_act")


async def test_a_program_ends_with_the_toolbox_with_all_that_it_started(quick, tmp_path):
    noted = tmp_path / "pid"
    script = f'sleep 600 & echo $! > {noted}; exec "$@"'
    command = ("/bin/sh", "-c", script, "sh", sys.executable, "-S", BAD, "well")
    async with opened(ToolsFile(mcp=(McpServer("bad", command, limits=LIMITS),))) as tools:
        await tools.until("bad_act")
        child = int(noted.read_text())
        os.kill(child, 0)
    for _ in range(100):
        if _is_over(child):
            break
        await asyncio.sleep(0.02)
    assert _is_over(child)


def _is_over(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except OSError:
        return True


async def test_what_is_said_to_a_server_and_by_it_reaches_no_log(quick, caplog):
    caplog.set_level("DEBUG", "visavis")
    async with opened(ToolsFile(mcp=(bad("garbage"), bad("wrong-result")))) as tools:
        await tools.until("bad_act")
        for _ in range(2):
            await tools.told("bad_act", secret="a visitor's words")
            await tools.until("bad_act")
    said = " ".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert "a server of tools" in said
    assert "visitor's words" not in said
    assert "no list" not in said
