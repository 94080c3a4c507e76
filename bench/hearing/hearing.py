"""The ear and the turn, in process: words lost, cut-ins, missed ends, interruptions, latency.

    python -m bench hearing [--quick] [--only GROUP|SET] [--case NAME] [--save FOLDER] [--list]

A real session with the server's engines is fed with 48 kHz sound; time is virtual, engines take in
it what they cost (`honest_loop`). What each figure means: `judging`. Progress goes to stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import wave
from collections import Counter
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.hearing import honest_loop, judging, room, whole
from bench.hearing.corpora import SETS, Case, Make
from bench.hearing.honest_loop import HonestLoop
from bench.hearing.stage import HOME, VOICE, Record, Scene, engines, perform, track
from bench.live.signals import held, summary
from bench.machine import Share
from bench.warmth import prepare_answers
from visavis.engines.base import PLAY_RATE
from visavis.server.playout.messages import ms
from visavis.server.services.engines import Services

GROUPS: Final = {
    "words": ("short", "long", "monologues", "paused"),
    "ends": ("questions", "finished", "hesitant"),
    "interruptions": ("false_alarms", "echoes", "barge_ins"),
    "odd": ("wordless", "unusual"),
}
_WORDY: Final = (*GROUPS["words"], "unusual")
_ENDED: Final = (*GROUPS["ends"], "paused", "unusual")
_EACH: Final = {  # of --quick: every so-manieth case
    "questions": 14, "finished": 19, "short": 11, "long": 10, "monologues": 9, "paused": 7,
    "hesitant": 10, "false_alarms": 15, "echoes": 7, "barge_ins": 21,
    "wordless": 9, "unusual": 8,
}  # fmt: skip


def chosen(options: argparse.Namespace) -> Iterator[tuple[str, str, Make]]:
    """Set, name and making of each case that was asked for."""
    sets = [name for only in options.only or () for name in GROUPS.get(only, (only,))]
    for kind in sets or SETS:
        for index, (name, make) in enumerate(SETS[kind]()):
            if options.case and not any(fnmatch(name, wanted) for wanted in options.case):
                continue
            if index % (_EACH[kind] if options.quick else options.every):
                continue
            yield kind, name, make


class Bench:
    """Performs cases one after the other and judges them."""

    def __init__(self, services: Services, save: Path | None) -> None:
        self._services, self._save = services, save
        self._reference: tuple[Record, int] | None = None

    async def judged(self, case: Case) -> dict[str, Any]:
        """The outcome of one case."""
        before = _engine_seconds()
        record = await perform(self._services, case.scene)
        spent = {name: round(s - before.get(name, 0), 2) for name, s in _engine_seconds().items()}
        if self._save is not None:
            _write(self._save / f"{case.name}.wav", record)
        found: dict[str, Any] = {"name": case.name, "set": case.set, **case.notes}
        found["engines_s"] = {name: s for name, s in spent.items() if s >= 0.01}
        if case.set in _WORDY:
            start, end = case.speech
            text = await asyncio.to_thread(whole.transcript, case.scene.mic[start:end])
            found |= judging.wordy(case, record, text)
        if case.set in _ENDED:
            found |= judging.ended(case, record)
        if case.set in ("false_alarms", "echoes"):
            reference, begins = await self._undisturbed(case)
            found |= judging.disturbed(case, record, reference, begins)
        if case.set == "wordless":
            found |= judging.phantoms(record)
        if case.set == "barge_ins":
            found |= judging.barged(case, record)
        return found

    async def _undisturbed(self, case: Case) -> tuple[Record, int]:
        """The long reply with nobody in the room."""
        if self._reference is None:
            begins, length = ms(800), ms(18_500)
            scene = Scene("reference", track((0, room.hiss(length, 0)), length=length),
                          ((begins, case.text),))  # fmt: skip
            self._reference = await perform(self._services, scene), begins
        return self._reference


def _engine_seconds() -> dict[str, float]:
    """Processor time of each engine's calls so far."""
    loop = asyncio.get_running_loop()
    return dict(loop.spent) if isinstance(loop, HonestLoop) else {}


