"""A kiosk for hours: a visitor every few minutes, each answered and forgotten, and memory flat.

    python -m bench.live.kiosk --hours 2 --every 300
    python -m bench.live.kiosk --standby 12 --speed 360

The first lets a visitor speak (or type) one question in real time, and waits until the kiosk has
warned, said goodbye and forgotten them. The second runs the kiosk's own clock faster and has a
visitor every hour of it; connection, sound and pictures stay in real time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from playwright.async_api import CDPSession, Page, async_playwright

from bench.live.chromium import _FLAGS, _YES, CHROMIUM, server
from bench.live.questions import QUESTIONS, write_wav
from bench.machine import Share
from bench.processes import family, holdings, seconds

_LEAD: Final = 8.0  # s of silence before the first question: the page has to connect
_SHARE: Final = 0.9  # of the time to the next visitor, until which the last must be forgotten
_WARM: Final = 0.25  # of the samples, in which caches fill
_SIZE: Final = {"width": 1080, "height": 1920}
# What the page tells: who came and went, what was understood and what was said.
_LOG: Final = """() => { window.kiosk = []; const note = (what, more) =>
    window.kiosk.push({ at: performance.now() / 1000, what, ...more });
  const avatar = document.querySelector("visavis-avatar");
  avatar.addEventListener("transcript", ({ detail }) =>
    detail.final && note("heard", { text: detail.text }));
  avatar.addEventListener("reply_ended", ({ detail }) =>
    note("said", { text: detail.heard, reason: detail.reason }));
  avatar.addEventListener("state", ({ detail }) => note("state", { state: detail.state }));
  new MutationObserver(() => note("phase", { phase: document.documentElement.dataset.kiosk }))
    .observe(document.documentElement, { attributeFilter: ["data-kiosk"] }); }"""
_TAKE: Final = "window.kiosk?.splice(0) ?? []"
_STANDBY: Final = "document.documentElement.dataset.kiosk === 'standby'"
_FACE: Final = "window.visavis?.state === 'connected' && window.visavis.firstPictureMs !== null"


@asynccontextmanager
async def screen(mic: Path) -> AsyncIterator[tuple[Page, int]]:
    """A page whose microphone plays `mic` over and over, and the browser's process."""
    flags = [*_FLAGS, _YES, f"--use-file-for-fake-audio-capture={mic}"]
    with tempfile.TemporaryDirectory() as profile:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch_persistent_context(
                profile, executable_path=CHROMIUM, headless=True, args=flags, viewport=_SIZE
            )
            try:
                yield browser.pages[0], _browser()
            finally:
                await browser.close()


def _browser() -> int:
    """The process that started all others of the browser."""
    for pid in family(os.getpid()):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"--remote-debugging-pipe" in words and not any(w.startswith(b"--type=") for w in words):
            return pid
    msg = "the browser is not among this program's processes"
    raise RuntimeError(msg)


class Watch:
    """What server and browser hold and spend while a kiosk runs."""

    def __init__(self, page: Page, devtools: CDPSession, server: int, browser: int) -> None:
        self._page, self._devtools = page, devtools
        self._pids = {"server": server, "browser": browser}
        self.samples: list[dict[str, Any]] = []
        self._began = time.monotonic()

    async def sample(self) -> dict[str, Any]:
        """Now, after a collection of the page's garbage."""
        await self._devtools.send("HeapProfiler.collectGarbage")
        found = await self._devtools.send("Performance.getMetrics")
        metrics = {each["name"]: each["value"] for each in found["metrics"]}
        one: dict[str, Any] = {"hours": (time.monotonic() - self._began) / 3600}
        one |= {f"{who}_own_mb": holdings(pid)["own_mb"] for who, pid in self._pids.items()}
        one["page_heap_mb"] = round(metrics["JSHeapUsedSize"] / 1e6, 2)
        one |= {f"page_{key.lower()}": int(metrics[key]) for key in ("Nodes", "JSEventListeners")}
        self.samples.append(one)
        return one

    def spent(self) -> dict[str, float]:
        """Processor time so far, s."""
        return {who: seconds(pid) for who, pid in self._pids.items()}

    def flat(self) -> dict[str, Any]:
        """Of each figure: the first after warming up, the last, and its slope an hour."""
        kept = self.samples[int(len(self.samples) * _WARM) :]
        hours = [each["hours"] for each in kept]
        names = [name for name in self.samples[-1] if name != "hours"] if self.samples else []
        return {name: _slope(hours, [each[name] for each in kept]) for name in names}


