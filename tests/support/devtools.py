"""Chromium as it is, through its own protocol: Playwright's pages are never hidden."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from bench.live.chromium import _FLAGS, CHROMIUM


class Tab:
    """One tab, which others may be laid over."""

    def __init__(self, socket: ClientWebSocketResponse, target: str) -> None:
        self._socket, self._target = socket, target
        self._numbers = itertools.count(1)
        self._session: str | None = None

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the DevTools protocol, and what it answers."""
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": params}
        if self._session is not None:
            command["sessionId"] = self._session
        await self._socket.send_json(command)
        async with asyncio.timeout(20):
            while (answer := await self._socket.receive_json()).get("id") != number:
                pass
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    async def open(self, address: str, script: str = "") -> None:
        """Go there; `script` runs before the page's own."""
        attached = await self.send("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session = attached["sessionId"]
        await self.send("Page.enable")
        if script:
            await self.send("Page.addScriptToEvaluateOnNewDocument", source=script)
        await self.send("Page.navigate", url=address)
        await self.until("document.readyState === 'complete'")

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression; of a promise, what it becomes."""
        params = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = await self.send("Runtime.evaluate", **params)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, condition: str, seconds: float = 20) -> None:
        """Wait until it holds."""
        async with asyncio.timeout(seconds):
            while not await self.evaluate(f"Boolean({condition})"):
                await asyncio.sleep(0.02)

    async def cover(self) -> None:
        """Open another tab before it."""
        await self.send("Target.createTarget", url="about:blank")
        await self.until("document.visibilityState === 'hidden'")

    async def show(self) -> None:
        """Bring it to the front again."""
        await self.send("Target.activateTarget", targetId=self._target)
        await self.until("document.visibilityState === 'visible'")


@asynccontextmanager
async def tab() -> AsyncIterator[Tab]:
    """A browser of its own with one tab."""
    with tempfile.TemporaryDirectory() as profile:
        process = await asyncio.create_subprocess_exec(
            CHROMIUM, "--headless=new", "--remote-debugging-port=0",
            f"--user-data-dir={profile}", "--window-size=1280,800", *_FLAGS, "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert process.stderr is not None
            line = b""
            async with asyncio.timeout(30):
                while b"listening on" not in line:
                    line = await process.stderr.readline()
            async with (
                ClientSession() as client,
                client.ws_connect(line.split()[-1].decode()) as ws,
            ):
                opened = await Tab(ws, "").send("Target.createTarget", url="about:blank")
                yield Tab(ws, opened["targetId"])
        finally:
            process.terminate()
            await process.wait()
