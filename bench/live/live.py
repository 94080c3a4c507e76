"""The whole server seen by a real Chromium: latency, interruption, skew, late frames, memory.

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
import numpy as np
from playwright.async_api import Page

from bench.live.chromium import chromium, server, tapped_page
from bench.live.questions import QUESTIONS, write_wav
from bench.live.signals import first_after, held, intervals, moving_after, silent_after, summary
from bench.machine import Share

LEAD_IN = 6.0  # s of silence at the microphone's start: connection and warm-up
ANSWER = 15.0  # s between questions: longer than the longest answer
TYPED = (
    "What time is breakfast?", "Where is the gym?", "Do you have a pool?", "Can I park here?",
    "How do I get online?", "Is there a sauna?", "When is check-out?", "Do you have a bar?",
    "Can I bring my dog?", "Where are the restrooms?",
)  # fmt: skip

PARTS = {  # what --only calls it: where it stands in the result
    "typed": "typed", "spoken": "spoken", "barge": "interruption", "soak": "endurance"
}  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `make bench` may set."""
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the endurance run")
    parser.add_argument("--only", choices=tuple(PARTS), action="append")


async def run(options: argparse.Namespace, out: Path) -> dict[str, Any]:
    """All measurements, each on a page of its own; one server for all."""
    wanted = options.only or list(PARTS)
    home = out / "home"
    result: dict[str, Any] = {}
    began = time.perf_counter()
    async with server(home, log=out / "server.log") as (address, pid):
        result["server_start_s"] = round(time.perf_counter() - began, 2)
        parts = {
            "typed": lambda: typed(address, home, out),
            "spoken": lambda: spoken(address, home, out),
            "barge": lambda: interruption(address, home, out),
            "soak": lambda: endurance(address, pid, home, out, options.minutes),
        }
        for part in (part for part in PARTS if part in wanted):
            machine = Share()
            result[PARTS[part]] = await parts[part]()
            result[PARTS[part]]["machine"] = machine.so_far()
        result["metrics"] = await _metrics(address)
    return {"wanted": judged(result), **result}


