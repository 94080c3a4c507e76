"""What a film's picture takes beside its face: every layout, at 720 and at 1080 lines."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import av
import numpy as np
from PIL import Image

from visavis.engines import load
from visavis.engines.base import FaceState
from visavis.models.avatar.file import SHIPPED, Avatar, load_avatar
from visavis.server.studio.document.project import (
    Aspect,
    Background,
    Beside,
    Frame,
    LowerThird,
    Project,
    Scene,
)
from visavis.server.studio.layers.composition import Composition
from visavis.server.studio.layers.cues import Cue

PICTURES: Final = 60
_ALL: Final = Scene(
    "all", title="Three things to know", lower_third=LowerThird("Mira Halvorsen", "Host")
)
_SEA: Final = Background("video", "sea.mp4")
_CUES: Final = [Cue(0, 20, ("Breakfast is served from half past six", "until ten."))]
CASES: Final[list[tuple[str, Aspect, Scene, list[Cue]]]] = [
    ("own", "1:1", Scene("a"), []),
    ("own", "16:9", Scene("a"), []),
    ("colour", "16:9", Scene("a", background=Background("colour", "#0b3d5c")), []),
    ("all, beside", "16:9", replace(_ALL, beside=Beside("slide.png")), _CUES),
    ("all, transparent", "16:9", replace(_ALL, background=Background("transparent")), _CUES),
    ("all", "9:16", _ALL, _CUES),
    ("video", "16:9", Scene("a", background=_SEA), []),
    ("video, title", "16:9", Scene("a", title="The sea", background=_SEA), []),
]  # fmt: skip


def main() -> None:
    """Print JSON."""
    avatar = load_avatar(SHIPPED / "mira.avatar")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        Image.new("RGB", (1600, 900), (240, 240, 240)).save(folder / "slide.png")
        _film(folder / "sea.mp4")
        rows = [
            _measured(avatar, folder, Frame(aspect, lines), name, scene, cues)
            for lines in (720, 1080)
            for name, aspect, scene, cues in CASES
        ]
    print(json.dumps({"pictures": PICTURES, "rows": rows}))


def _measured(
    avatar: Avatar, folder: Path, frame: Frame, name: str, scene: Scene, cues: list[Cue]
) -> dict[str, object]:
    project = Project(scenes=(scene,), frame=frame, subtitles=bool(cues))
    began = time.perf_counter()
    whole = Composition(project, scene, folder, frame.size, avatar, seconds=20, cues=cues)
    put_up = time.perf_counter() - began
    wanted = whole.face
    drawn = load.drawing(replace(avatar, backdrop=wanted.backdrop), wanted.width, wanted.height)
    face = drawn(FaceState())
    whole.frame(face, 2)  # compiled, and subtitles drawn
    began, used = time.perf_counter(), time.process_time()
    for number in range(PICTURES):
        whole.frame(face, 2 + number / 25)
    took, used = time.perf_counter() - began, time.process_time() - used
    whole.close()
    return {
        "layers": name, "aspect": frame.aspect, "lines": frame.lines,
        "face": [wanted.width, wanted.height], "put_up_ms": round(1000 * put_up, 1),
        "ms": round(1000 * took / PICTURES, 2), "cpu_ms": round(1000 * used / PICTURES, 2),
    }  # fmt: skip


def _film(path: Path) -> None:
    """Four seconds of 1080p in which waves go by."""
    rows, columns = np.mgrid[:1080, :1920]
    waves = (128 + 60 * np.sin(columns / 170) + 50 * np.cos(rows / 140)).astype(np.uint8)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        for number in range(100):
            image = np.full((1620, 1920), 128, np.uint8)
            image[:1080] = np.roll(waves, 3 * number, 1)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="yuv420p")))
        file.mux(stream.encode())


if __name__ == "__main__":
    main()
