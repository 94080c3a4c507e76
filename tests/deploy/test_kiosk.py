"""What a kiosk's browser has open all day, in a real Chromium: it waits, shows, watches."""

import socket
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import async_playwright
from support.deployed import DEPLOY
from support.services import FakeServices

from bench.live.chromium import CHROMIUM
from visavis.server.avatars.store import AvatarStore
from visavis.server.commands.composition import application
from visavis.server.system.config import Config

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
START = (DEPLOY / "kiosk" / "start.html").as_uri()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@asynccontextmanager
async def server(port, frame_ancestors="self file:"):
    with tempfile.TemporaryDirectory() as home:
        services = FakeServices()
        config = Config(home=home, frame_ancestors=frame_ancestors)
        app = application(config, services, AvatarStore(Path(home)), services.metrics)
        async with TestServer(app, host="127.0.0.1", port=port) as it:
            yield it
        services.close()


@asynccontextmanager
async def screen():
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM)
        yield await chromium.new_page()
        await chromium.close()


def framed(page):
    return next((each for each in page.frames[1:] if "?kiosk" in each.url), None)


async def test_it_waits_for_the_server_and_goes_on_by_itself():
    port = free_port()
    async with screen() as page:
        await page.goto(f"{START}#http://localhost:{port}/?kiosk#token=one")
        await page.wait_for_timeout(1500)  # longer than it waits between two looks
        assert await page.inner_text("p") == "One moment, please."
        assert framed(page) is None
        async with server(port):
            await page.wait_for_selector("iframe.alive", timeout=20_000)
            assert framed(page).url == f"http://localhost:{port}/?kiosk#token=one"
            assert page.url.startswith(START)


@pytest.mark.slow
async def test_a_page_that_hangs_or_crashes_is_put_away_and_a_new_one_comes():
    port = free_port()
    async with screen() as page, server(port):
        await page.goto(f"{START}#http://localhost:{port}/?kiosk")
        await page.wait_for_selector("iframe.alive", timeout=20_000)
        first = framed(page)
        # Nothing that it runs comes to an end any more.
        await first.evaluate("setTimeout(() => { for (;;); }, 100)")
        await page.wait_for_function(
            "!document.querySelector('iframe')?.classList.contains('alive')", timeout=30_000
        )
        await page.wait_for_selector("iframe.alive", timeout=20_000)
        assert framed(page) is not first


@pytest.mark.slow
async def test_a_page_that_may_not_be_framed_is_shown_without():
    port = free_port()
    async with screen() as page, server(port, "self"):
        await page.clock.install()  # it gives two frames half a minute each
        await page.goto(f"{START}#http://localhost:{port}/?kiosk")
        for _ in range(80):
            if page.url.startswith("http"):
                break
            await page.clock.run_for(1000)
            await page.wait_for_timeout(50)
        assert page.url == f"http://localhost:{port}/?kiosk"
