"""The whole server seen by a real Chromium: latency, interruption, skew, late frames, memory.

Takes 27 minutes: typed 1, spoken 9, interruptions 6, endurance 10 (--minutes); --only one of them.

Measured in the page, from the microphone's own signal to the sound and picture that come back.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Page

from bench.live.chromium import chromium, server, tapped_page
from bench.live.interrupting import interruption
from bench.live.page import TYPED, script, since, skew, stages, start, taps_of, typed_into
from bench.live.signals import first_after, held, moving_after, summary
from bench.live.spoken import spoken
from bench.machine import Share
from bench.warmth import prepare_answers

PARTS = {  # what --only calls it: where it stands in the result
    "typed": "typed", "spoken": "spoken", "barge": "interruption", "soak": "endurance"
}  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `make bench` may set."""
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the endurance run")
    parser.add_argument("--cases", type=int, help="so many spoken questions and interruptions")
    parser.add_argument("--unprepared", action="store_true", help="answers are not made ahead")
    parser.add_argument("--only", choices=tuple(PARTS), action="append")


async def run(options: argparse.Namespace, out: Path) -> dict[str, Any]:
    """All measurements, each on a page of its own; one server for all."""
    wanted = options.only or list(PARTS)
    home = out / "home"
    if not options.unprepared:
        await asyncio.to_thread(prepare_answers, home, "heart")
    result: dict[str, Any] = {"prepared": not options.unprepared}
    began = time.perf_counter()
    async with server(home, log=out / "server.log") as (address, pid):
        result["server_start_s"] = round(time.perf_counter() - began, 2)
        parts = {
            "typed": lambda: typed(address, home, out),
            "spoken": lambda: spoken(address, out, options.cases),
            "barge": lambda: interruption(address, home, out, options.cases),
            "soak": lambda: endurance(address, pid, home, out, options.minutes),
        }
        for part in (part for part in PARTS if part in wanted):
            machine = Share()
            result[PARTS[part]] = await parts[part]()
            result[PARTS[part]]["machine"] = machine.so_far()
        result["metrics"] = await _metrics(address)
    return {"wanted": judged(result), **result}


WANTED: tuple[tuple[str, float, float], ...] = (  # where in the result, from, to
    ("typed/first_sound_ms/p50", 0, 150),
    ("typed/moving_lips_ms/p50", 0, 400),
    ("typed/click_to_first_picture_ms", 0, 1000),
    ("spoken/end_of_speech_to_first_syllable_ms/p50", 0, 350),
    ("spoken/end_of_speech_to_first_syllable_ms/p95", 0, 800),
    ("spoken/of_known_questions_ms/p50", 0, 300),
    ("spoken/right_answers_percent", 80, 100),
    ("interruption/click_to_silence_ms/p50", 0, 200),
    ("interruption/speech_to_silence_ms/p95", 0, 250),
    ("endurance/late_frames_percent", 0, 1),
    ("endurance/rss_growth_after_first_minute_mb", -1000, 5),
    ("endurance/skew_ms/p1", -60, 60),
    ("endurance/skew_ms/p99", -60, 60),
)


def judged(result: dict[str, Any]) -> dict[str, Any]:
    """Each figure that was measured, what is wanted of it, and whether it holds."""
    return held(result, WANTED)


# --- typed ---------------------------------------------------------------------------------------


async def typed(address: str, home: Path, out: Path) -> dict[str, Any]:
    """Typed text -> first sound and moving lips, and the click -> first picture."""
    wav = script(out / "silence.wav", [("", 1.0)], home)
    sounds, lips = [], []
    async with chromium(wav) as browser:
        page = await tapped_page(browser, address)
        await start(page)
        await page.wait_for_timeout(3000)
        asked = []
        for text in TYPED:
            asked.append(await typed_into(page, text))
            await _quiet(page)
        taps = await taps_of(page)
        await page.screenshot(path=out / "typed.png")
        marks = await page.evaluate("window.visavis.marks")
        receipts = await page.evaluate("window.visavis.receipts")
    for at in asked:
        sounds.append(since(at, first_after(taps["heard"], at)))
        lips.append(since(at, moving_after(taps["frames"], at)))
    return {
        "first_sound_ms": summary(sounds),
        "moving_lips_ms": summary(lips),
        "click_to_first_picture_ms": marks.get("firstPicture"),
        "marks": marks,
        "receipts": stages(receipts),
        "skew_ms": skew(taps["skew"]),
    }


