"""Chromium whose link falls away, whose page is reloaded, and whose server starts anew."""

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager

import pytest
from aioice import ice, stun
from support.pace import soon
from support.serving import serving

from bench.live.chromium import tapped_page, visitor
from visavis.server.rtc import hooks
from visavis.server.system.config import Config

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="session"),
]

PICTURES = "taps.frames.length && taps.frames.at(-1)[0] > performance.now() - 150"
BACK = f"window.visavis.state === 'connected' && {PICTURES}"


STILL = """(() => {
  const still = document.querySelector("visavis-avatar").shadowRoot.querySelector("[part=still]");
  return still.width > 1 && !still.classList.contains("hidden");
})()"""


class Link:
    """What every datagram of the server passes, in both directions."""

    def __init__(self, monkeypatch):
        self.up = True
        for name in ("datagram_received", "send_data", "send_stun"):
            monkeypatch.setattr(ice.StunProtocol, name, self._through(name))

    def _through(self, name):
        plain = getattr(ice.StunProtocol, name)

        async def nothing():
            """What `send_data` is when nothing is sent."""

        def call(protocol, *arguments):
            if self.up:
                return plain(protocol, *arguments)
            return nothing() if name == "send_data" else None

        return call

    @asynccontextmanager
    async def down(self, page, seconds, requests):
        """No datagram gets through. requests: "fail" with the browser knowing that it is offline,
        "hang" without, or "pass"."""
        self.up = False
        if requests == "fail":
            await page.context.set_offline(True)
        elif requests == "hang":
            await page.route("**/v1/sessions", self._hang)
        yield
        await asyncio.sleep(seconds)
        self.up = True
        if requests == "fail":
            await page.context.set_offline(False)

    async def _hang(self, route):
        if not self.up:
            await asyncio.sleep(0.5)  # a request that the page gives up
            await route.abort()
        else:
            await route.continue_()


@pytest.fixture
def link(monkeypatch):
    return Link(monkeypatch)


@asynccontextmanager
async def talking(chromium, address):
    """A page whose visitor has asked something and got an answer."""
    async with visitor(chromium, microphone=False) as context:
        page = await tapped_page(context, address)
        await page.click("#start")
        await page.wait_for_function("window.visavis?.firstPictureMs != null", timeout=30_000)
        await ask(page, "hello")
        yield page


async def ask(page, text):
    await page.fill("#text", text)
    await page.press("#text", "Enter")
    await answered(page, text)


async def answered(page, text, seconds=15):
    await page.wait_for_function(
        "(said) => document.querySelector('#lines').innerText.includes(said)"
        " && window.visavis.messages.at(-1)?.type === 'receipt'",
        arg=f"You said: {text}",
        timeout=seconds * 1000,
    )


async def lines(page):
    return await page.evaluate(
        "[...document.querySelectorAll('#lines p')].map((p) => p.textContent)"
    )


@pytest.mark.parametrize(
    ("seconds", "requests"),
    [
        (5, "hang"),
        pytest.param(2, "pass", marks=pytest.mark.slow),
        pytest.param(5, "fail", marks=pytest.mark.slow),
        pytest.param(5, "pass", marks=pytest.mark.slow),
        pytest.param(15, "hang", marks=pytest.mark.slow),
    ],
)
async def test_a_link_that_comes_back_brings_the_same_conversation(
    chromium, link, seconds, requests
):
    async with serving() as client, talking(chromium, str(client.make_url("/"))) as page:
        session = await page.evaluate("window.visavis.id")
        async with link.down(page, seconds, requests):
            await page.fill("#text", "are you there")  # nobody has noticed anything yet
            await page.press("#text", "Enter")
        began = time.monotonic()
        await page.wait_for_function(BACK, polling=50, timeout=10_000)
        took = time.monotonic() - began
        await answered(page, "are you there")
        assert soon(took, 2)
        assert await page.evaluate("window.visavis.id") == session
        said = await lines(page)
        assert said == ["hello", "You said: hello", "are you there", "You said: are you there"]
        print(f"outage of {seconds} s, requests {requests}: back {took:.2f} s after it")  # noqa: T201


@asynccontextmanager
async def frozen(chromium):
    """The browser's pages are stopped, and their connections with them: a lid that is shut."""
    devtools = await chromium.new_browser_cdp_session()
    processes = (await devtools.send("SystemInfo.getProcessInfo"))["processInfo"]
    pages = [each["id"] for each in processes if each["type"] == "renderer"]
    for page in pages:
        os.kill(page, signal.SIGSTOP)
    try:
        yield
    finally:
        for page in pages:
            os.kill(page, signal.SIGCONT)
        await devtools.detach()


