"""The visitor's page as the live benchmark drives and reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Page

from bench.live.questions import write_wav
from bench.live.signals import summary

LEAD_IN = 6.0  # s of silence at the microphone's start: connection and warm-up
TYPED = (
    "What time is breakfast?", "Where is the gym?", "Do you have a pool?", "Can I park here?",
    "How do I get online?", "Is there a sauna?", "When is check-out?", "Do you have a bar?",
    "Can I bring my dog?", "Where are the restrooms?",
)  # fmt: skip


def script(path: Path, lines: list[tuple[str, float]], home: Path) -> Path:
    if not path.exists():
        write_wav(path, lines, home)
    return path


async def typed_into(page: Page, text: str) -> float:
    """Type and send; when, in the page's ms."""
    await page.fill("#text", text)
    at: float = await page.evaluate("performance.now()")
    await page.press("#text", "Enter")
    return at


async def start(page: Page, open_mic: bool = False) -> None:
    if open_mic:
        await page.evaluate("document.querySelector('#hands-free').click()")
    await page.click("#start")
    await page.wait_for_function("window.visavis?.firstPictureMs != null", timeout=20_000)


async def taps_of(page: Page) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = await page.evaluate(
        "(({ mic, voice, heard, frames, skew }) => ({ mic, voice, heard, frames, skew }))(taps)"
    )
    return found


def since(at: float, then: float | None) -> float | None:
    return None if then is None else then - at


def skew(rows: list[list[float]]) -> dict[str, Any]:
    """Skew after 10 s of warm-up: positive when sound is behind the picture it belongs to."""
    if not rows:
        return {"n": 0}
    values = [row[1] for row in rows if row[0] > rows[0][0] + 10_000]
    if not values:
        return {"n": 0}
    return {
        "n": len(values),
        "p1": round(float(np.percentile(values, 1)), 1),
        "p5": round(float(np.percentile(values, 5)), 1),
        "p50": round(float(np.percentile(values, 50)), 1),
        "p95": round(float(np.percentile(values, 95)), 1),
        "p99": round(float(np.percentile(values, 99)), 1),
        "share_within_60": round(float(np.mean(np.abs(values) <= 60)), 4),
        # where it left +-60, in s from the start
        "outside_at_s": [round((row[0] - rows[0][0]) / 1000) for row in rows if abs(row[1]) > 60],
    }


def stages(receipts: list[dict[str, Any]]) -> dict[str, Any]:
    stages = ("transcript", "first_clause", "first_sound", "first_picture", "skew")
    return {stage: summary([receipt[stage] for receipt in receipts]) for stage in stages}
