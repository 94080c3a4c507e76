"""The child that looks for marks: a stranger's file on its standard input, lines of JSON out."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import IO, Any, Final

import numpy as np

from visavis.engines.marking import finding, sound_finding
from visavis.engines.marking.evidence import Found
from visavis.server.detection.excerpts import Film, Unreadable, opened
from visavis.server.detection.report import Where
from visavis.server.system import confined, sandbox
from visavis.server.system.faults import place

MEMORY: Final = 3 * 1024**3  # bytes of address space
SECONDS: Final = 150  # of processor time
_LEAST: Final = 1.0  # s of sound in which anything could be found


def main() -> None:
    """Look at the standard input; the owner's process id is the argument."""
    confined.begin()
    sandbox.limit(MEMORY, SECONDS)
    output = confined.own_output()
    _warm()
    confined.say(output, {"unshielded": confined.shut_in()})
    try:
        with os.fdopen(sys.stdin.fileno(), "rb", closefd=False) as file:
            for said in looked(file):
                confined.say(output, said)
    except Unreadable as error:
        confined.say(output, {"refused": str(error)})
    # Whatever a hostile file makes a library do: the owner logs its type and place.
    except Exception as error:  # noqa: BLE001
        fault = f"{type(error).__name__} at {place(error)}"
        confined.say(output, {"refused": "it could not be read to its end", "fault": fault})


def looked(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Steps (a `share` of the work), marks, and `done` with what was looked at.

    Raises Unreadable.
    """
    film = opened(file)
    steps, heard, seen = 0, 0.0, 0
    for length, found in _sounds(film):
        heard, steps = heard + length, steps + 1
        yield from (_written("sound", each) for each in found)
        yield {"share": steps / film.steps}
    for count, found in _looks(film):
        seen, steps = seen + count, steps + 1
        yield from (_written("picture", each) for each in found)
        yield {"share": steps / film.steps}
    if not heard and not seen:
        raise Unreadable("nothing of it can be decoded")
    yield {"done": {"seconds": film.seconds, "heard": heard, "seen": seen}}


def _sounds(film: Film) -> Iterator[tuple[float, list[Found]]]:
    """s of sound each, and what was found in them; samples go on until there is something."""
    for sound in film.sounds():
        length = len(sound) / sound_finding.RATE
        found = sound_finding.find(sound) if length >= _LEAST else []
        yield length, found
        if found:
            return


def _looks(film: Film) -> Iterator[tuple[int, list[Found]]]:
    """The same of pictures."""
    for pictures in film.looks():
        found = finding.find(pictures) if pictures else None
        yield len(pictures), [found] if found is not None else []
        if found is not None:
            return


def _written(where: Where, found: Found) -> dict[str, Any]:
    payload = found.payload
    said = [payload.installation, payload.day, int(payload.session)]
    return {"in": where, "says": said, "at": [found.agreement, found.log10_false_alarm]}


def _warm() -> None:
    """What is imported or compiled later would be looked for outside."""
    sound_finding.find(np.zeros(sound_finding.RATE, np.float32))
    flat = np.full((128, 128), 90, np.uint8)
    with contextlib.suppress(Exception):
        finding.find([flat])


if __name__ == "__main__":
    main()