def _slope(hours: list[float], values: list[float]) -> dict[str, Any]:
    slope = float(np.polyfit(hours, values, 1)[0]) if len(values) > 2 else None
    return {
        "first": values[0],
        "last": values[-1],
        "most": max(values),
        "an_hour": None if slope is None else round(slope, 2),
    }


async def opened(page: Page, address: str, query: str) -> CDPSession:
    """The kiosk, with its face."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Performance.enable")
    await page.add_init_script(f"addEventListener('DOMContentLoaded', {_LOG})")
    await page.goto(f"{address}{query}")
    if not await _until(page, _FACE, 60):
        msg = "the kiosk has no face"
        raise RuntimeError(msg)
    return devtools


async def visits(
    address: str, pid: int, mic: Path, hours: float, every: float, ask: str
) -> dict[str, Any]:
    """One visitor every `every` s, in real time."""
    silence = min(60.0, every / 4)
    query = f"?kiosk={silence:.0f}&mode={'open' if ask == 'spoken' else 'talk'}&reload=off"
    query += f"&rest={min(60.0, every / 4):.0f}"
    rows, share = [], Share()
    async with screen(mic) as (page, browser):
        devtools = await opened(page, address, query)
        watch = Watch(page, devtools, pid, browser)
        for number in range(max(1, round(hours * 3600 / every))):
            question = QUESTIONS[number % len(QUESTIONS)]
            rows.append(await _visit(page, watch, question, ask, every))
            print(json.dumps(rows[-1], ensure_ascii=False), file=sys.stderr, flush=True)
    return {
        "visits": len(rows),
        "answered": sum(row["answered"] for row in rows),
        "right": sum(row["right"] for row in rows),
        "warned_and_forgotten": sum(row["forgotten"] for row in rows),
        "connection_lost": sum(row["lost"] for row in rows),
        "memory": watch.flat(),
        "standby_core_percent": _mean(rows, "standby_core_percent"),
        "machine": share.so_far(),
        "each": rows,
    }


async def _visit(
    page: Page, watch: Watch, question: tuple[str, str], ask: str, every: float
) -> dict[str, Any]:
    """One visitor, from the standby before to shortly before the next."""
    session = await page.evaluate("window.visavis.id")
    if ask == "typed":
        await page.mouse.click(500, 300)
        await page.click(".kiosk-type")
        await page.fill("#text", question[0])
        await page.press("#text", "Enter")
    came = await _until(page, f"!({_STANDBY})", 1.1 * every + _LEAD)
    until = time.monotonic() + _SHARE * every
    gone = came and await _until(page, f"{_STANDBY} && {_FACE}", until - time.monotonic())
    await asyncio.sleep(max(0.0, (until - time.monotonic()) / 2))
    before, at = watch.spent(), time.monotonic()
    await asyncio.sleep(max(1.0, until - time.monotonic() - 1))
    passed, after = time.monotonic() - at, watch.spent()
    sample = await watch.sample()
    await asyncio.sleep(0 if ask == "spoken" else (1 - _SHARE) * every)
    log = await page.evaluate(_TAKE)
    said = [each["text"] for each in log if each["what"] == "said" and each["reason"] == "done"]
    phases = [each["phase"] for each in log if each["what"] == "phase"]
    return {
        "asked": question[0],
        "heard": " | ".join(each["text"] for each in log if each["what"] == "heard"),
        "answered": bool(came) and any(len(text) > 20 for text in said),
        "right": any(question[1] in text for text in said),
        "forgotten": phases[-3:] == ["warning", "goodbye", "standby"]
        and await page.evaluate("window.visavis.id") != session
        and bool(gone),
        "lost": any(each.get("state") in {"waiting", "failed"} for each in log),
        "standby_core_percent": {
            who: round(100 * (after[who] - before[who]) / passed, 1) for who in after
        },
        **sample,
    }


async def _until(page: Page, condition: str, within: float) -> bool:
    end = time.monotonic() + max(0.0, within)
    while time.monotonic() < end:
        if await page.evaluate(f"Boolean({condition})"):
            return True
        await asyncio.sleep(0.5)
    return False


def _mean(rows: list[dict[str, Any]], name: str) -> dict[str, float]:
    return {
        who: round(float(np.mean([row[name][who] for row in rows])), 1) for who in rows[0][name]
    }


async def standby(address: str, pid: int, mic: Path, hours: float, speed: float) -> dict[str, Any]:
    """Hours of the kiosk's own clock, with one visitor in each, who only touches the screen."""
    rows: list[dict[str, Any]] = []
    async with screen(mic) as (page, browser):
        devtools = await opened(page, address, f"?kiosk=600&speed={speed:.0f}&rest=120&stir=60")
        watch = Watch(page, devtools, pid, browser)
        watch_from = watch.spent()
        began, loaded = time.monotonic(), 0
        for hour in range(round(hours)):
            await asyncio.sleep(max(0.0, began + hour * 3600 / speed - time.monotonic()))
            if not await page.evaluate("Boolean(window.kioskMark)"):
                loaded += 1
                await page.evaluate("window.kioskMark = 1")
            rows.append(await watch.sample() | {"hour": hour})
            session = await page.evaluate("window.visavis.id")
            await page.mouse.click(500, 300)
            rows[-1]["came"] = await _until(page, f"!({_STANDBY})", 10)
            rows[-1]["forgotten"] = await _until(
                page, f"{_STANDBY} && {_FACE} && window.visavis.id !== '{session}'", 60
            )
        await asyncio.sleep(max(0.0, began + hours * 3600 / speed - time.monotonic()))
        await watch.sample()
        loaded += not await page.evaluate("Boolean(window.kioskMark)")
        passed = time.monotonic() - began
        spent = {who: now - watch_from[who] for who, now in watch.spent().items()}
        await page.mouse.click(500, 300)
        alive = await _until(page, f"!({_STANDBY}) && {_FACE}", 10)
    return {
        "hours": hours,
        "speed": speed,
        "visitors": len(rows),
        "came": sum(row["came"] for row in rows),
        "forgotten": sum(row["forgotten"] for row in rows),
        "loaded_anew": loaded - 1,
        "alive_at_the_end": alive,
        "core_percent": {who: round(100 * value / passed, 1) for who, value in spent.items()},
        "memory": watch.flat(),
        "each": rows,
    }


