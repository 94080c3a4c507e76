"""Tools used as a mind uses them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from visavis.engines.base import Call, Used
from visavis.server.system.metrics import Metrics
from visavis.server.tools.specs import ToolsFile
from visavis.server.tools.toolbox import OwnToolbox


class Asked:
    """A question that is confirmed, or will be."""

    def __init__(self, *, confirmed: bool = True) -> None:
        self.text, self.history, self.language = "please", (), "en"
        self.event = asyncio.Event()
        if confirmed:
            self.event.set()

    @property
    def speculative(self) -> bool:
        return not self.event.is_set()

    async def confirmed(self) -> None:
        await self.event.wait()


class Tools:
    """An open toolbox with its metrics."""

    def __init__(self, file: ToolsFile) -> None:
        self.metrics = Metrics()
        self.box = OwnToolbox(file, self.metrics)

    @property
    def names(self) -> list[str]:
        return [tool.name for tool in self.box.tools()]

    async def use(self, name: str, asked: Asked | None = None, **arguments: Any) -> Used:
        return await self.box.use(Call("1", name, arguments), asked or Asked())  # type: ignore[arg-type]

    async def told(self, name: str, **arguments: Any) -> str:
        return (await self.use(name, **arguments)).result.content

    def counted(self, name: str, outcome: str) -> float:
        wanted = {"tool": name, "outcome": outcome}
        value = self.metrics.registry.get_sample_value("visavis_tool_calls_total", wanted)
        return value or 0.0

    async def until(self, *names: str) -> None:
        """Wait until these can be used; TimeoutError after 20 s."""
        async with asyncio.timeout(20):
            while set(names) - set(self.names):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def opened(file: ToolsFile) -> AsyncGenerator[Tools]:
    """An open toolbox, closed after it."""
    tools = Tools(file)
    await tools.box.opened()
    try:
        yield tools
    finally:
        await asyncio.to_thread(tools.box.close)
