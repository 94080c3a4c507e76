"""How lively the face is, by THEval's landmark measures beside real video, as JSON.

    python -m bench.face.theval [--clips 5] [--only mira samir] [--by phonemes] [--mesh PYTHON]
        [--wish calm] [--real FILE ...] [--sheets]

Each of four portraits speaks CLIPS clips from phonemes (our voices) and as many from sound
(recordings of people, whose lips and head come from the network that hears them). Every picture is
drawn as live ones are, cut as the measured data are, and read by the face mesh. What is scored is
closeness to the means of real video: 1 - |ours - truth| / truth, mean over the clips.

--mesh: the Python of an environment with mediapipe 0.10.14, whose mesh with attention the published
figures were taken with; without it our own landmark model looks, which is the mesh without
attention: of the same mouths it reads lip dynamics a quarter to a third smaller. --real: videos of
people, measured beside. --wish: how it is directed, in plain words. --sheets: contact sheets, too.
A clip whose pictures would be those of an earlier run is not drawn again: see `Rows`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np

from bench.face import clips, landmark_measures, meshes
from bench.face.landmark_measures import EYES, SIDE, TRUTH, Seen
from bench.face.portraits import PORTRAITS, avatar
from visavis.engines.base import PLAY_RATE, Demeanour, FaceState
from visavis.engines.direction.director import Director
from visavis.engines.direction.styles import ActiveStyles
from visavis.engines.motion.viseme_motion import VisemeMotion
from visavis.engines.render import warp
from visavis.engines.render.warp import draw
from visavis.models.avatar.file import Avatar
from visavis.models.bake import landmarks as lm
from visavis.models.quality.subject import as_rgb
from visavis.models.warp import scene as scenes
from visavis.models.warp.scene import build

OUT: Final = Path("out/bench/face")
WHO: Final = {"mira": "heart", "tomas": "joe", "amara": "heart", "samir": "joe"}
WAYS: Final = ("phonemes", "sound")
FPS: Final = 25
FRAME: Final = PLAY_RATE // FPS
# What makes pictures of states, and figures of pictures: rows are kept for as long as it stands.
SOURCES: Final = (
    *sorted(Path(warp.__file__).parent.glob("*.py")),
    *sorted(Path(scenes.__file__).parent.glob("*.py")),
    *(Path(__file__).with_name(f"{n}.py") for n in ("attention_mesh", "landmark_measures",
                                                    "meshes", "theval")),
)  # fmt: skip
DRAWN: Final = 384  # px of the pictures, of which the face is then cut
MIDDLE: Final = 0.5  # of the cut's height: the point between eyes and mouth
SHEET: Final = 16  # pictures of a contact sheet


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured how; see the command's help."""

    clips: int
    only: tuple[str, ...]
    by: tuple[str, ...]
    mesh: Path | None
    wish: str
    sheets: bool


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.face.theval", description=__doc__)
    parser.add_argument("--clips", type=int, default=5, help="of each portrait, each way")
    parser.add_argument("--only", nargs="*", default=tuple(WHO), choices=tuple(WHO))
    parser.add_argument("--by", nargs="*", default=WAYS, choices=WAYS)
    parser.add_argument("--mesh", type=Path, help="Python of an environment with mediapipe")
    parser.add_argument("--wish", default="")
    parser.add_argument("--real", nargs="*", default=(), type=Path)
    parser.add_argument("--sheets", action="store_true")
    o = parser.parse_args()
    cv2.setNumThreads(1)
    options = Options(o.clips, tuple(o.only), tuple(o.by), o.mesh, o.wish, o.sheets)
    json.dump(run(options, o.real), sys.stdout, indent=2)
    print()


def run(options: Options, real: Sequence[Path] = ()) -> dict[str, Any]:
    """All measurements."""
    out: dict[str, Any] = {
        "truth": TRUTH,
        "mesh": "mediapipe with attention" if options.mesh else "our own, without attention",
        "wish": options.wish,
    }
    for way in options.by:
        rows = [row for name in options.only for row in _portrait(name, way, options)]
        out[way] = summed(rows) | {"clips": rows}
    if real:
        out["real"] = {path.name: list(_recorded(path, options.mesh)) for path in real}
    return out