async def _quiet(page: Page, at_least: float = 900) -> None:
    """Until the reply has begun and ended, and a moment more."""
    count = await page.evaluate(_ENDED)
    for _ in range(600):
        await page.wait_for_timeout(50)
        if await page.evaluate(_ENDED) > count:
            break
    await page.wait_for_timeout(at_least)


_ENDED = "window.visavis.messages.filter((m) => m.type === 'reply_ended').length"


# --- endurance -----------------------------------------------------------------------------------


async def endurance(
    address: str, pid: int, home: Path, out: Path, minutes: float
) -> dict[str, Any]:
    """One viewer who asks something twice a minute: frames in time, memory, processor."""
    wav = script(out / "silence.wav", [("", 1.0)], home)
    memory, began = [], time.perf_counter()
    stolen: list[tuple[float, float]] = []  # until when in the page's ms, percent
    async with chromium(wav) as browser, aiohttp.ClientSession() as http:
        page = await tapped_page(browser, address)
        await start(page)
        await page.wait_for_timeout(10_000)
        session = f"{address}v1/sessions/{await page.evaluate('window.visavis.id')}"
        before, cpu = await _json(http, session), _cpu_seconds(pid)
        started = time.perf_counter()
        turn = 0
        while time.perf_counter() - started < minutes * 60:
            memory.append((time.perf_counter() - began, _rss_mb(pid)))
            if len(memory) % 3 == 1:
                await page.fill("#text", TYPED[turn % len(TYPED)])
                await page.press("#text", "Enter")
                turn += 1
            machine = Share()
            await page.wait_for_timeout(_SAMPLE_MS)
            until = await page.evaluate("performance.now()")
            stolen.append((until, machine.so_far()["stolen_by_the_host_percent"]))
        after, seconds = await _json(http, session), time.perf_counter() - started
        stats = await page.evaluate("window.visavis.stats()")
        taps = await taps_of(page)
        await page.screenshot(path=out / "endurance.png")
    frames = (after["seconds"] - before["seconds"]) * 25
    late = after["late_frames"] - before["late_frames"]
    return {
        "minutes": round(seconds / 60, 2),
        "late_frames_percent": round(100 * late / frames, 3),
        "page_fps": round(_rate(taps["frames"]), 2),
        "rss_mb": {"after_1_min": _at(memory, 60), "end": memory[-1][1]},
        "rss_each_minute_mb": [_at(memory, 60 * minute) for minute in range(int(minutes))],
        "rss_growth_after_first_minute_mb": round(memory[-1][1] - _at(memory, 60), 1),
        "server_cores": round((_cpu_seconds(pid) - cpu) / seconds, 3),
        "skew_ms": skew(taps["skew"]),
        "skew_while_the_host_took_little_ms": skew(_undisturbed(taps["skew"], stolen)),
        "stats": stats,
    }


_SAMPLE_MS = 10_000
_LITTLE = 10.0  # percent of the machine's time


def _undisturbed(rows: list[list[float]], stolen: list[tuple[float, float]]) -> list[list[float]]:
    """Those in and before whose ten seconds the host took less than _LITTLE: what it takes stops
    the browser too, whose jitter buffer needs seconds to come back."""
    bad = [until for until, percent in stolen if percent > _LITTLE]
    return [row for row in rows if not any(-_SAMPLE_MS < row[0] - at < _SAMPLE_MS for at in bad)]


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * 4096 / 1e6, 1)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _at(series: list[tuple[float, float]], seconds: float) -> float:
    return next((value for at, value in series if at >= seconds), series[-1][1])


def _rate(frames: list[list[float]]) -> float:
    span = frames[-1][0] - frames[0][0]
    return (len(frames) - 1) / span * 1000 if span else 0.0


# --- what the server says of itself ---------------------------------------------------------------


async def _json(http: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with http.get(url) as response:
        body: dict[str, Any] = await response.json()
        return body


async def _metrics(address: str) -> dict[str, float]:
    async with aiohttp.ClientSession() as http, http.get(f"{address}metrics") as response:
        text = await response.text()
    rows = [line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#"]
    return {name: float(value) for name, value in rows if "bucket" not in name}


def main() -> None:
    """Run alone: python -m bench.live.live."""
    parser = argparse.ArgumentParser(description=__doc__)
    arguments(parser)
    out = Path("out/bench")
    out.mkdir(parents=True, exist_ok=True)
    result = asyncio.run(run(parser.parse_args(), out))
    (out / "live.json").write_text(json.dumps(result, indent=2))
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
