"""`visavis batch`: a script and a table of people become a video for each of them."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from tqdm import tqdm

from visavis.models.files import whole
from visavis.server.commands.console import FAILURE, advance, say_line
from visavis.server.jobs import configured
from visavis.server.jobs.job import Queue
from visavis.server.studio.batches import archive, preparing
from visavis.server.studio.batches.checking import Checked, Film
from visavis.server.studio.batches.outcome import Outcome
from visavis.server.studio.layers.exports import FORMATS
from visavis.server.system import config_reading as settings
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError

_TOLD: Final = 40  # faults; a table may have thousands
_MOST_PROOF: Final = 50
_SCRIPT: Final = "script.md"


def batch(options: argparse.Namespace) -> int:
    """`batch`. Raises ConfigError, Problem, EngineError, ModelError, OSError."""
    config = settings.load({})
    script = options.script / _SCRIPT if options.script.is_dir() else options.script
    order = preparing.Order(
        options.table, _text(script), script.parent, "", _formats(options.formats), options.name,
        options.encoding, options.sheet,
    )  # fmt: skip
    _, checked = preparing.prepared(order, config)
    if options.json:
        say_line(json.dumps(preparing.told(checked), ensure_ascii=False))
    else:
        _tell(checked, sample=options.check)
    lost = checked.rows - len(checked.films)
    if checked.stopped or not checked.films or (lost and not options.skip):
        if not checked.stopped and checked.films and not options.json:
            say_line(
                f"Rows that cannot be made: {lost}. Mend the table, or leave them out with --skip."
            )
        return FAILURE
    if options.check:
        return 0
    outcome = Outcome(options.output, order, headings=checked.headings)
    films = _chosen(checked.films, options)
    started = time.monotonic()
    asyncio.run(_make(config, outcome, films, again=options.again))
    if options.zip:
        _pack(outcome, options.zip)
    return _sum_up(outcome, films, time.monotonic() - started)


def _text(path: Path) -> str:
    """Raises ConfigError, OSError."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: the script is not UTF-8 text") from None


def _formats(words: str) -> tuple[str, ...]:
    """Raises ConfigError."""
    formats = tuple(dict.fromkeys(words.replace(",", " ").split()))
    for each in formats:
        if each not in FORMATS:
            raise ConfigError(f"there is no format {each!r}: {', '.join(FORMATS)}")
    return formats


def _chosen(films: tuple[Film, ...], options: argparse.Namespace) -> list[Film]:
    """Those that are asked for: all, some rows, or a proof. Raises ConfigError."""
    rows = set(options.rows)
    if options.proof:
        rows |= set(preparing.proof(films, min(options.proof, _MOST_PROOF)))
    if missing := rows - {film.row for film in films}:
        raise ConfigError(f"the table has no row {min(missing)} that can be made")
    return [film for film in films if not rows or film.row in rows]


def _tell(checked: Checked, *, sample: bool) -> None:
    """What was found, for people."""
    for fault in checked.faults[:_TOLD]:
        say_line(f"{'' if fault.grave else 'note: '}{fault}")
    if (more := len(checked.faults) - _TOLD) > 0:
        say_line(f"and {more} more")
    minutes = checked.seconds / 60
    say_line(f"{len(checked.films)} of {checked.rows} rows can be made: about {minutes:.1f} min")
    for each in preparing.told(checked)["sample"] if sample else ():
        say_line(f"row {each['row']} ({each['label']}, {each['seconds']:.0f} s): {each['text']}")


async def _make(config: Config, outcome: Outcome, films: list[Film], *, again: bool) -> None:
    """What is not there yet, and as much of it as can be."""
    async with _opened(config) as queue:
        jobs = await outcome.missing(queue, films, again=again)
        if not jobs:
            return
        say_line(f"{len(jobs)} of {len(films)} videos are to be made, into {outcome.folder}")
        with tqdm(total=len(jobs), unit=" videos", leave=False) as bar:
            try:
                async for done, note in outcome.made(queue, jobs):
                    bar.set_postfix_str(note, refresh=False)
                    advance(bar, round(done, 1))
            except (asyncio.CancelledError, OSError):  # the same command goes on from here
                await queue.cancel(outcome.group)
                raise


@contextlib.asynccontextmanager
async def _opened(config: Config) -> AsyncIterator[Queue]:
    queue = configured.queue(config)
    await queue.open()
    try:
        yield queue
    finally:
        await queue.close()


def _pack(outcome: Outcome, path: Path) -> None:
    with whole(path) as file:
        for piece in archive.pieces(outcome.entries()):
            file.write(piece)


def _sum_up(outcome: Outcome, films: list[Film], took: float) -> int:
    """What became of it; the exit status."""
    rows = [outcome.rows[film.row] for film in films if film.row in outcome.rows]
    failed = [row for row in rows if row["state"] != "done"]
    for row in failed[:_TOLD]:
        say_line(f"row {row['row']} failed: {row['fault']}")
    seconds = sum(float(row["seconds"] or 0) for row in rows)
    say_line(
        f"{len(rows) - len(failed)} of {len(films)} videos are in {outcome.folder}: "
        f"{seconds / 60:.1f} min of film, {took / 60:.1f} min of work"
    )
    if share := outcome.shared:
        say_line(f"{share:.0%} of the pictures were there from other videos")
    if failed:
        say_line("The same command makes those that failed anew.")
    return FAILURE if failed else 0