@pytest.fixture
def _alert(monkeypatch):
    """A loss is noticed after 1 s instead of 8 to 10: the same checks, ten times as fast."""
    hooks.install()
    monkeypatch.setattr(ice, "CONSENT_INTERVAL", ice.CONSENT_INTERVAL)  # what `install` sets goes
    monkeypatch.setattr(hooks, "_CONSENT_INTERVAL", hooks._CONSENT_INTERVAL / 10)
    monkeypatch.setattr(stun, "RETRY_RTO", stun.RETRY_RTO / 10)


async def _wakes(chromium, seconds, **settings):
    """A page that is stopped for so long goes on, however its session did."""
    async with serving(**settings) as client, talking(chromium, str(client.make_url("/"))) as page:
        session = await page.evaluate("window.visavis.id")
        async with frozen(chromium):
            await asyncio.sleep(seconds)
            over = (await client.get(f"/v1/sessions/{session}")).status == 404
        began = time.monotonic()
        await page.wait_for_function(BACK, polling=50, timeout=10_000)
        took = time.monotonic() - began
        await ask(page, "are you there")
        said = await lines(page)
        assert said == ["hello", "You said: hello", "are you there", "You said: are you there"]
        assert "new one" not in await page.inner_text("#notice")
        assert soon(took, 4)
        print(f"stopped for {seconds} s, over: {over}: back {took:.2f} s after it")  # noqa: T201
        return over


@pytest.mark.usefixtures("_alert")
@pytest.mark.slow
async def test_a_page_that_was_stopped_goes_on_though_its_session_is_over(chromium):
    assert await _wakes(chromium, 4.5, resume_seconds=1)


@pytest.mark.slow
@pytest.mark.parametrize("resume_seconds", [3, 120])
async def test_so_does_one_that_was_stopped_for_long(chromium, resume_seconds):
    assert await _wakes(chromium, 20, resume_seconds=resume_seconds) == (resume_seconds < 20)


async def test_a_page_that_is_reloaded_shows_its_conversation(chromium):
    async with (
        serving(max_sessions=1) as client,
        talking(chromium, str(client.make_url("/"))) as page,
    ):
        session = await page.evaluate("window.visavis.id")
        await page.reload()
        await page.wait_for_function(BACK, timeout=10_000)
        assert await page.evaluate("window.visavis.id") == session
        assert await lines(page) == ["hello", "You said: hello"]
        await ask(page, "again")
        await page.click("#end")
        await page.reload()
        await page.wait_for_function("window.visavis?.state === 'idle'")
        assert await lines(page) == []


async def test_a_closed_page_leaves_its_place(chromium):
    async with serving() as client, talking(chromium, str(client.make_url("/"))) as page:
        await page.close(run_before_unload=True)
        async with asyncio.timeout(5):
            while "visavis_sessions 0.0" not in await (await client.get("/metrics")).text():
                await asyncio.sleep(0.1)


async def test_a_server_that_forgot_the_session_gets_a_new_one_by_itself(chromium):
    async with serving() as client, talking(chromium, str(client.make_url("/"))) as page:
        session = await page.evaluate("window.visavis.id")
        await client.delete(f"/v1/sessions/{session}")  # as when it was started anew
        await page.wait_for_function(f"window.visavis.id !== {session!r} && {BACK}", timeout=10_000)
        assert "new one" in await page.inner_text("#notice")
        await ask(page, "again")


@pytest.mark.slow
async def test_a_session_that_has_had_its_time_says_so_and_begins_anew_on_a_click(
    chromium, monkeypatch
):
    monkeypatch.setattr(Config, "idle_seconds", property(lambda self: 4.0))
    async with serving() as client, talking(chromium, str(client.make_url("/"))) as page:
        await page.wait_for_selector("#notice:not([hidden])", timeout=5000)
        await page.wait_for_selector("#trouble[data-reason=ended]:not([hidden])", timeout=8000)
        assert "Nobody said anything for 4 s" in await page.inner_text("#trouble")
        assert await page.inner_text("#trouble-retry") == "Start again"
        assert await page.is_hidden("#notice")  # that it will end is no news any more
        assert await page.evaluate(STILL)  # the video itself is black now
        await page.click("#trouble-retry")
        await page.wait_for_function(BACK, timeout=10_000)
