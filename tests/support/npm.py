"""Packages from npm in a real browser, as their users have them: see tests/npm/README.md."""

from __future__ import annotations

import asyncio
import functools
import os
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page

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
def bundled(name: str, source: str, loader: str = "js", beside: str = "") -> str:
    """A script that imports packages of the set `name` -> one ES module for a browser.

    loader: "js", "jsx", "ts" or "tsx": what the script is written in. beside: another folder of
    packages.
    """
    # Files outside the set's folder, such as ours, find its packages by NODE_PATH.
    environment = {**os.environ, "NODE_PATH": f"{modules(name)}:{beside}"}
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
    browser: Browser,
    name: str,
    source: str,
    *,
    origin: str = "",
    loader: str = "js",
    beside: str = "",
) -> AsyncIterator[Page]:
    """A page with a microphone that has run the script `source`, see `bundled`.

    What a test needs, the script puts on `globalThis`. The page has an origin of its own, as other
    people's pages have, or a server's. Errors that nobody caught fail the test at its end.
    """
    script = await asyncio.to_thread(bundled, name, source, loader, beside)
    errors: list[str] = []
    async with _served() as own, visitor(browser) as context:
        made = await context.new_page()
        made.on("pageerror", lambda error: errors.append(str(error)))
        await made.goto(f"{origin}/healthz" if origin else own)
        await made.add_script_tag(content=f"{script}\nglobalThis.ran = true;", type="module")
        async with asyncio.timeout(20):
            while not errors and not await made.evaluate("globalThis.ran"):
                await asyncio.sleep(0.01)
        assert not errors, errors
        yield made
    assert not errors, errors


@asynccontextmanager
async def _served() -> AsyncIterator[str]:
    """An empty page, really served: Chromium lets no other call this machine."""

    async def empty(_request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><meta charset=utf-8>", content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", empty)])
    async with TestServer(app, host="127.0.0.1") as server:
        yield f"http://localhost:{server.port}/"


def pack(folder: Path, where: Path) -> None:
    """Lay what `npm pack` makes of a folder where npm would install it."""
    where.mkdir(parents=True)
    command = ["npm", "pack", "--silent", "--pack-destination", str(where), str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert made.returncode == 0, made.stderr
    archive = where / made.stdout.split()[-1]
    with tarfile.open(archive) as packed:
        for member in packed:
            member.name = member.name.removeprefix("package/")
            packed.extract(member, where, filter="data")
    archive.unlink()
