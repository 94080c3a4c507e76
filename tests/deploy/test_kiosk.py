"""What a kiosk shows before its server answers, in a real Chromium."""

import socket
import tempfile
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

pytestmark = pytest.mark.browser
START = (DEPLOY / "kiosk" / "start.html").as_uri()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


async def test_it_waits_for_the_server_and_goes_on_by_itself():
    port = free_port()
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM)
        page = await chromium.new_page()
        await page.goto(f"{START}#http://localhost:{port}/?kiosk#token=one")
        await page.wait_for_timeout(1500)  # longer than it waits between two looks
        assert page.url.startswith(START)
        assert await page.inner_text("p") == "One moment, please."
        with tempfile.TemporaryDirectory() as home:
            services = FakeServices()
            store = AvatarStore(Path(home))
            app = application(Config(home=home), services, store, services.metrics)
            async with TestServer(app, host="127.0.0.1", port=port):
                going = f"http://localhost:{port}/?kiosk#token=one"
                await page.wait_for_url(going, timeout=20_000, wait_until="commit")
                await page.wait_for_selector("#start")
                await chromium.close()
            services.close()