def _microphone(folder: Path, home: Path, ask: str, every: float) -> Path:
    """Silence, or all questions, one every `every` s."""
    wav = folder / "kiosk.wav"
    lines = [("", 1.0)]
    if ask == "spoken":
        lines = [("", _LEAD)]
        lines += [(text, every) for text, _ in QUESTIONS]  # and the length of what is said
    write_wav(wav, lines, home)
    return wav


async def _run(options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder) / "home"
        more = () if options.prepare else ("--prepare-answers", "off")
        async with server(home, *more) as (address, pid):
            if options.standby:
                mic = _microphone(Path(folder), home, "typed", 0)
                return await standby(address, pid, mic, options.standby, options.speed)
            mic = _microphone(Path(folder), home, options.ask, options.every)
            return await visits(address, pid, mic, options.hours, options.every, options.ask)


def main() -> int:
    """Print JSON; 1 when a question stayed unanswered or a visitor was not forgotten."""
    parser = argparse.ArgumentParser(prog="python -m bench.live.kiosk", description=__doc__)
    parser.add_argument("--hours", type=float, default=2.0, help="of visits, in real time")
    parser.add_argument("--every", type=float, default=300.0, help="s from one visitor to the next")
    parser.add_argument("--ask", choices=("spoken", "typed"), default="spoken")
    parser.add_argument("--standby", type=float, default=0.0, help="hours of the kiosk's clock")
    parser.add_argument("--speed", type=float, default=360.0, help="of that clock")
    parser.add_argument("--prepare", action="store_true", help="synthesize answers ahead as well")
    parser.add_argument("--home", type=Path, default=None, help="of the server; default: a new one")
    figures = asyncio.run(_run(parser.parse_args()))
    print(json.dumps(figures, indent=2, ensure_ascii=False))
    asked, served = figures.get("visits", figures.get("visitors")), figures.get("answered")
    return int((asked if served is None else served) != asked)


if __name__ == "__main__":
    raise SystemExit(main())
