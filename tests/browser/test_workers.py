"""Chromium whose session's process is killed: its page is back by itself, others see nothing."""

import asyncio
import os
import signal
import time

import aiohttp
import pytest
from support.pace import soon
from support.standing import children, standing

from bench.live.chromium import tapped_page, visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="session"),
]

FLOWS = "taps.frames.length && taps.frames.at(-1)[0] > performance.now() - 150"
WITHIN = 2.0  # s


async def begun(context, address):
    page = await tapped_page(context, address)
    await page.click("#start")
    await page.wait_for_function("window.visavis?.firstPictureMs != null", timeout=30_000)
    await page.wait_for_function(FLOWS, timeout=10_000)
    return page


async def both_ready(address):
    async with aiohttp.ClientSession(address) as client, asyncio.timeout(20):
        while "visavis_workers 2.0" not in await (await client.get("/metrics")).text():
            await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_a_page_whose_worker_is_killed_is_back_by_itself(chromium, tmp_path):
    with standing(tmp_path, "moving", "--workers", "2", "--max-sessions", "4") as server:
        address = f"http://127.0.0.1:{server.port}/"
        async with visitor(chromium, microphone=False) as context:
            await both_ready(address)
            pages = [await begun(context, address) for _ in range(2)]
            ids = [await page.evaluate("window.visavis.id") for page in pages]
            workers = await asyncio.to_thread(children, server.process.pid)
            await asyncio.sleep(1)
            os.kill(workers[0], signal.SIGKILL)
            killed = time.monotonic()
            back = f"window.visavis.state === 'connected' && window.visavis.id !== {ids[0]!r}"
            await pages[0].wait_for_function(f"{back} && {FLOWS}", polling=20, timeout=10_000)
            took = time.monotonic() - killed
            assert "part of the server failed" in await pages[0].inner_text("#notice")
            assert await pages[1].evaluate("window.visavis.id") == ids[1]
            assert await pages[1].evaluate(FLOWS)
            print(f"killed: back after {took:.2f} s")  # noqa: T201
            assert soon(took, WITHIN)
