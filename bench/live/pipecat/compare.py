"""Pipecat with the same whisper and the same voice and no face, beside our server, same questions.

    python -m bench pipecat [--cases N] [--voice joe] [--unprepared]

Both are heard in the same Chromium through the same taps: end of speech at the microphone to the
first sound of the track that comes back. Pipecat's bot is `bot.py`; its page plays sound alone,
ours draws a face too, and has its answers synthesized ahead unless `--unprepared`. Both speak in
the same voice. 20 minutes with all 40 questions; the first run makes an environment for it under
out/pipecat.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from bench.live.chromium import chromium, ready, server, tapped_page
from bench.live.page import LEAD_IN, start, taps_of
from bench.live.signals import intervals, summary
from bench.live.spoken import (
    ANSWER,
    HEARD,
    LISTEN,
    Asked,
    asked,
    microphone,
    some,
    waited,
    windows,
)
from bench.machine import Share
from bench.warmth import prepare_answers
from visavis.engines import load
from visavis.engines.settings import DialogueSettings

HOME: Final = Path("out/pipecat")
_NEEDS: Final = Path(__file__).with_name("requirements.txt")
_BOT: Final = Path(__file__).with_name("bot.py")
_FASTER: Final = 3.0  # times; wanted


def environment() -> Path:
    """The Python of an environment with Pipecat, made once. Raises CalledProcessError."""
    root, python = HOME / "venv", HOME / "venv/bin/python"
    made = HOME / "made.txt"
    if not made.exists() or made.read_text() != _NEEDS.read_text():
        subprocess.run([sys.executable, "-m", "venv", str(root)], check=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(_NEEDS)], check=True, stdout=sys.stderr)
        made.write_text(_NEEDS.read_text())
    return python


def answers(questions: list[Asked], path: Path) -> None:
    """What our own dialogue says to each, without its directions, as far as 60 letters take it:
    to be over before the next question."""
    dialogue = load.dialogue("knowledge", DialogueSettings(Path("out/bench/home")))
    found = {}
    for each in questions:
        text = "".join(dialogue.reply(each.clip.text, ()))
        plain = re.sub(r"\s*\[.*?\]\s*", " ", text).strip()
        found[each.clip.text.lower()] = re.match(r".{0,60}.*?(?:[.?!](?=\s|$)|$)", plain, re.S)[0]
    path.write_text(json.dumps(found, indent=1))


@asynccontextmanager
async def bot(questions: list[Asked], voice: str) -> AsyncIterator[str]:
    """Pipecat's bot: its address, once it is there."""
    python = await asyncio.to_thread(environment)
    await asyncio.to_thread(answers, questions, HOME / "answers.json")
    (HOME / "bot.jsonl").unlink(missing_ok=True)
    with (HOME / "bot.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            str(python), str(_BOT), str(HOME / "answers.json"), str(HOME.absolute()), voice,
            stdout=asyncio.subprocess.PIPE, stderr=log,
        )  # fmt: skip
    try:
        async with asyncio.timeout(180):
            address = await ready(process)
        yield address
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 15)


async def measured(
    address: str, questions: list[Asked], wav: Path, *, ours: bool
) -> dict[str, Any]:
    """The questions asked of one of them."""
    machine = Share()
    async with chromium(wav) as browser:
        page = await tapped_page(browser, address)
        if ours:
            await page.evaluate(LISTEN, HEARD * 1000)
            await start(page, open_mic=True)
        else:
            await page.click("#start")
            await page.wait_for_function("window.connected", timeout=30_000)
        seconds = LEAD_IN + sum(each.clip.seconds + ANSWER for each in questions)
        await page.wait_for_timeout(seconds * 1000)
        taps = await taps_of(page)
    rows = []
    for each, window in zip(questions, windows(intervals(taps["mic"])), strict=False):
        wait = waited(taps["voice"], window)
        rows.append({"who": each.clip.who, "said": each.clip.text, "wait_ms": wait})
    return {
        "end_of_speech_to_first_sound_ms": summary([row["wait_ms"] for row in rows]),
        "each": rows,
        "machine": machine.so_far(),
    }


def faster(result: dict[str, Any]) -> dict[str, Any]:
    """How many times as long Pipecat's median is."""
    waits = (result[name]["end_of_speech_to_first_sound_ms"] for name in ("ours", "pipecat"))
    ours, theirs = (wait.get("p50") for wait in waits)
    times = round(theirs / ours, 2) if ours and theirs else None
    return {"is": times, "wanted": _FASTER, "holds": times is not None and times >= _FASTER}


async def run(cases: int | None, only: list[str], voice: str, *, prepared: bool) -> dict[str, Any]:
    """Pipecat first, then ours."""
    questions = some(asked(), cases)
    HOME.mkdir(parents=True, exist_ok=True)
    wav = HOME / "questions.wav"
    microphone(wav, [(each.clip, ANSWER) for each in questions])
    result: dict[str, Any] = {"questions": len(questions), "voice": voice, "prepared": prepared}
    if "pipecat" in only:
        async with bot(questions, voice) as address:
            result["pipecat"] = await measured(address, questions, wav, ours=False)
        log = HOME / "bot.jsonl"
        if log.exists():
            result["pipecat"]["turns"] = [json.loads(line) for line in log.read_text().splitlines()]
    if "ours" in only:
        if prepared:
            await asyncio.to_thread(prepare_answers, Path("out/bench/home"), voice)
        log = HOME / "server.log"
        async with server(Path("out/bench/home"), "--voice", voice, log=log) as (address, _):
            result["ours"] = await measured(address, questions, wav, ours=True)
    if len(only) == 2:
        result["times_faster"] = faster(result)
    return result


def main() -> None:
    """Run alone: python -m bench.live.pipecat.compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, help="so many questions of all kinds")
    parser.add_argument("--only", choices=("pipecat", "ours"), action="append")
    parser.add_argument("--voice", choices=("heart", "joe"), default="heart", help="of both")
    parser.add_argument("--unprepared", action="store_true", help="our answers not made ahead")
    options = parser.parse_args()
    only = options.only or ["pipecat", "ours"]
    result = asyncio.run(run(options.cases, only, options.voice, prepared=not options.unprepared))
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
