"""A viewer whose network changes, between two machines: see support/networks.py."""

import asyncio
import json
import os
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import async_playwright
from support import networks
from support.far import PORT, TOKEN
from support.networks import SERVER
from support.pace import soon

from bench.live.chromium import _FLAGS, CHROMIUM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif((why := networks.missing()) is not None, reason=str(why)),
]
HERE = Path(__file__).parents[1]


@asynccontextmanager
async def program(machines, namespace, role):
    """Its lines, as they come."""
    process = await asyncio.create_subprocess_exec(
        *machines.inside(namespace, sys.executable, "-m", "support.far", role, SERVER),
        stdout=asyncio.subprocess.PIPE, cwd=HERE, env=os.environ | {"PYTHONPATH": str(HERE)},
    )  # fmt: skip

    async def line(what):
        async with asyncio.timeout(30):
            found = json.loads(await process.stdout.readline())
        assert found["what"] == what
        return found

    try:
        yield line
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


PAGE = """(token) => import("/visavis-avatar.js").then(() => {
  globalThis.states = [];
  globalThis.face = document.createElement("visavis-avatar");
  face.setAttribute("token", token);
  face.addEventListener("state", ({ detail }) => states.push(detail.state));
  document.body.append(face);
  face.connect();
})"""


@asynccontextmanager
async def browser(machines, folder):
    """A page of the server's in a Chromium on the viewer's machine."""
    inside = folder / "chromium"
    inside.write_text(f'#!/bin/sh\nexec ip netns exec {machines.here} {CHROMIUM} "$@"\n')
    inside.chmod(0o700)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=str(inside), headless=True, args=list(_FLAGS)
        )
        try:
            page = await chromium.new_page(bypass_csp=True)
            await page.goto(f"http://{SERVER}:{PORT}/healthz")
            yield page
        finally:
            await chromium.close()


async def test_a_page_goes_over_to_another_network(tmp_path):
    with networks.machines() as machines:
        machines.use("wifi")
        async with program(machines, machines.there, "server") as server:
            await server("ready")
            async with browser(machines, tmp_path) as page:
                await page.evaluate(PAGE, TOKEN)
                await page.wait_for_function("states.at(-1) === 'connected'")
                session = await page.evaluate("face.session.id")
                machines.use("mobile")
                began = time.monotonic()
                await page.wait_for_function("states.includes('reconnecting')")
                await page.wait_for_function("states.at(-1) === 'connected'")
                assert soon(time.monotonic() - began, 8)
                assert await page.evaluate("face.session.id") == session
                await page.evaluate("face.say('Over the other one.')")
                await page.wait_for_function("face.session.receipts.length > 0")


async def test_a_viewer_goes_over_to_another_network():
    with networks.machines() as machines:
        machines.use("wifi")
        async with program(machines, machines.there, "server") as server:
            await server("ready")
            async with program(machines, machines.here, "viewer") as viewer:
                session = (await viewer("connected"))["session"]
                await viewer("speaking")
                machines.use("mobile")
                ready = await viewer("ready")
                assert (ready["session"], ready["resumed"]) == (session, True)
                ended = await viewer("ended")
                assert ended["gap"] < 6
                assert ended["heard"].endswith("goes on all the same.")