def _write(path: Path, record: Record) -> None:
    """Microphone left, avatar right."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mic = np.clip(record.scene.mic * 32_767, -32_768, 32_767).astype("<i2")
    length = max(len(mic), len(record.played))
    both = np.zeros((length, 2), "<i2")
    both[: len(mic), 0], both[: len(record.played), 1] = mic, record.played
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(PLAY_RATE)
        file.writeframes(both.tobytes())


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Every case that was asked for."""
    if options.prepared:
        await asyncio.to_thread(prepare_answers, HOME, VOICE)
    machine, began, rows = Share(), time.perf_counter(), []
    async with engines() as services:
        if options.prepared:
            await services.learn()
        bench = Bench(services, options.save)
        for _, name, make in chosen(options):
            started = time.perf_counter()
            row = await bench.judged(make())
            rows.append(row)
            print(
                f"{name}: {outcome(row)} ({time.perf_counter() - started:.1f} s)", file=sys.stderr
            )
    found = summaries(rows)
    return {
        "wanted": wanted(found),
        **found,
        "prepared": options.prepared,
        "seconds": round(time.perf_counter() - began, 1),
        "machine": machine.so_far(),
        "cases": rows,
    }


def outcome(row: dict[str, Any]) -> str:
    """One case in a few words, for whoever watches."""
    parts = []
    if "lost" in row:
        parts.append(f"{row['lost']} of {row['words']} words lost, {row['turns']} turns")
    if "latency_ms" in row:
        how = (
            "CUT IN"
            if row["cut_in"]
            else "MISSED"
            if row["missed"]
            else f"{row['latency_ms']:.0f} ms"
        )
        parts.append(how + (" WRONG" if row["right"] is False else ""))
    if "phantom_words" in row:
        parts.append(f"{row['phantom_words']} phantom words {row['heard'][:5]}")
    if "outcome" in row:
        parts.append(row["outcome"])
        parts += [f"{k} {row[k]}" for k in ("gap_ms", "stopped_after_ms") if row.get(k)]
    if row.get("lost") or row.get("cut_in") or row.get("heard") == []:
        parts.append(f"heard {row['heard']}")
    return "; ".join(parts)


# --- figures --------------------------------------------------------------------------------------