WANTED: tuple[tuple[str, float, float], ...] = (  # where in the result, from, to
    ("typed/first_sound_ms/p50", 0, 400),
    ("typed/moving_lips_ms/p50", 0, 400),
    ("typed/click_to_first_picture_ms", 0, 1000),
    ("spoken/end_of_speech_to_first_syllable_ms/p50", 0, 1000),
    ("spoken/right_answers", 8, 10),
    ("interruption/click_to_silence_ms/p50", 0, 200),
    ("interruption/speech_to_silence_ms/p50", 0, 200),
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
    wav = _script(out / "silence.wav", [("", 1.0)], home)
    sounds, lips = [], []
    async with chromium(wav) as browser:
        page = await tapped_page(browser, address)
        await _start(page)
        await page.wait_for_timeout(3000)
        asked = []
        for text in TYPED:
            asked.append(await _type(page, text))
            await _quiet(page)
        taps = await _taps(page)
        await page.screenshot(path=out / "typed.png")
        marks = await page.evaluate("window.visavis.marks")
        receipts = await page.evaluate("window.visavis.receipts")
    for at in asked:
        sounds.append(_since(at, first_after(taps["heard"], at)))
        lips.append(_since(at, moving_after(taps["frames"], at)))
    return {
        "first_sound_ms": summary(sounds),
        "moving_lips_ms": summary(lips),
        "click_to_first_picture_ms": marks.get("firstPicture"),
        "marks": marks,
        "receipts": _stages(receipts),
        "skew_ms": _skew(taps["skew"]),
    }


async def _type(page: Page, text: str) -> float:
    await page.fill("#text", text)
    at: float = await page.evaluate("performance.now()")
    await page.press("#text", "Enter")
    return at


async def _quiet(page: Page, at_least: float = 900) -> None:
    """Until the reply has begun and ended, and a moment more."""
    count = await page.evaluate(_ENDED)
    for _ in range(600):
        await page.wait_for_timeout(50)
        if await page.evaluate(_ENDED) > count:
            break
    await page.wait_for_timeout(at_least)


_ENDED = "window.visavis.messages.filter((m) => m.type === 'reply_ended').length"


# --- spoken --------------------------------------------------------------------------------------


async def spoken(address: str, home: Path, out: Path) -> dict[str, Any]:
    """End of speech -> first syllable, and whether the right answer came."""
    script = [("", LEAD_IN)] + [(question, ANSWER) for question, _ in QUESTIONS]
    wav = _script(out / "questions.wav", script, home)
    async with chromium(wav) as browser:
        page = await tapped_page(browser, address)
        await page.evaluate(_LISTEN)
        await _start(page, open_mic=True)
        await page.wait_for_timeout((LEAD_IN + len(QUESTIONS) * (ANSWER + 2.2)) * 1000)
        taps = await _taps(page)
        answers = await page.evaluate("window.answers")
        receipts = await page.evaluate("window.visavis.receipts")
        await page.screenshot(path=out / "spoken.png")
    asked = intervals(taps["mic"])
    waits = [_since(end, first_after(taps["heard"], end)) for _, end in asked]
    lips = [_since(end, moving_after(taps["frames"], end)) for _, end in asked]
    right = [expected in said for said, (_, expected) in zip(answers, QUESTIONS, strict=False)]
    return {
        "questions_heard_by_the_page": len(asked),
        "end_of_speech_to_first_syllable_ms": summary(waits),
        "end_of_speech_to_moving_lips_ms": summary(lips),
        "each_ms": [None if w is None else round(w) for w in waits],
        "right_answers": sum(right),
        "of": len(QUESTIONS),
        "answers": answers,
        "receipts": _stages(receipts),
        "skew_ms": _skew(taps["skew"]),
    }


_LISTEN = """() => {
  window.answers = [];
  const avatar = document.querySelector("visavis-avatar");
  avatar.addEventListener("reply_ended", ({ detail }) => window.answers.push(detail.heard));
}"""


# --- interruption ---------------------------------------------------------------------------------


async def interruption(address: str, home: Path, out: Path) -> dict[str, Any]:
    """A click, and a voice, while the avatar speaks -> silence."""
    script = [("", LEAD_IN)]
    for _ in range(5):
        script += [("How do I get to the airport?", 4.0), ("No, wait. Where is the gym?", 12.0)]
    wav = _script(out / "interruptions.wav", script, home)
    async with chromium(wav) as browser:
        page = await tapped_page(browser, address)
        await _start(page, open_mic=True)
        seconds = LEAD_IN + sum(pause + 2.2 for _, pause in script[1:])
        await page.wait_for_timeout(seconds * 1000)
        heard = await _taps(page)
    starts = [start for start, _ in intervals(heard["mic"], 900)[1::2]]
    over = [
        start
        for start in starts
        if any(start - 300 <= row[0] < start and row[1] > 0.01 for row in heard["heard"])
    ]
    clicked, taps = await _clicks(address, home, out)
    return {
        "click_to_silence_ms": _silence(clicked, taps["heard"]),
        "speech_to_silence_ms": _silence(over, heard["heard"]),
        # what a page hears that plays the track itself, without <visavis-avatar>
        "click_to_silent_track_ms": _silence(clicked, taps["voice"]),
        "speech_to_silent_track_ms": _silence(over, heard["voice"]),
        "interrupted_by_voice": f"{len(over)} of {len(starts)}",
    }


def _silence(starts: list[float], level: list[list[float]]) -> dict[str, Any]:
    return summary([_since(at, silent_after(level, at)) for at in starts])


async def _clicks(
    address: str, home: Path, out: Path
) -> tuple[list[float], dict[str, list[list[float]]]]:
    wav = _script(out / "silence.wav", [("", 1.0)], home)
    clicked = []
    async with chromium(wav) as browser:
        page = await tapped_page(browser, address)
        await _start(page)
        for text in TYPED[:6]:
            await _type(page, text)
            await page.wait_for_timeout(1800)
            clicked.append(await page.evaluate(_CLICK_STOP))
            await page.wait_for_timeout(2000)
        taps = await _taps(page)
    return clicked, taps


_CLICK_STOP = """() => {
  const at = performance.now();
  document.querySelector("#interrupt").click();
  return at;
}"""


# --- endurance -----------------------------------------------------------------------------------


async def endurance(
    address: str, pid: int, home: Path, out: Path, minutes: float
) -> dict[str, Any]:
    """One viewer who asks something twice a minute: frames in time, memory, processor."""
    wav = _script(out / "silence.wav", [("", 1.0)], home)
    memory, began = [], time.perf_counter()
    stolen: list[tuple[float, float]] = []  # until when in the page's ms, percent
    async with chromium(wav) as browser, aiohttp.ClientSession() as http:
        page = await tapped_page(browser, address)
        await _start(page)
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
        taps = await _taps(page)
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
        "skew_ms": _skew(taps["skew"]),
        "skew_while_the_host_took_little_ms": _skew(_undisturbed(taps["skew"], stolen)),
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


# --- shared ---------------------------------------------------------------------------------------


def _script(path: Path, script: list[tuple[str, float]], home: Path) -> Path:
    if not path.exists():
        write_wav(path, script, home)
    return path


async def _start(page: Page, open_mic: bool = False) -> None:
    if open_mic:
        await page.evaluate("document.querySelector('#hands-free').click()")
    await page.click("#start")
    await page.wait_for_function("window.visavis?.firstPictureMs != null", timeout=20_000)


async def _taps(page: Page) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = await page.evaluate(
        "(({ mic, voice, heard, frames, skew }) => ({ mic, voice, heard, frames, skew }))(taps)"
    )
    return found


def _since(at: float, then: float | None) -> float | None:
    return None if then is None else then - at


def _skew(rows: list[list[float]]) -> dict[str, Any]:
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


def _stages(receipts: list[dict[str, Any]]) -> dict[str, Any]:
    stages = ("transcript", "first_clause", "first_sound", "first_picture", "skew")
    return {stage: summary([receipt[stage] for receipt in receipts]) for stage in stages}


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
    """Run alone: python -m bench.live."""
    parser = argparse.ArgumentParser(description=__doc__)
    arguments(parser)
    out = Path("out/bench")
    out.mkdir(parents=True, exist_ok=True)
    result = asyncio.run(run(parser.parse_args(), out))
    (out / "live.json").write_text(json.dumps(result, indent=2))
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
