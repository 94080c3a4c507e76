"""A personalised batch: how long it takes, beside each film alone; memory; one face in all of them.

    python -m bench studio_batch --rows 100 --alone 6 --lines 720

The script takes some 30 s and four fifths of its words are the same for everybody. "Alone" is the
same script with a word of the row's own in each sentence, so that no two films have one in common.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from bench.machine import Share
from visavis.models import recognition
from visavis.server.jobs import configured
from visavis.server.studio.batches import preparing
from visavis.server.studio.batches.checking import Checked
from visavis.server.studio.batches.outcome import Outcome
from visavis.server.studio.document import reading
from visavis.server.system.config import Config
from visavis.server.system.load import Machine, model, resident

SHARED: Final = (
    "We are so glad that you will be staying with us at the end of the month.",
    "Your room looks out over the old harbour, and the light there is lovely in the morning.",
    "Breakfast is served on the terrace from seven to ten, and coffee all day long.",
    "The pool is warm, the sauna is open until ten, and towels are waiting for you there.",
    "If you arrive late, ring the bell, and somebody will let you in at any hour.",
)
NAMES: Final = (
    "Anna", "Boris", "Clara", "David", "Elena", "Felix", "Greta", "Henry", "Irene", "Jonas",
    "Karen", "Lucas", "Maria", "Nolan", "Olivia", "Peter", "Quentin", "Rosa", "Simon", "Teresa",
)  # fmt: skip
TOWNS: Final = ("Rome", "Paris", "Berlin", "Madrid", "Vienna", "Dublin", "Oslo", "Prague", "Lisbon")
WARM: Final = "# Hello\n\nHello {{first_name}}.\n"
SAMPLED: Final = 8  # pictures of each film whose face is measured
LOOK: Final = 1.0  # s between two looks at the memory of those who work


def script(lines: int, *, alone: bool) -> str:
    """alone: no sentence is the same in two rows."""
    first = "Hello {{first_name}} from {{town}}, this is for you, guest number {{number}}."
    last = "See you soon, {{first_name}}, and travel well."
    shared = [f"{line[:-1]}, {{{{first_name}}}} {{{{number}}}}." for line in SHARED]
    middle = "\n".join(shared if alone else SHARED)
    return f'+++\nframe = "16:9 {lines}p"\n+++\n\n# Welcome\n\n{first}\n\n{middle}\n\n{last}\n'


def table(rows: int) -> str:
    """People whose names differ, every one."""
    people = [f"{NAMES[n % len(NAMES)]},{TOWNS[n % len(TOWNS)]},{n + 1}" for n in range(rows)]
    return "\n".join(["first_name,town,number", *people]) + "\n"


def shared_words(lines: int) -> float:
    """The share of the words that all rows say."""
    whole = len(reading.read(script(lines, alone=False)).scenes[0].text.split())
    return sum(len(line.split()) for line in SHARED) / whole


def prepared(folder: Path, config: Config, rows: int, text: str) -> tuple[preparing.Order, Checked]:
    """A batch of so many rows in a folder."""
    folder.mkdir(parents=True)
    (folder / "people.csv").write_text(table(rows))
    order = preparing.Order(folder / "people.csv", text, folder)
    return order, preparing.prepared(order, config)[1]


async def made(folder: Path, config: Config, rows: int, text: str) -> dict[str, Any]:
    """A batch from its first job to its last film."""
    order, checked = await asyncio.to_thread(prepared, folder, config, rows, text)
    outcome = await asyncio.to_thread(Outcome, folder / "out", order, headings=checked.headings)
    queue = configured.queue(config)
    await queue.open()
    memory: list[tuple[float, int]] = []
    began, busy, spent, ends = time.monotonic(), Share(), _processor(), list[float]()
    looking = asyncio.create_task(_look(memory, began))
    try:
        jobs = await outcome.missing(queue, checked.films, again=False)
        async for done, _ in outcome.made(queue, jobs):
            ends += [time.monotonic() - began] * (int(done) - len(ends))
    finally:
        looking.cancel()
        await queue.close()
    took = time.monotonic() - began
    films = [row for row in outcome.rows.values() if row["state"] == "done"]
    seconds = sum(float(row["seconds"]) for row in films)
    return {
        "films": len(films),
        "failed": len(outcome.rows) - len(films),
        "film_seconds": round(seconds, 1),
        "seconds": round(took, 1),
        "seconds_a_film": round(took / max(len(films), 1), 2),
        "processor_seconds_a_film": round((_processor() - spent) / max(len(films), 1), 2),
        "processor_seconds_a_second": round((_processor() - spent) / max(seconds, 1), 3),
        "seconds_a_film_after_the_first_two": _later(ends),
        "times_real_time": round(seconds / took, 2),
        "pictures_that_were_there": round(outcome.shared, 4),
        "memory": _memory(memory, took),
        **busy.so_far(),
    }


def _processor() -> float:
    """s that all processes took which have ended: on a machine that others use, what can be told.

    They work when nobody else does, so how long it takes says how busy the machine is.
    """
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _later(ends: Sequence[float]) -> float | None:
    """s from one film to the next, once what they have in common is there."""
    return round((ends[-1] - ends[1]) / (len(ends) - 2), 2) if len(ends) > 2 else None


async def _look(memory: list[tuple[float, int]], began: float) -> None:
    """How much memory those take who work, again and again."""
    while True:
        await asyncio.sleep(LOOK)
        memory.append((time.monotonic() - began, await asyncio.to_thread(_children)))


def _children() -> int:
    total = 0
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            if int((place / "stat").read_text().rsplit(")", 1)[1].split()[1]) == os.getpid():
                total += resident(int(place.name))
    return total


def _memory(memory: Sequence[tuple[float, int]], took: float) -> dict[str, Any]:
    """MB of all processes that work: in the middle of the second quarter and of the last one."""

    def mean(since: float, until: float) -> float | None:
        found = [size for at, size in memory if since * took <= at < until * took]
        return round(float(np.mean(found)) / 2**20, 1) if found else None

    most = max((size for _, size in memory), default=0)
    return {
        "mb_most": round(most / 2**20, 1), "mb_second_quarter": mean(0.25, 0.5),
        "mb_last_quarter": mean(0.75, 1.0),
    }  # fmt: skip


def faces(films: Sequence[Path]) -> dict[str, Any]:
    """How far the face of each film is from that of the batch: 1 - cosine of SFace's numbers.

    first: of the first pictures, which are alike in pose; mean: of the mean over each film.
    """
    network = recognition.locate()
    first, means = [], []
    for film in films:
        found = [
            numbers
            for picture in _pictures(film)
            if (numbers := recognition.of_picture(picture, network)) is not None
        ]
        first.append(found[0])
        means.append(np.mean(found, axis=0))
    return {"films": len(films), "first": _spread(first), "mean": _spread(means)}


def _spread(templates: Sequence[Any]) -> dict[str, float]:
    unit = np.array([each / np.linalg.norm(each) for each in templates])
    middle = unit.mean(axis=0)
    away = 1.0 - unit @ (middle / np.linalg.norm(middle))
    return {"largest": round(float(away.max()), 6), "deviation": round(float(away.std()), 6)}


def _pictures(film: Path) -> list[Any]:
    """Some of a film's, evenly over it, the first among them."""
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        step = max(stream.frames // SAMPLED, 1)
        return [
            frame.to_ndarray(format="rgb24")
            for number, frame in enumerate(container.decode(stream))
            if number % step == 0
        ][:SAMPLED]


def differing(first: Path, second: Path) -> dict[str, int]:
    """Pictures of two films that are not the same, bit for bit, and by how much at most."""
    away = []
    with av.open(str(first)) as one, av.open(str(second)) as other:
        for a, b in zip(one.decode(video=0), other.decode(video=0), strict=True):
            away.append(int(np.abs(a.to_ndarray().astype(np.int16) - b.to_ndarray()).max()))
    return {"pictures": len(away), "differ": sum(map(bool, away)), "by_most": max(away)}


async def measured(options: argparse.Namespace, place: Path) -> dict[str, Any]:
    """All of it, in a folder that goes."""
    config = Config(home=str(options.home or place / "home"))
    cache = config.home_path / "studio-cache"
    text = script(options.lines, alone=False)
    await made(place / "warm", config, 2, WARM)  # compiles, makes keys
    shutil.rmtree(cache)
    result: dict[str, Any] = {
        "machine": {"cores": Machine().cores, "processor": model()},
        "lines": options.lines,
        "shared_words": round(shared_words(options.lines), 3),
    }
    if options.alone:
        unlike = script(options.lines, alone=True)
        result["alone"] = await made(place / "alone", config, options.alone, unlike)
    result["batch"] = await made(place / "batch", config, options.rows, text)
    films = sorted((place / "batch" / "out").glob("*.mp4"))
    if options.quick:
        return result
    result["faces"] = await asyncio.to_thread(faces, films)
    shutil.rmtree(cache)
    result["again"] = await made(place / "again", config, 1, text)
    twin = next((place / "again" / "out").glob("*.mp4"))
    result["the_first_film_again"] = await asyncio.to_thread(differing, films[0], twin)
    return result


def compared(result: dict[str, Any]) -> dict[str, Any]:
    """With what follows from it."""
    if "alone" in result:
        result["times_faster_than_alone"] = _times(result["alone"], result["batch"])
    return result


def _times(alone: dict[str, Any], batch: dict[str, Any]) -> float:
    """By the work for a second of film: those alone have a few words more."""
    key = "processor_seconds_a_second"
    return round(alone[key] / batch[key], 2)


def main() -> None:
    """Print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--alone", type=int, default=6, help="films that share nothing; 0: none")
    parser.add_argument("--lines", type=int, default=720)
    parser.add_argument("--quick", action="store_true", help="neither faces nor the first again")
    parser.add_argument(
        "--home", type=Path, help="a home to work in, with what was compiled there; its films go"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(compared(asyncio.run(measured(options, Path(place))))))


if __name__ == "__main__":
    main()
