"""Headless Chromium as a real viewer with a microphone that plays a WAV file."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

CHROMIUM = os.environ.get("VISAVIS_CHROMIUM", "/usr/bin/chromium")
_YES = "--use-fake-ui-for-media-stream"
_FLAGS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TAPS = Path(__file__).parent / "taps.js"


@asynccontextmanager
async def chromium(
    mic: Path | None = None, width: int = 1280, height: int = 800
) -> AsyncIterator[BrowserContext]:
    """A browser whose microphone plays `mic` once (None: refused by the visitor)."""
    flags = [*_FLAGS, *((_YES, _microphone(mic)) if mic else ())]
    with tempfile.TemporaryDirectory() as profile:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch_persistent_context(
                profile,
                executable_path=CHROMIUM,
                headless=True,
                args=flags,
                viewport={"width": width, "height": height},
                bypass_csp=True,
            )
            try:
                yield browser
            finally:
                await browser.close()


def _microphone(mic: Path) -> str:
    return f"--use-file-for-fake-audio-capture={mic}%noloop"


@asynccontextmanager
async def shared_chromium(mic: Path) -> AsyncIterator[Browser]:
    """A browser for one visitor after the other, see `visitor`.

    `mic` is read anew, from its start, whenever a page opens its microphone.
    """
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=[*_FLAGS, _microphone(mic)]
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visitor(
    browser: Browser,
    *,
    microphone: bool = True,
    width: int = 1280,
    height: int = 800,
    strict: bool = False,
) -> AsyncIterator[BrowserContext]:
    """Somebody with cookies and storage of their own, who allows the microphone or refuses it.

    strict: the page's content security policy holds, and `wait_for_function`, which evaluates a
    text again and again, does not work.
    """
    context = await browser.new_context(
        permissions=["microphone"] if microphone else [],
        viewport={"width": width, "height": height},
        bypass_csp=not strict,
    )
    try:
        yield context
    finally:
        await context.close()


async def tapped_page(browser: BrowserContext, address: str) -> Page:
    """The visitor's page with the measuring script in it."""
    page = await browser.new_page()
    await page.add_init_script(path=TAPS)
    await page.goto(address)
    return page


# However many cores the machine has, and whatever else it does.
_LIKE = ("--workers", "1", "--max-sessions", "4")


@asynccontextmanager
async def server(
    home: Path, *options: str, log: Path | None = None
) -> AsyncIterator[tuple[str, int]]:
    """`visavis serve` as an operator runs it: its address and process id, once it is ready."""
    output = log.open("wb") if log else asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from visavis.server.cli import main; raise SystemExit(main())",
        "serve",
        "--port",
        "0",
        "--home",
        str(home),
        *_LIKE,
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=output,
    )
    try:
        async with asyncio.timeout(300):  # a first start on a busy machine took 113
            address = await ready(process)
        yield address, process.pid
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 15)


async def ready(process: asyncio.subprocess.Process) -> str:
    """The address that a server says on its standard output once it is ready."""
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode():
        if found := re.search(r"ready: open (\S+)", line):
            return found[1]
    msg = "the server ended before it was ready"
    raise RuntimeError(msg)
