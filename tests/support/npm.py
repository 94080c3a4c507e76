"""Packages from npm in a real browser, as their users have them: see tests/npm/README.md."""

from __future__ import annotations

import asyncio
import functools
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, Page, Route

from bench.live.chromium import visitor

HOME: Final = Path(sys.prefix) / "npm"
ORIGIN: Final = (
    "http://localhost:9"  # a secure context, so that there is a microphone; nobody listens
)
_HTML: Final = '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>'


def modules(name: str) -> Path:
    """The node_modules of a set in tests/npm."""
    folder = HOME / name / "node_modules"
    assert folder.is_dir(), f"the npm packages of tests/npm/{name} are missing: run make npm"
    return folder


@functools.cache
def bundled(name: str, source: str, loader: str = "js") -> str:
    """A script that imports packages of the set `name` -> one ES module for a browser.

    loader: "js", "jsx", "ts" or "tsx": what the script is written in.
    """
    # Files outside the set's folder, such as ours, find its packages by NODE_PATH.
    environment = {**os.environ, "NODE_PATH": str(modules(name))}
    made = subprocess.run(
        [
            modules("tools") / ".bin" / "esbuild", "--bundle", "--format=esm", f"--loader={loader}",
            "--jsx=automatic", "--define:process.env.NODE_ENV='development'", "--log-level=error",
        ],
        input=source, capture_output=True, text=True, check=False, cwd=HOME / name, timeout=50,
        env=environment,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return made.stdout


@asynccontextmanager
async def page(
    browser: Browser, name: str, source: str, *, origin: str = ORIGIN, loader: str = "js"
) -> AsyncIterator[Page]:
    """A page of `origin` with a microphone that has run the script `source`, see `bundled`.

    What a test needs, the script puts on `globalThis`. `origin` need not be served: give a
    server's own to be of its origin. Errors that nobody caught fail the test at its end.
    """
    script = await asyncio.to_thread(bundled, name, source, loader)

    async def serve(route: Route) -> None:
        if route.request.url == f"{origin}/page.js":
            await route.fulfill(body=script, content_type="text/javascript")
        else:
            await route.fulfill(body=_HTML, content_type="text/html")

    errors: list[str] = []
    async with visitor(browser) as context:
        # Chromium asks before a page calls this machine: as it does one that comes from elsewhere.
        await context.grant_permissions(["local-network-access", "microphone"])
        made = await context.new_page()
        made.on("pageerror", lambda error: errors.append(str(error)))
        for path in ("npm", "page.js"):
            await made.route(f"{origin}/{path}", serve)
        await made.goto(f"{origin}/npm")
        yield made
    assert not errors, errors
