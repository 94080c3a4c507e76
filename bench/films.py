"""Films: how fast they are made, alone and as a batch that shares most of its words.

    python -m bench.films                    # 20 personalised films of half a minute at 720p
    python -m bench.films --films 100 --lines 720
    python -m bench.films --speed            # three minutes at several sizes, nothing shared

Times are of the wall clock and of the processor: on a machine that others keep busy, only the
latter can be compared. `alone`: each film in a home of its own, so that nothing is there.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from bench.machine import Share
from visavis.models import recognition
from visavis.server.studio.film.work import film
from visavis.server.system.config import Config

# Of some 100 words 21 are each person's own.
_LETTER: Final = """+++
frame = "16:9 {lines}p"
+++
# letter
[warmly] Good day {name}, and thank you for your stay in {city} in {month}. We are glad that you
have chosen our house, and we hope that you slept well. Next spring there is a new garden behind the
tower, with old roses and a path along the water. Breakfast is served there whenever the sun shines.
[smiles] Whoever comes before the end of June has the third night for free. Your own code for
{city} is {code}. Show it when you arrive. We look forward to seeing you again, and wish you a good
journey until then.
"""
_NAMES: Final = (
    "Anna",
    "Peter",
    "Maria",
    "John",
    "Laura",
    "Thomas",
    "Sofia",
    "David",
    "Emma",
    "Paul",
)
_CITIES: Final = ("Lisbon", "Bergen", "Vienna", "Dublin", "Porto", "Kyoto", "Oslo")
_MONTHS: Final = ("April", "May", "June", "July", "August", "September")
_SEEN: Final = 25  # pictures of a film that are looked at


@dataclass
class _Desk:
    folder: Path
    config: Config
    told: list[float] = field(default_factory=list)

    def tell(self, done: float, note: str = "") -> None:
        self.told.append(done)


@dataclass(frozen=True)
class _Spent:
    seconds: float  # of film
    wall: float
    processor: float
    drawn: int
    found: int


def _made(script: str, home: Path, folder: Path, formats: tuple[str, ...] = ("mp4",)) -> _Spent:
    folder.mkdir(parents=True, exist_ok=True)
    wall, processor = time.perf_counter(), time.process_time()
    desk = _Desk(folder, Config(home=str(home)))
    asked = {"script": script, "folder": str(folder), "formats": list(formats)}
    made = film(asked, desk)
    return _Spent(
        made["seconds"], time.perf_counter() - wall, time.process_time() - processor,
        made["drawn"], made["found"],
    )  # fmt: skip


def _letter(number: int, lines: int) -> str:
    return _LETTER.format(
        lines=lines, name=f"{_NAMES[number % 10]} {'ABCDEFGHIJ'[number // 10 % 10]}.",
        city=_CITIES[number % 7], month=_MONTHS[number % 6],
        code=f"{number % 10} {number // 10 % 10} {(7 * number) % 10}",
    )  # fmt: skip


def _templates(path: Path) -> np.ndarray:
    """(n, 128), of pictures all over a film."""
    network = recognition.locate()
    found = []
    with av.open(str(path)) as file:
        every = max(file.streams.video[0].frames // _SEEN, 1)
        for number, frame in enumerate(file.decode(video=0)):
            if number % every == 0:
                template = recognition.of_picture(frame.to_ndarray(format="rgb24"), network)
                assert template is not None, "a picture without a face"
                found.append(template)
    return np.stack(found)


def _alike(films: list[np.ndarray]) -> dict[str, float]:
    """How one face all films have: cosines of SFace. films: templates of each."""
    means = np.stack([each.mean(0) / np.linalg.norm(each.mean(0)) for each in films])
    whole = means.mean(0) / np.linalg.norm(means.mean(0))
    cosines = means @ whole
    single = np.concatenate(films) @ whole
    return {
        "films": len(films),
        "spread_of_films": round(float(1 - cosines.min()), 5),
        "std_of_films": round(float(cosines.std()), 5),
        "worst_picture": round(float(single.min()), 4),
        "std_of_pictures": round(float(single.std()), 4),
    }


def _batch(count: int, lines: int, alone: int, work: Path) -> dict[str, Any]:
    _made(_letter(999, lines), work / "warm", work / "warm-film")  # what is compiled and loaded
    apart = [
        _made(_letter(n, lines), work / f"home-{n}", work / f"alone-{n}") for n in range(alone)
    ]
    share, spent, memory, faces = Share(), [], [], []
    for number in range(count):
        folder = work / "film"
        spent.append(_made(_letter(number, lines), work / "home", folder))
        memory.append(_resident())
        if number % max(count // 25, 1) == 0:
            faces.append(_templates(folder / "film.mp4"))
        shutil.rmtree(folder)
    once = float(np.mean([each.processor for each in apart]))
    pictures = sum(each.found + each.drawn for each in spent)
    later = spent[1:]
    return {
        "films": count, "lines": lines, "seconds_each": spent[0].seconds,
        "alone_processor_s": round(once, 2),
        "alone_wall_s": round(float(np.mean([each.wall for each in apart])), 2),
        "shared_processor_s": round(float(np.mean([each.processor for each in spent])), 2),
        "shared_wall_s": round(float(np.mean([each.wall for each in spent])), 2),
        "times_faster": round(once / float(np.mean([each.processor for each in spent])), 2),
        "times_faster_once_shared": round(
            once / float(np.mean([each.processor for each in later])), 2
        ),
        "pictures_found": round(sum(each.found for each in spent) / pictures, 3),
        "resident_mb": [memory[at] for at in np.linspace(0, count - 1, 6).astype(int)],
        "face": _alike(faces), **share.so_far(),
    }  # fmt: skip


def _resident() -> int:
    """MB that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1_000_000


def _speed(work: Path, sizes: tuple[str, ...]) -> list[dict[str, Any]]:
    found = []
    for size in sizes:
        body = [_letter(n, 720).split("# letter\n")[1] for n in range(6)]
        scenes = "".join(f"# part {n}\n{text}\n" for n, text in enumerate(body))
        script = f'+++\nframe = "{size}"\n+++\n{scenes}'
        _made(f'+++\nframe = "{size}"\n+++\n# warm\nHello.', work / "warm", work / "warm-film")
        share = Share()
        spent = _made(script, work / f"home-{len(found)}", work / f"film-{len(found)}")
        found.append(
            {
                "frame": size,
                "seconds": spent.seconds,
                "wall_s": round(spent.wall, 1),
                "processor_s": round(spent.processor, 1),
                "drawn": spent.drawn,
                "processor_ms_a_picture": round(1000 * spent.processor / spent.drawn, 1),
                "times_real_time_wall": round(spent.wall / spent.seconds, 2),
                "times_real_time_of_two_cores": round(spent.processor / 2 / spent.seconds, 2),
                "resident_mb": _resident(),
                **share.so_far(),
            }
        )
    return found


def main() -> int:
    """Print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=20)
    parser.add_argument("--alone", type=int, default=2, help="films that are made alone, too")
    parser.add_argument("--lines", type=int, default=720)
    parser.add_argument("--speed", nargs="*", metavar="FRAME", help='such as "16:9 1080p"')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        result: Any
        if options.speed is not None:
            result = _speed(work, tuple(options.speed) or ("1:1 480p", "16:9 720p", "16:9 1080p"))
        else:
            result = _batch(options.films, options.lines, options.alone, work)
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
