"""Many faces drawn in one process: phases, giving way, the mouth alone. No network, no browser.

    python -m bench drawing [--faces 6] [--crowd 24] [--seconds 6] [--home PATH]

Each face speaks, is drawn by the CPU's generator and encoded as H.264 as it would be for a viewer;
beside it ticks a clock of sound, whose lateness is the event loop's. Scheduled in real time where
the system allows it, as `visavis serve` is. Ways are measured in the order A B B A.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from visavis.engines import load
from visavis.engines.base import PLAY_RATE, Before, FaceState
from visavis.engines.fake import FakeMotion
from visavis.engines.render import posing, warp
from visavis.models.avatar.file import load_avatar
from visavis.models.warp import scene
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import FRAME, PACKET, to_ms
from visavis.server.playout.timeline import Timeline
from visavis.server.rtc.encoders import H264, Video
from visavis.server.rtc.tracks import VideoTrack
from visavis.server.services.drawing import DrawingPool
from visavis.server.session.showing import Showing
from visavis.server.system import priority
from visavis.server.system.config import Config
from visavis.server.system.metrics import Metrics
from visavis.server.system.served import Health

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SIZE: Final = 512  # px
TEXT: Final = (
    "Good morning, and welcome to the hotel. Breakfast is served from seven to ten thirty in the "
    "garden room, and you may bring your dog. The airport is twenty minutes away by taxi."
)


def spoken(home: Path) -> list[FaceState]:
    """A face that speaks, 25 states a second."""
    motion, end = load.motion(3), PLAY_RATE // 2
    motion.attend(0, "speaking")
    for piece in load.tts("heart", home).synthesize(TEXT):
        motion.speak(end, piece)
        end += len(piece.pcm)
    return [motion.state(at) for at in range(0, end, FRAME)]


class Replayed(FakeMotion):
    """Each face says the same, at another time."""

    def __init__(self, states: list[FaceState], first: int) -> None:
        super().__init__()
        self._states, self._first = states, first

    def state(self, at: int) -> FaceState:
        """See Motion."""
        return self._states[(at // FRAME + self._first) % len(self._states)]


class Faces:
    """Some of them in one pool; what became of their pictures and of the loop's time."""

    def __init__(self, prepared: scene.Scene, states: list[FaceState], *, gives_way: bool) -> None:
        self.metrics = Metrics()
        generator = warp.WarpGenerator(SIZE, SIZE)
        self.pool = DrawingPool(generator, Health("render", "Drawing", self.metrics))
        if not gives_way:
            self.pool.relief.drawn = lambda *_, **__: None  # type: ignore[method-assign]
        self.drawn: list[float] = []  # s that each picture took, waiting included
        self.sent = self.late = 0
        self.sounds: list[float] = []  # ms that packets of sound were late
        self._prepared, self._states = prepared, states
        self._encoding = ThreadPoolExecutor(os.cpu_count())

    async def show(self, number: int, phase: float | None) -> None:
        """One more; a phase of None: the one that the pool gives."""
        sitting = self.pool.sit(self._prepared)  # type: ignore[arg-type]
        clock, timeline = Clock(phase=sitting.phase if phase is None else phase), Timeline()
        draw = sitting.draw

        async def timed(*arguments: Any) -> Any:
            began = time.perf_counter()
            picture = await draw(*arguments)
            self.drawn.append(time.perf_counter() - began)
            return picture

        sitting.draw = timed  # type: ignore[method-assign]
        still = warp.draw(self._prepared, FaceState())
        motion = Replayed(self._states, 37 * number)
        showing = Showing(clock, timeline, motion, sitting, still, self.metrics)
        showing.attend("speaking")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(showing.run())
            tasks.create_task(self._play(clock, timeline, still))
            tasks.create_task(self._sound(clock))

    async def _play(self, clock: Clock, timeline: Timeline, still: Any) -> None:
        track = VideoTrack(clock, timeline.reader(), still, self._sent, lambda *_: None)
        encoder, loop = Video(H264()), asyncio.get_running_loop()
        while True:
            await loop.run_in_executor(self._encoding, encoder.encode, await track.recv())

    def _sent(self, at: int, now: int, in_time: bool) -> None:
        self.sent += 1
        self.late += not in_time

    async def _sound(self, clock: Clock) -> None:
        at = clock.now() // PACKET * PACKET
        while True:
            at += PACKET
            await clock.sleep_until(at)
            self.sounds.append(to_ms(clock.now() - at))

    def row(self, faces: int, seconds: float, cores: float) -> dict[str, Any]:
        """What a face got a second, and what it took."""
        took, sounds = np.array(self.drawn) * 1000, np.array(self.sounds)
        return {
            "pictures_a_second": round(self.sent / faces / seconds, 2),
            "late_a_second": round(self.late / faces / seconds, 3),
            "picture_ms": {"mean": round(float(took.mean()), 2), **_tail(took)},
            "sound_late_ms": {**_tail(sounds), "most": round(float(sounds.max()), 1)},
            "level": self.pool.relief.level,
            "cores": round(cores, 2),
        }

    def clear(self) -> None:
        """Begin to count."""
        self.sent = self.late = 0
        self.drawn.clear()
        self.sounds.clear()


