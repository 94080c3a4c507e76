"""The mark in a screen grab of the page, as Chromium shows a session; prints JSON.

    python -m bench grabbed [--home PATH]

Screenshots for 4 s, one of them alone, and a screencast (JPEG of quality 50), of two sizes of
window: the page scales the picture and cuts it to its frame, and lays its buttons over it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from playwright.async_api import Page

from bench.live.chromium import chromium, server, tapped_page
from bench.live.page import start
from visavis.engines.marking.finding import find
from visavis.server.system.config import Config
from visavis.server.system.installation import Installation

Luma = npt.NDArray[np.uint8]

WINDOWS: Final = ((1280, 800), (900, 640))
SECONDS: Final = 4.0
QUALITY: Final = 50
_SHOWN: Final = """document.querySelector("visavis-avatar").shadowRoot.querySelector("video")"""


def _grey(data: bytes) -> Luma:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


async def screenshots(page: Page) -> list[Luma]:
    """As many as there are time for."""
    shots, end = [], time.monotonic() + SECONDS
    while time.monotonic() < end:
        shots.append(_grey(await page.screenshot()))
    return shots


async def screencast(page: Page) -> list[Luma]:
    """What the browser sends of itself."""
    session = await page.context.new_cdp_session(page)
    frames: list[Luma] = []
    acknowledged: set[asyncio.Task[Any]] = set()

    def got(event: dict[str, Any]) -> None:
        frames.append(_grey(base64.b64decode(event["data"])))
        answer = {"sessionId": event["sessionId"]}
        task = asyncio.ensure_future(session.send("Page.screencastFrameAck", answer))
        acknowledged.add(task)
        task.add_done_callback(acknowledged.discard)

    session.on("Page.screencastFrame", got)
    await session.send("Page.startScreencast", {"format": "jpeg", "quality": QUALITY})
    await asyncio.sleep(SECONDS)
    await session.send("Page.stopScreencast")
    return [one for one in frames if one.shape == frames[0].shape]


def result(pictures: list[Luma], home: Path) -> dict[str, Any]:
    """What is found in at most 20 of them."""
    found = find(pictures[:: max(1, len(pictures) // 20)])
    return {
        "pictures": len(pictures),
        "found": found is not None and found.payload.installation == Installation.of(home).number,
        "log10_false_alarm": found and round(found.log10_false_alarm, 1),
    }


async def _run(home: Path) -> list[dict[str, Any]]:
    rows = []
    async with server(home) as (address, _):
        for width, height in WINDOWS:
            async with chromium(None, width, height) as browser:
                page = await tapped_page(browser, address)
                await start(page)
                await asyncio.sleep(2)
                box = await page.evaluate(f"{_SHOWN}.getBoundingClientRect().toJSON()")
                shots, cast = await screenshots(page), await screencast(page)
            row = {"window": [width, height], "shown": [box["width"], box["height"]]}
            for way, pictures in (
                ("screenshots", shots),
                ("one screenshot", shots[:1]),
                ("screencast", cast),
            ):
                rows.append({**row, "way": way, **result(pictures, home)})
                print(rows[-1], file=sys.stderr)
    return rows


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Config().home_path)
    json.dump({"grabbed": asyncio.run(_run(parser.parse_args().home))}, sys.stdout, indent=2)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