def summed(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over clips, and how close they are to the truth."""
    means = {name: float(np.nanmean([row[name] for row in rows])) for name in TRUTH}
    return {
        "mean": {name: round(value, 5) for name, value in means.items()},
        "score": {
            name: round(landmark_measures.score(value, TRUTH[name]), 3)
            for name, value in means.items()
        },
    }


def _portrait(name: str, way: str, options: Options) -> Iterator[dict[str, Any]]:
    one = next(portrait for portrait in PORTRAITS if portrait.name == name)
    made = avatar(one, OUT / "avatars")
    rows = Rows(OUT / "lively", one.content(), str(options.mesh))
    number = list(WHO).index(name)
    spoken = (
        clips.written(WHO[name], number * options.clips, options.clips)
        if way == "phonemes"
        else clips.recorded(number, options.clips)
    )
    for k, clip in enumerate(spoken):
        print(f"  {name} from {way}: {k + 1} of {options.clips}", file=sys.stderr, flush=True)
        states = performed(clip, number * 100 + k, clips.AHEAD[way], options.wish)
        if options.sheets and k == 0:
            title = "-".join(filter(None, ("lively", name, way, options.wish)))
            _sheet(list(_pictures(made, states)), OUT / f"{title}.png")
        found = rows.of(clip, states, partial(_read, made, clip, states, options.mesh))
        yield {"portrait": name, "who": clip.who} | {k: round(v, 5) for k, v in found.items()}


def _read(
    made: Avatar, clip: clips.Spoken, states: Sequence[FaceState], mesh: Path | None
) -> dict[str, float]:
    """One clip drawn and measured."""
    pictures = list(_pictures(made, states))
    speech = clips.voiced(clip.sound, FPS, len(pictures))
    points = meshes.points(pictures, mesh)
    return landmark_measures.measured(Seen(points, FPS, clip.sound, PLAY_RATE, speech))


class Rows:
    """Figures of one portrait's clips, kept by what makes their pictures: the portrait, every
    state, the sound, the mesh and the code that draws and reads. So a run that was broken off goes
    on where it stopped, and one after a change draws what the change moved."""

    def __init__(self, folder: Path, portrait: bytes, mesh: str) -> None:
        self._folder = folder
        self._all = hashlib.sha256(portrait + mesh.encode())
        for source in SOURCES:
            self._all.update(source.read_bytes())

    def of(
        self,
        clip: clips.Spoken,
        states: Iterable[FaceState],
        measure: Callable[[], dict[str, float]],
    ) -> dict[str, float]:
        """The kept row of a clip, or what `measure` says, kept."""
        digest = self._all.copy()
        digest.update(clip.sound.tobytes())
        for s in states:
            torso = s.pose if s.torso is None else s.torso
            parts = (s.coefficients, s.pose, s.gaze, torso, np.array([s.breath, s.hair]))
            digest.update(b"".join(part.tobytes() for part in parts))
        path = self._folder / f"{digest.hexdigest()[:24]}.json"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(measure()))
        return dict(json.loads(path.read_text()))


def performed(
    clip: clips.Spoken, seed: int, ahead: int = clips.AHEAD["sound"], wish: str = ""
) -> list[FaceState]:
    """Every state while a clip sounds, each piece told `ahead` samples before its sound."""
    motion = VisemeMotion(seed)
    motion.attend(0, "speaking")
    bearing = demeanour(wish)
    motion.feel(0, bearing.affect, bearing.expression)
    waiting, states = list(clip.pieces), []
    for at in range(0, clip.start + len(clip.sound), FRAME):
        while waiting and at >= waiting[0][0] - ahead:
            motion.speak(*waiting.pop(0))
        if at >= clip.start:
            states.append(motion.state(at))
        else:
            motion.state(at)
    return states


def demeanour(wish: str) -> Demeanour:
    """Of a wish in words of the table."""
    if not wish:
        return Demeanour()
    return ActiveStyles().directed(Director().literal(wish)).demeanour


# --- pictures -------------------------------------------------------------------------------------


def _pictures(made: Avatar, states: Iterable[FaceState]) -> Iterator[meshes.Rgb]:
    """(SIDE, SIDE, 3) each, cut as the measured data are."""
    scene = build(made, DRAWN, DRAWN)
    still = as_rgb(draw(scene, FaceState()))
    cut = _cut(lm.find_landmarks(still, lm.detect(still)[0]).points)
    for state in states:
        yield _warped(as_rgb(draw(scene, state)), cut)


def _cut(points: lm.Floats) -> meshes.Floats:
    """(2, 3): from px of the picture to px of the cut, in which the eyes are EYES apart."""
    right, left = (points[k, :2] for k in landmark_measures.CORNERS)
    scale = SIDE * EYES / float(np.linalg.norm(left - right))
    mouth = points[[13, 14], :2].mean(0)
    middle = ((right + left) / 2 + mouth) / 2
    shift = SIDE * np.array([0.5, MIDDLE]) - scale * middle
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)


def _warped(picture: meshes.Rgb, cut: meshes.Floats) -> meshes.Rgb:
    small = float(cut[0, 0])
    soft = cv2.GaussianBlur(picture, (0, 0), 0.4 / small) if small < 0.75 else picture
    warped = cv2.warpAffine(soft, cut, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)


def _sheet(pictures: Sequence[meshes.Rgb], path: Path) -> None:
    """Pictures in a row of rows, evenly taken from the middle of a clip."""
    first = len(pictures) // 3
    chosen = pictures[first : first + 3 * SHEET : 3]
    rows = [np.hstack(chosen[k : k + SHEET // 2]) for k in range(0, len(chosen), SHEET // 2)]
    cv2.imwrite(str(path), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))


# --- people ---------------------------------------------------------------------------------------


def _recorded(path: Path, mesh: Path | None, seconds: int = 16) -> Iterator[dict[str, Any]]:
    """A video in stretches of that length, cut to the face."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        fps = float(stream.average_rate or FPS)
        frames = [np.asarray(f.to_ndarray(format="rgb24"), np.uint8) for f in file.decode(video=0)]
    found = next((f for f in map(lm.detect, frames[:50]) if f), None)
    if found is None:
        yield {"fault": "no face in the first 50 pictures"}
        return
    cut = _cut(lm.find_landmarks(frames[0], found[0]).points)
    sound = clips.track(path)
    step = int(seconds * fps)
    for first in range(0, len(frames) - step // 2, step):
        pictures = [_warped(frame, cut) for frame in frames[first : first + step]]
        points = meshes.points(pictures, mesh)
        part = sound[int(first / fps * PLAY_RATE) :][: int(len(pictures) / fps * PLAY_RATE)]
        speech = clips.voiced(part, fps, len(points)) if part.any() else np.zeros(len(points), bool)
        clip = Seen(points, fps, part, PLAY_RATE, speech)
        row = landmark_measures.measured(clip)
        if not part.any():  # silence of the recording, not of the person
            row |= {"silent_lips": float("nan"), "lip_sync": float("nan")}
        yield {name: round(value, 5) for name, value in row.items()}


if __name__ == "__main__":
    main()
