"""What many live sessions get, and what one costs, beside an aiortc server that sends a clip.

    python -m bench sessions --sessions 4,6,8 --seconds 40 [--workers 2] [--stock vp8,encoded]
    python -m bench sessions --offered 12 --sessions 8
    python -m bench sessions --soak 30

A real `visavis serve` on loopback, all avatars talking nearly all the time; viewers in a process
of their own that count packets and do not decode (bench/live/viewers.py). All processor times are
milliseconds a second and session, of all processes of the one that is named.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import re
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import numpy as np

from bench import processes
from bench.live.chromium import ready, server
from bench.machine import Share

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OUT: Final = Path("out/bench")
CLIP: Final = OUT / "clip.mp4"
TEXT: Final = (
    "Check-in starts at three in the afternoon. Just come to the front desk with your name and an "
    "ID, and we will have you in your room in about three minutes. Breakfast is from half past six "
    "until ten, at the weekend until eleven, on the ground floor beside the winter garden."
)
LOOK: Final = 30.0  # s from one look at memory to the next in a soak
COUNTED: Final = (
    "visavis_frames_total", "visavis_frames_late_total", "visavis_frames_skipped_total",
    "visavis_frames_held_total", "visavis_frames_left_out_total", "visavis_sound_gap_seconds_count",
    "visavis_sound_gap_seconds_sum", 'visavis_sound_left_out_seconds_total{what="speech"}',
    "visavis_render_seconds_sum", "visavis_render_seconds_count", "visavis_loop_lag_seconds_sum",
    "visavis_loop_lag_seconds_count", "visavis_stalls_total",
)  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be set."""
    parser.add_argument("--sessions", default="4,6,8", help="how many at a time, one after another")
    parser.add_argument("--seconds", type=float, default=40.0, help="measured of each")
    parser.add_argument("--warm-up", type=float, default=8.0)
    parser.add_argument("--workers", help="processes of the server, where it has them")
    parser.add_argument("--serve-arg", action="append", default=[], help="handed to visavis serve")
    parser.add_argument("--microphone", default="off", choices=("off", "silence", "room"))
    parser.add_argument("--speaking", type=int, default=0, help="of the visitors, ask aloud")
    parser.add_argument("--codec", default="H264", choices=("H264", "VP8"))
    parser.add_argument("--link", help="a bad one of bench.net between server and viewers")
    parser.add_argument("--quiet", action="store_true", help="avatars do not talk")
    parser.add_argument("--stock", default="", help="of vp8,h264,encoded: measured as well")
    parser.add_argument("--stock-sessions", type=int, default=2)
    parser.add_argument("--offered", type=int, help="more than --sessions (the first) may come in")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="4 sessions, memory's slope")
    parser.add_argument("--whep", metavar="AVATAR", help="not sessions, but players of one avatar")
    parser.add_argument("--keep", type=Path, help="the first viewer's pictures as H.264")
    parser.add_argument("--label", default="", help="written into the JSON")


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Each number of sessions with a server of its own, and the stock servers before them."""
    result: dict[str, Any] = {"label": options.label, "about": about(), "options": _said(options)}
    stock = [mode for mode in options.stock.split(",") if mode]
    for mode in stock:
        result[f"stock {mode}"] = await _stock(mode, options)
        _say(f"stock {mode}", result[f"stock {mode}"])
    counts = [4] if options.soak else [int(n) for n in options.sessions.split(",")]
    for count in counts[:1] if options.offered else counts:
        result[f"{count} sessions"] = row = await _ours(count, options)
        for mode in stock:
            price = result[f"stock {mode}"]["processor_ms_a_session_second"]
            row[f"times_stock_{mode}"] = round(row["processor_ms_a_session_second"] / price, 2)
        _say(f"{count} sessions", row)
    return result


async def _ours(count: int, options: argparse.Namespace) -> dict[str, Any]:
    extra = [*(["--workers", options.workers] if options.workers else []), *options.serve_arg]
    if not any("max-sessions" in each for each in extra):
        extra += ["--max-sessions", str(count)]
    if options.whep:
        extra += ["--whep=on", f"--whep-viewers={count}"]
    extra = [word for each in extra for word in each.split("=", 1)]
    with tempfile.TemporaryDirectory() as home:
        log = OUT / "sessions.log"
        async with server(Path(home), *extra, log=log) as (address, pid):
            offered = options.offered or count
            return await _watched(address, pid, offered, options, options.codec, ours=True)


async def _stock(mode: str, options: argparse.Namespace) -> dict[str, Any]:
    if not CLIP.exists():
        _make_clip()
    async with _stock_server(mode) as (address, pid):
        codec = "VP8" if mode == "vp8" else "H264"
        return await _watched(address, pid, options.stock_sessions, options, codec, ours=False)


def _make_clip() -> None:
    code = "from visavis.server.cli import main; raise SystemExit(main())"
    command = [sys.executable, "-c", code, "say", TEXT, "-o", str(CLIP)]
    subprocess.run(command, check=True, stdout=sys.stderr)


@asynccontextmanager
async def _stock_server(mode: str) -> AsyncIterator[tuple[str, int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.live.stock", "--clip", str(CLIP), "--mode", mode,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    try:
        async with asyncio.timeout(120):
            address = await ready(process)
        yield address, process.pid
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 15)


async def _watched(
    address: str, pid: int, count: int, options: argparse.Namespace, codec: str, *, ours: bool
) -> dict[str, Any]:
    """So many viewers, and what server and machine did meanwhile."""
    seconds = options.soak * 60 if options.soak and ours else options.seconds
    command = [
        sys.executable, "-m", "bench.live.viewers", "--address", address, "--count", str(count),
        "--seconds", str(seconds), "--codec", codec, "--microphone", options.microphone,
        "--warm-up", str(options.warm_up), "--speaking", str(options.speaking),
        *(["--link", options.link] if options.link else []),
        *(["--quiet"] if options.quiet else []),
        *(["--whep", options.whep] if options.whep and ours else []),
        *(["--keep", str(options.keep)] if options.keep and ours else []),
    ]  # fmt: skip
    viewers = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert viewers.stdin is not None
    assert viewers.stdout is not None
    await _line(viewers, "begin", 120)
    before, machine, began = await _look(address, pid, ours), Share(), time.perf_counter()
    held: list[dict[str, Any]] = []
    looks = asyncio.create_task(_soak(pid, address, held)) if options.soak and ours else None
    await _line(viewers, "end", seconds + 60)
    after, took = await _look(address, pid, ours), time.perf_counter() - began
    share = machine.so_far()
    if looks is not None:
        looks.cancel()
    viewers.stdin.write(b"\n")
    seen = json.loads(await viewers.stdout.read())
    await viewers.wait()
    live = max(1, seen["connected"])
    return {
        "processor_ms_a_session_second": _price(before, after, took, live),
        "viewer_processor_ms_a_session_second": seen.pop("processor_ms_a_session_second"),
        "cores": round((after["seconds"] - before["seconds"]) / took, 2),
        "kilo_switches_a_second": [
            round((b - a) / took / 1000, 2)
            for a, b in zip(before["switches"], after["switches"], strict=True)
        ],
        **_late(before["metrics"], after["metrics"]),
        **_summary(seen),
        "holds": after["holds"],
        "machine": share,
        "processor_s_by_thread": processes.spent_by_thread(before["threads"], after["threads"]),
        "seen": seen,
        **({"soak": _slope(held, live)} if looks is not None else {}),
    }


async def _line(process: asyncio.subprocess.Process, wanted: str, within: float) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(within):
        while line := (await process.stdout.readline()).decode().strip():
            if line == wanted:
                return
    msg = "the viewers ended before they were through"
    raise RuntimeError(msg)


async def _look(address: str, pid: int, ours: bool) -> dict[str, Any]:
    return {
        "seconds": processes.seconds(pid),
        "switches": processes.switches(pid),
        "threads": processes.by_thread(pid),
        "holds": processes.holdings(pid),
        "metrics": await _metrics(address) if ours else {},
    }


def _price(before: dict[str, Any], after: dict[str, Any], took: float, live: int) -> float:
    return round(1000 * (after["seconds"] - before["seconds"]) / took / live, 1)


async def _metrics(address: str) -> dict[str, float]:
    async with aiohttp.ClientSession() as http, http.get(f"{address}metrics") as response:
        text = await response.text()
    rows = [line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#"]
    return {name: float(value) for name, value in rows if "bucket" not in name}


def _late(before: dict[str, float], after: dict[str, float]) -> dict[str, Any]:
    more = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in COUNTED}
    frames = more["visavis_frames_total"]
    if not frames:
        return {}
    short = {
        name.removeprefix("visavis_").replace("_total", ""): round(value, 3)
        for name, value in more.items()
        if value
    }
    return {
        "late_percent": round(100 * more["visavis_frames_late_total"] / frames, 2),
        "drawn_ms": round(
            1000 * more["visavis_render_seconds_sum"]
            / max(1.0, more["visavis_render_seconds_count"]), 1,
        ),
        "server_counted": short,
    }  # fmt: skip


def _summary(seen: dict[str, Any]) -> dict[str, Any]:
    """Of all viewers: what the worst and the middle one got."""
    viewers = [v for v in seen["viewers"] if "bad_percent" in v["video"]]
    if not viewers:
        return {"seen_nothing": True}

    def all_of(kind: str, *path: str) -> list[float]:
        found = []
        for viewer in viewers:
            value = viewer[kind]
            for key in path:
                value = value[key]
            found.append(value)
        return found

    pictures = all_of("video", "bad_percent")
    return {
        "pictures_missing_or_late_percent": {
            "mean": round(float(np.mean(pictures)), 2), "worst": max(pictures)
        },
        "pictures_a_second": sorted(all_of("video", "per_second")),
        "longest_gap_ms": {
            "picture": max(all_of("video", "gap_ms", "longest")),
            "sound": max(all_of("audio", "gap_ms", "longest")),
        },
        "gaps_in_sound_over_100_ms": sum(all_of("audio", "gaps_over_100_ms")),
        "sound_missing_packets": sum(all_of("audio", "missing")),
        "skew_ms": seen["skew_ms"],
        "kbit_s": sorted(v["kbit_s_since_it_came"] for v in viewers),
        "keyframes": [v["keyframes"] for v in viewers],
        "refused": seen["refused"],
    }  # fmt: skip


# --- a long run -----------------------------------------------------------------------------------


async def _soak(pid: int, address: str, held: list[dict[str, Any]]) -> None:
    began = time.perf_counter()
    while True:
        await asyncio.sleep(LOOK)
        row = {"at_s": round(time.perf_counter() - began), **processes.holdings(pid)}
        metrics = await _metrics(address)
        row["late"] = metrics.get("visavis_frames_late_total", 0.0)
        row["tasks"] = metrics.get("visavis_tasks")
        held.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)


def _slope(held: list[dict[str, Any]], live: int) -> dict[str, Any]:
    """MB an hour and session, least squares over all but the first tenth."""
    rows = held[max(1, len(held) // 10) :]
    hours = [row["at_s"] / 3600 for row in rows]
    found: dict[str, Any] = {"rows": held}
    if len(rows) > 2:
        slope = float(np.polyfit(hours, [row["own_mb"] for row in rows], 1)[0])
        found["memory_mb_an_hour_and_session"] = round(slope / live, 2)
        for name in ("threads", "descriptors", "tasks"):
            found[name] = [rows[0][name], rows[-1][name]]
    return found


# --- about ----------------------------------------------------------------------------------------


def about() -> dict[str, Any]:
    """Machine, versions, commit."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    names = ("aiortc", "av", "uvloop", "numpy", "onnxruntime", "numba")
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: version(name) for name in names},
        "commit": git.stdout.strip(),
    }


def _said(options: argparse.Namespace) -> dict[str, Any]:
    return {k: str(v) if isinstance(v, Path) else v for k, v in vars(options).items() if v}


def _say(name: str, row: dict[str, Any]) -> None:
    shown = {k: v for k, v in row.items() if k not in {"seen", "server_counted", "soak"}}
    print(f"{name}: {json.dumps(shown)}", file=sys.stderr, flush=True)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    arguments(parser)
    OUT.mkdir(parents=True, exist_ok=True)
    result = asyncio.run(run(parser.parse_args()))
    label = f"-{result['label']}" if result["label"] else ""
    stamp = time.strftime("%H%M%S")
    (OUT / f"sessions{label}-{stamp}.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