def summaries(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Figures of each group that was measured."""
    makes: dict[str, Callable[[list[dict[str, Any]]], dict[str, Any]]] = {
        "words": words_lost, "ends": ends, "interruptions": interruptions,
        "odd": odd_ones,
    }  # fmt: skip
    found = {}
    for group, make in makes.items():
        of = [row for row in rows if row["set"] in GROUPS[group]]
        if of:
            found[group] = make(of)
    return found


def words_lost(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """By set and over all."""
    sets = {kind: [r for r in rows if r["set"] == kind] for kind in GROUPS["words"]}
    found = {kind: _lost(of) for kind, of in sets.items() if of}
    return {**found, "all": _lost(rows)}


def _lost(rows: list[dict[str, Any]]) -> dict[str, Any]:
    said = sum(row["words"] for row in rows)
    return {
        "cases": len(rows),
        "words": said,
        "lost_percent": _percent(sum(row["lost"] for row in rows), said),
        "cases_that_lost": sum(row["lost"] > 0 for row in rows),
        "whole_recording_error_percent": _mean(rows, "own_error_percent"),
        "error_percent": _mean(rows, "error_percent"),
        "nothing_heard": sum(not row["heard"] for row in rows),
    }


def _mean(rows: list[dict[str, Any]], key: str) -> float:
    """Weighted by words."""
    said = sum(row["words"] for row in rows)
    return round(sum(row[key] * row["words"] for row in rows) / max(said, 1), 1)


def ends(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Latency, right answers, cut-ins and missed ends."""
    asked = [row for row in rows if row["set"] == "questions"]
    done = [row for row in rows if row["set"] in ("questions", "finished")]
    unsure = [row for row in rows if row["set"] == "hesitant"]
    known = [row for row in asked if row["right"] is not None]
    found: dict[str, Any] = {}
    if done:
        found |= {
            "finished": len(done),
            "missed_ends_percent": _percent(sum(row["missed"] for row in done), len(done)),
            "cut_in_while_finished": sum(row["cut_in"] for row in done),
        }
    if asked:
        waits = [None if row["cut_in"] else row["latency_ms"] for row in asked]
        found |= {
            "latency_ms": summary(waits),
            "right_answers": sum(row["right"] for row in known),
            "right_answers_of": len(known),
        }
    if unsure:
        waits = [None if row["cut_in"] else row["latency_ms"] for row in unsure]
        found |= {
            "hesitant": len(unsure),
            "cut_ins_percent": _percent(sum(row["cut_in"] for row in unsure), len(unsure)),
            "hesitant_latency_ms": summary(waits),
        }
    return found


def interruptions(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """False ones, and barge-ins."""
    false = [row for row in rows if row["set"] != "barge_ins"]
    true = [row for row in rows if row["set"] == "barge_ins"]
    found: dict[str, Any] = {}
    if false:
        broken = [row for row in false if row["outcome"] in ("broken off", "late")]
        found |= {
            "noises": len(false),
            "false_interruptions_percent": _percent(len(broken), len(false)),
            "outcomes": dict(Counter(row["outcome"] for row in false)),
            "paused_percent": _percent(sum(r["outcome"] == "paused" for r in false), len(false)),
            "gap_ms": summary([r["gap_ms"] for r in false if r["gap_ms"] != 0]),
            "went_on_after_the_noise_ms": summary(
                [r["went_on_after_the_noise_ms"] for r in false if r["gap_ms"]]
            ),
            "not_at_the_right_word": sum(not row["right_word"] for row in false),
        }
    for place in ("first", "tenth"):
        of = [row for row in true if f"-{place}" in row["name"]]
        if of:
            found[f"barge_in_{place}"] = {
                "cases": len(of),
                "stopped": sum(row["outcome"] == "stopped" for row in of),
                "stopped_after_ms": summary([row["stopped_after_ms"] for row in of]),
            }
    return found


def odd_ones(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Phantom words by what was heard; words kept and answers given to unusual voices."""
    found: dict[str, Any] = {
        row["name"]: {key: row[key] for key in ("phantom_words", "answers", "heard")}
        for row in rows
        if row["set"] == "wordless"
    }
    for kind in ("whisper", "child", "narrow"):
        of = [row for row in rows if row["name"].startswith(kind)]
        if of:
            found[kind] = _lost(of) | {
                "right_answers": sum(bool(row["right"]) for row in of),
                "latency_ms": summary([row["latency_ms"] for row in of]),
            }
    return found


def _percent(part: int, of: int) -> float:
    return round(100 * part / of, 1) if of else 0.0


WANTED: Final[tuple[tuple[str, float, float], ...]] = (
    ("words/all/lost_percent", 0, 3),
    ("ends/latency_ms/p50", 0, 350),
    ("ends/latency_ms/p95", 0, 800),
    ("ends/cut_ins_percent", 0, 5),
    ("ends/missed_ends_percent", 0, 5),
    ("interruptions/false_interruptions_percent", 0, 5),
    ("interruptions/barge_in_first/stopped_after_ms/p95", 0, 250),
    ("interruptions/barge_in_tenth/stopped_after_ms/p95", 0, 250),
)


def wanted(found: dict[str, Any]) -> dict[str, Any]:
    """Each figure that was measured, what is wanted of it, and whether it holds."""
    return held(found, WANTED)


def main() -> None:
    """Run alone: python -m bench.hearing.hearing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="some of each set, under a minute")
    parser.add_argument("--every", type=int, default=1, help="every so-manieth case of each set")
    parser.add_argument("--only", action="append", choices=(*GROUPS, *SETS))
    parser.add_argument("--case", action="append", help="a name, or a pattern such as 'barge-*'")
    parser.add_argument("--prepared", action="store_true", help="answers are synthesized ahead")
    parser.add_argument("--save", type=Path, help="folder for WAV files: microphone and avatar")
    parser.add_argument(
        "--slower",
        type=float,
        default=1.0,
        help="how many times slower this machine is than that of docs/figures.md",
    )
    parser.add_argument("--list", action="store_true", help="names of the cases alone")
    options = parser.parse_args()
    if options.list:
        result: Any = [name for _, name, _ in chosen(options)]
    else:
        result = honest_loop.run(run(options), options.slower) | {"slower": options.slower}
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