def _tail(values: Any) -> dict[str, float]:
    return {f"p{p}": round(float(np.percentile(values, p)), 2) for p in (95, 99)}


@asynccontextmanager
async def _shown(faces: Faces, phases: list[float | None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(faces.show(n, phase)) for n, phase in enumerate(phases)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        faces.pool.close()


async def measured(
    faces: Faces, phases: list[float | None], seconds: float, times: int = 1
) -> list[dict[str, Any]]:
    """One row each so many seconds."""
    rows = []
    async with _shown(faces, phases):
        for _ in range(times):
            faces.clear()
            began, worked = time.perf_counter(), time.process_time()
            await asyncio.sleep(seconds)
            cores = (time.process_time() - worked) / (time.perf_counter() - began)
            rows.append(faces.row(len(phases), seconds, cores))
    return rows


def mouth_alone(prepared: scene.Scene, states: list[FaceState]) -> dict[str, Any]:
    """What a mouth over the picture before costs, how near it is, and what is seen at its rim.

    Luma of 255, in the patch: beside a whole picture of the new state, the mouth alone and the
    picture before left as it is; at most in the 3 px around the patch's rim.
    """
    import cv2

    times: dict[str, list[float]] = {"whole": [], "mouth": []}
    rims, near, held = [], [], []
    gap = next(gap for gap in prepared.gaps if not gap.side)
    for now, after in zip(states[20::2], states[21::2], strict=False):
        began = time.thread_time()
        whole = warp.draw(prepared, now)
        drawn = time.thread_time()
        mouth = warp.speak(prepared, after, Before(whole, now))
        times["whole"].append(drawn - began)
        times["mouth"].append(time.thread_time() - drawn)
        seen = warp._forward(gap.sheets, posing.controls(now), posing.view(prepared.body, now.pose))
        upper = seen[: len(seen) // 2]
        outline = np.concatenate([upper[0], upper[1:, -1], upper[-1, ::-1], upper[::-1, 0]])
        patch = cv2.fillPoly(np.zeros((SIZE, SIZE), np.uint8), [outline.round().astype(int)], 1)
        rim = cv2.dilate(patch, np.ones((3, 3))) > cv2.erode(patch, np.ones((5, 5)))
        before, alone, true = (
            one[:SIZE].astype(int) for one in (whole, mouth, warp.draw(prepared, after))
        )
        rims.append(np.abs(alone - before)[rim].max())
        near.append(np.abs(alone - true)[patch > 0].mean())
        held.append(np.abs(before - true)[patch > 0].mean())
    return {
        **{f"{name}_ms": round(1000 * float(np.median(all_)), 2) for name, all_ in times.items()},
        "rim": {"median": float(np.median(rims)), "most": float(max(rims))},
        "difference_in_patch": {
            "mouth_alone": round(float(np.mean(near)), 2),
            "held": round(float(np.mean(held)), 2),
        },
    }


def main() -> int:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench drawing", description=__doc__)
    parser.add_argument("--faces", type=int, default=6, help="that there is time for")
    parser.add_argument("--crowd", type=int, default=24, help="that there is not")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--home", type=Path, default=Config().home_path)
    options = parser.parse_args()
    states = spoken(options.home)
    scenes = {}
    for name in ("mira", "tomas"):
        with as_file(files("visavis.models") / "data" / "personas" / f"{name}.avatar") as path:
            scenes[name] = scene.build(load_avatar(path), SIZE, SIZE)
    report: dict[str, Any] = {
        "mouth": {name: mouth_alone(one, states) for name, one in scenes.items()},
        "scheduling": priority.go_first(),
    }
    report["phases"] = _phases(scenes["mira"], states, options)
    report["crowd"] = _crowd(scenes["mira"], states, options)
    json.dump(report, sys.stdout, indent=2)
    return 0


def _phases(
    prepared: scene.Scene, states: list[FaceState], options: argparse.Namespace
) -> list[dict[str, Any]]:
    rows = []
    for way in ("together", "spread", "spread", "together"):
        phases = [0.0 if way == "together" else None] * options.faces
        faces = Faces(prepared, states, gives_way=False)
        (row,) = asyncio.run(measured(faces, phases, options.seconds))
        rows.append({"phases": way, "faces": options.faces, **row})
        print(rows[-1], file=sys.stderr)
    return rows


def _crowd(
    prepared: scene.Scene, states: list[FaceState], options: argparse.Namespace
) -> list[dict[str, Any]]:
    rows = []
    for gives_way in (False, True, True, False):
        faces = Faces(prepared, states, gives_way=gives_way)
        all_rows = asyncio.run(measured(faces, [None] * options.crowd, options.seconds, times=4))
        rows.append({"gives_way": gives_way, "faces": options.crowd, "rows": all_rows})
        print(rows[-1], file=sys.stderr)
    return rows


if __name__ == "__main__":
    raise SystemExit(main())
