"""A click, and a voice, over the avatar in Chromium -> silence. Twenty voices; six minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from bench.hearing.people import VOICES, Clip, says
from bench.live.chromium import chromium, tapped_page
from bench.live.page import LEAD_IN, TYPED, script, since, start, taps_of, typed_into
from bench.live.signals import intervals, silent_after, summary
from bench.live.spoken import microphone

_CASES: Final = 20
_ASKED: Final = ("How do I get to the airport?", 3.5)  # and s until somebody speaks over the answer
_OVER: Final = (
    "No, wait. Where is the gym?", "Stop talking, please.", "Excuse me, how much does it cost?",
    "Sorry, I meant the train station.",
)  # fmt: skip
_ANSWER: Final = 9.0  # s


async def interruption(
    address: str, home: Path, out: Path, cases: int | None = None
) -> dict[str, Any]:
    """Both ways; `cases` voices."""
    parts: list[tuple[Clip, float]] = []
    for index in range(cases or _CASES):
        asks, over = VOICES[1 + index % 3], VOICES[1 + (index + 1) % 5]
        parts += [(says(asks, _ASKED[0]), _ASKED[1])]
        parts += [(says(over, _OVER[index % len(_OVER)]), _ANSWER)]
    wav = out / "interruptions.wav"
    microphone(wav, parts)
    async with chromium(wav) as browser:
        page = await tapped_page(browser, address)
        await start(page, open_mic=True)
        seconds = LEAD_IN + sum(clip.seconds + pause for clip, pause in parts)
        await page.wait_for_timeout(seconds * 1000)
        heard = await taps_of(page)
    starts = [begin for begin, _ in intervals(heard["mic"], 900)[1::2]]
    over = [
        begin
        for begin in starts
        if any(begin - 300 <= row[0] < begin and row[1] > 0.01 for row in heard["heard"])
    ]
    clicked, taps = await _clicks(address, home, out)
    return {
        "click_to_silence_ms": _silence(clicked, taps["heard"]),
        "speech_to_silence_ms": _silence(over, heard["heard"]),
        # what a page hears that plays the track itself, without <visavis-avatar>
        "click_to_silent_track_ms": _silence(clicked, taps["voice"]),
        "speech_to_silent_track_ms": _silence(over, heard["voice"]),
        "each_ms": [_rounded(since(at, silent_after(heard["heard"], at))) for at in over],
        "interrupted_by_voice": f"{len(over)} of {len(starts)}",
    }


def _rounded(ms: float | None) -> int | None:
    return None if ms is None else round(ms)


def _silence(starts: list[float], level: list[list[float]]) -> dict[str, Any]:
    return summary([since(at, silent_after(level, at)) for at in starts])


async def _clicks(
    address: str, home: Path, out: Path
) -> tuple[list[float], dict[str, list[list[float]]]]:
    wav = script(out / "silence.wav", [("", 1.0)], home)
    clicked = []
    async with chromium(wav) as browser:
        page = await tapped_page(browser, address)
        await start(page)
        for text in TYPED[:6]:
            await typed_into(page, text)
            await page.wait_for_timeout(1800)
            clicked.append(await page.evaluate(_CLICK_STOP))
            await page.wait_for_timeout(2000)
        taps = await taps_of(page)
    return clicked, taps


_CLICK_STOP = """() => {
  const at = performance.now();
  document.querySelector("#interrupt").click();
  return at;
}"""
