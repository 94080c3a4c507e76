"""A real Chromium behind a bad link: caps, loss, jitter, outages; what is seen and heard of it.

Between page and server lies a UDP proxy (bench/live/link.py); the product knows nothing of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import BrowserContext, Page, Route, TimeoutError

from bench.live.chromium import chromium, server
from bench.live.link import Conditions, Proxy
from bench.machine import Share

CASES: dict[str, Conditions] = {
    "good": Conditions(),
    "500": Conditions(cap=500_000, delay=0.025),
    "400 loss 3": Conditions(cap=400_000, delay=0.025, loss=0.03),
    "300": Conditions(cap=300_000, delay=0.025),
    "300 deep": Conditions(cap=300_000, delay=0.025, queue=1.7),  # 64 kB
    "150": Conditions(cap=150_000, delay=0.025),
    "loss 5": Conditions(delay=0.025, loss=0.05),
    "loss 15": Conditions(delay=0.025, loss=0.15),
    "jitter": Conditions(delay=0.02, jitter=0.05),  # 20 to 70 ms
    "outage 2": Conditions(delay=0.025, outage=2.0),
    "outage 5": Conditions(delay=0.025, outage=5.0),
    "dip 300": Conditions(cap=300_000, delay=0.025, dip=20.0),
}
TEXTS = ("What time is breakfast?", "Do you have a pool?", "How do I get to the airport?",
         "Where can I park my car?", "Can I leave my luggage with you?")  # fmt: skip
EVERY = 12.0  # s from one typed question to the next: about half of the time it speaks
AT = 15.0  # s after the start at which an outage or a dip begins
WARM_UP = 5.0  # s that the summary leaves out: nobody knows the link yet
FREEZE = 0.7  # s without a new picture; a still at 3 fps is none

_TAP = """(() => {
  const taps = window.taps = { frames: [], sizes: [], stats: [], states: [], peers: 0 };
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...rest) {
      super(...rest);
      taps.peer = this;
      const number = ++taps.peers;
      this.addEventListener("track", ({ track }) => track.kind === "video" && watch(track));
      const timer = setInterval(() => {
        if (this.connectionState === "closed") return clearInterval(timer);
        poll(this, number);
      }, 500);
    }
  };
  function watch(track) {
    const video = document.createElement("video");
    Object.assign(video, { muted: true, srcObject: new MediaStream([track]), playsInline: true });
    video.play();
    const seen = (now, { width, presentedFrames }) => {
      if (width > 2) taps.frames.push([performance.now(), width, presentedFrames]); // 2: none yet
      video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
  }
  async function poll(peer, number) {
    const row = { at: performance.now(), peer: number, ice: peer.iceConnectionState };
    for (const each of (await peer.getStats()).values()) {
      if (each.type !== "inbound-rtp") continue;
      const names = each.kind === "audio"
        ? ["concealedSamples", "totalSamplesReceived", "packetsLost", "packetsReceived"]
        : ["framesDecoded", "freezeCount", "nackCount", "pliCount", "keyFramesDecoded",
           "packetsLost", "packetsReceived", "frameWidth"];
      row[each.kind] = Object.fromEntries(names.map((name) => [name, each[name] ?? 0]));
      row[each.kind].held = each.jitterBufferDelay;
      row[each.kind].emitted = each.jitterBufferEmittedCount;
    }
    taps.stats.push(row);
  }
})();"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be set."""
    parser.add_argument("--case", choices=tuple(CASES), action="append", help="default: all")
    parser.add_argument("--seconds", type=float, default=40.0, help="length of each")
    parser.add_argument("--codec", choices=("H264", "VP8"), default="H264")
    parser.add_argument("--keep", type=Path, help="directory for pictures of the page")


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Each case on a page of its own; one server for all."""
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as home:
        async with server(Path(home)) as (address, pid):
            for name in options.case or CASES:
                result[name] = await _case(address, pid, CASES[name], options, name)
    return result


async def _case(
    address: str, pid: int, link: Conditions, options: argparse.Namespace, name: str
) -> dict[str, Any]:
    machine = Share()
    proxy = Proxy(link, AT)
    async with chromium() as browser:
        page = await _page(browser, address, proxy, options.codec)
        await page.click("#start")
        with suppress(TimeoutError):  # it may never come; all else is measured all the same
            await page.wait_for_function("window.taps.frames.length > 0", timeout=15_000)
        proxy.begin()
        began: float = await page.evaluate("performance.now()")
        cpu, wall = _cpu_seconds(pid), time.perf_counter()
        await _converse(page, options.seconds)
        cores = (_cpu_seconds(pid) - cpu) / (time.perf_counter() - wall)
        taps = await page.evaluate(
            "(({ frames, stats, peers }) => ({ frames, stats, peers }))(taps)"
        )
        if options.keep:
            await page.screenshot(path=options.keep / f"{name.replace(' ', '-')}.png")
        marks = await page.evaluate("window.visavis.marks")
    proxy.close()
    seen = Seen(taps, began, options.seconds)
    return {
        "seconds": options.seconds,
        **seen.summary(),
        **seen.recovery(link, AT),
        "click_to_first_picture_ms": marks.get("firstPicture"),
        "server_cores": round(cores, 2),
        "link": proxy.report(),
        "machine": machine.so_far(),
    }


async def _page(browser: BrowserContext, address: str, proxy: Proxy, codec: str) -> Page:
    page = await browser.new_page()
    await page.add_init_script(_TAP)

    async def exchange(route: Route) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        # The server must not learn the page's own addresses, nor the page the server's.
        offer = _without_candidates(route.request.post_data or "")
        if codec == "VP8":
            offer = offer.replace(" H264/90000", " X264/90000")
        response = await route.fetch(post_data=offer)
        answer = await proxy.stand_between(await response.text())
        await route.fulfill(response=response, body=answer)

    await page.route("**/v1/sessions*", exchange)
    await page.goto(address)
    return page


def _without_candidates(sdp: str) -> str:
    return "".join(
        line for line in sdp.splitlines(keepends=True) if not line.startswith("a=candidate")
    )


async def _converse(page: Page, seconds: float) -> None:
    ends, turn = time.perf_counter() + seconds, 0
    while (left := ends - time.perf_counter()) > 0:
        await page.fill("#text", TEXTS[turn % len(TEXTS)])
        await page.press("#text", "Enter")
        turn += 1
        await page.wait_for_timeout(1000 * min(EVERY, left))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


class Seen:
    """What the page recorded, in seconds from the start of the measurement."""

    def __init__(self, taps: dict[str, Any], began: float, seconds: float) -> None:
        self.frames = [(row[0] - began) / 1000 for row in taps["frames"]]
        self.widths = [row[1] for row in taps["frames"]]
        self.stats = [{**row, "at": (row["at"] - began) / 1000} for row in taps["stats"]]
        self.peers, self.seconds = taps["peers"], seconds

    def summary(self) -> dict[str, Any]:
        """Pictures, freezes, sound and connections after the warm-up."""
        per_second = self._per_second()[int(WARM_UP) :]
        longest, count = self._freezes(WARM_UP)
        return {
            "fps": {
                "mean": round(float(np.mean(per_second)), 1) if per_second else 0.0,
                "p5": float(np.percentile(per_second, 5)) if per_second else 0.0,
            },
            "fps_each_second": self._per_second(),
            "widths": sorted(set(self.widths)),
            "freezes": count,
            "longest_freeze_s": longest,
            "longest_freeze_in_warm_up_s": self._freezes(0.0, WARM_UP)[0],
            "concealed_percent": self._concealed(WARM_UP),
            "concealed_in_warm_up_percent": self._concealed(0.0, WARM_UP),
            "picture_in_buffer_ms": self._held("video"),
            "sound_in_buffer_ms": self._held("audio"),
            "asked_for": self._asked(),
            "reconnections": self.peers - 1,
        }

    def recovery(self, link: Conditions, at: float) -> dict[str, Any]:
        """How long after an outage or a dip until pictures come as before, and sound is whole."""
        if not link.outage and not link.dip:
            return {}
        over = at + (link.outage or link.dip)
        usual = 0.8 * len([f for f in self.frames if at - 5 <= f < at]) / 5
        picture = next((
            t for t in np.arange(over, self.seconds - 1, 0.1)
            if len([f for f in self.frames if t <= f < t + 1]) >= (20 if link.dip else usual)
        ), None)  # fmt: skip
        sound = next((
            row["at"]
            for row, share in self._concealment()
            if row["at"] - 0.5 >= over and share < 0.02
        ), None)  # fmt: skip
        first = next((f for f in self.frames if f > over), None)
        return {
            "after_it_s": {
                "first_picture": None if first is None else round(first - over, 2),
                "picture": None if picture is None else round(float(picture) - over, 2),
                "sound": None if sound is None else round(max(0.0, sound - 0.5 - over), 2),
            }
        }

    def _per_second(self) -> list[int]:
        return [
            len([f for f in self.frames if second <= f < second + 1])
            for second in range(int(self.seconds))
        ]

    def _freezes(self, start: float, end: float | None = None) -> tuple[float, int]:
        end = self.seconds if end is None else end
        times = [start, *(f for f in self.frames if start <= f < end), end]
        gaps = np.diff(times)
        return round(float(gaps.max()), 2), int((gaps > FREEZE).sum())

    def _concealment(self) -> list[tuple[dict[str, Any], float]]:
        found = []
        for before, now in zip(self.stats, self.stats[1:], strict=False):
            if before["peer"] != now["peer"] or "audio" not in before or "audio" not in now:
                continue
            heard = now["audio"]["totalSamplesReceived"] - before["audio"]["totalSamplesReceived"]
            lost = now["audio"]["concealedSamples"] - before["audio"]["concealedSamples"]
            if heard > 0:
                found.append((now, lost / heard))
        return found

    def _concealed(self, start: float, end: float | None = None) -> float | None:
        end = self.seconds if end is None else end
        shares = [share for row, share in self._concealment() if start <= row["at"] < end]
        return round(100 * float(np.mean(shares)), 2) if shares else None

    def _held(self, kind: str) -> float | None:
        rows = [row[kind] for row in self.stats if kind in row and row["at"] > WARM_UP]
        if len(rows) < 2 or rows[-1]["emitted"] <= rows[0]["emitted"]:
            return None
        held = (rows[-1]["held"] - rows[0]["held"]) / (rows[-1]["emitted"] - rows[0]["emitted"])
        return round(1000 * float(held), 1)

    def _asked(self) -> dict[str, int]:
        last = next((row["video"] for row in reversed(self.stats) if "video" in row), {})
        return {name: last.get(name, 0) for name in ("nackCount", "pliCount", "keyFramesDecoded")}


def main() -> None:
    """Run alone: python -m bench.net --case 300 --seconds 180."""
    parser = argparse.ArgumentParser(description=__doc__)
    arguments(parser)
    print(json.dumps(asyncio.run(run(parser.parse_args())), indent=1))


if __name__ == "__main__":
    main()
