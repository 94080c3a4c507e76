"""What a machine with a GPU is given: avatars as the device holds them, states, and the pictures
that the CPU draws of them; the exported graph, where there is time for it.

`python -m bench.gpu.bundle -o out/gpu` writes it where visavis is installed; 64 MiB at most.
"""

from __future__ import annotations

import argparse
import json
import lzma
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

MOST: Final = 64 << 20  # bytes
_SEED: Final = 12
_EXPORT: Final = "graph.onnx"
_REFINER: Final = "refiner.xz"


@dataclass(frozen=True, slots=True)
class Bundle:
    """avatars: arrays of the bank by name. slots, rows: of each picture. expected: the CPU's."""

    width: int
    height: int
    commit: str
    avatars: list[dict[str, Array]]
    slots: Array
    rows: Array
    expected: Array
    onnx: bytes
    refiner: dict[str, Array]  # its weights by name; empty: the graph has none

    @property
    def refine(self) -> bool:
        """Whether the refiner is in the graph."""
        return bool(self.refiner)


def write(
    folder: Path,
    size: tuple[int, int],
    avatars: int,
    states: int,
    export: bool,
    refine: bool = False,
) -> int:
    """Its bytes. states: pictures of each avatar."""
    from visavis.engines import load
    from visavis.engines.base import FaceState, draw_one
    from visavis.engines.render import posing
    from visavis.engines.render.warp import WarpGenerator
    from visavis.models.avatar.file import load_avatar
    from visavis.models.graph import packing
    from visavis.models.graph.refining import shipped
    from visavis.models.graph.spec import Spec
    from visavis.models.refine.windows import places
    from visavis.models.warp.scene import Scene

    folder.mkdir(parents=True, exist_ok=True)
    spec, warp = Spec(*size, refine), WarpGenerator(*size)
    sure, refiner = load.refined(warp) if refine else warp, shipped(spec)
    random = np.random.default_rng(_SEED)
    slots, rows, pictures = [], [], []
    for slot, path in enumerate(_paths(avatars)):
        avatar = load_avatar(path)
        puppet, scene = sure.prepare(avatar), warp.prepare(avatar)
        assert isinstance(scene, Scene)
        _store(folder / f"avatar-{slot}.xz", packing.packed(scene, spec))
        neutral = draw_one(sure, puppet, FaceState())
        for n in range(states):
            state = _state(random) if n else FaceState()
            drawn = draw_one(sure, puppet, state)
            told = posing.controls(state), posing.view(scene.body, state.pose)
            rows.append(
                packing.refined_row(scene, places(scene), *told, state.pose)
                if refine
                else packing.row(scene, *told)
            )
            slots.append(slot)
            pictures.append(drawn - neutral if n else drawn)  # modulo 256: the next one undoes it
    arrays = {
        "slots": np.array(slots, np.int32),
        "rows": np.stack(rows),
        "pictures": np.stack(pictures),
    }
    _store(folder / "states.xz", arrays)
    if export:
        from visavis.models.graph.export import onnx_bytes

        (folder / _EXPORT).write_bytes(onnx_bytes(spec, refiner))
    if refiner is not None:
        weights = {name: value.numpy() for name, value in refiner.network.state_dict().items()}
        _store(folder / _REFINER, weights)
    facts = {"width": size[0], "height": size[1], "avatars": avatars, "commit": _commit()}
    (folder / "bundle.json").write_text(json.dumps(facts))
    return sum(path.stat().st_size for path in folder.iterdir())


def read(folder: Path) -> Bundle:
    """Needs numpy alone."""
    facts = json.loads((folder / "bundle.json").read_text())
    states = _load(folder / "states.xz")
    pictures, slots = states["pictures"].copy(), states["slots"]
    for slot in range(facts["avatars"]):
        first, *others = np.flatnonzero(slots == slot)
        for n in others:
            pictures[n] += pictures[first]
    onnx, refiner = folder / _EXPORT, folder / _REFINER
    return Bundle(
        facts["width"], facts["height"], facts["commit"],
        [_load(folder / f"avatar-{n}.xz") for n in range(facts["avatars"])],
        slots, states["rows"], pictures, onnx.read_bytes() if onnx.exists() else b"",
        _load(refiner) if refiner.exists() else {},
    )  # fmt: skip


def _state(random: np.random.Generator) -> Any:
    """A face in the middle of something: a few units at once, turned as far as faces turn."""
    from visavis.engines.base import FaceState
    from visavis.models import arkit

    units = random.uniform(0, 1, arkit.COUNT) * (random.uniform(0, 1, arkit.COUNT) < 0.15)
    spread = np.array([9, 6, 4, 0.06, 0.04, 0.06])
    pose = np.clip(random.standard_normal(6), -2, 2) * spread
    gaze = np.clip(random.standard_normal(2), -2, 2) * (8, 5)
    kind = np.float32
    return FaceState(units.astype(kind), pose.astype(kind), gaze.astype(kind), random.uniform(0, 1))


def _paths(count: int) -> list[Path]:
    """Shipped avatars, again and again if there are fewer."""
    from visavis.models.avatar.file import SHIPPED

    found = sorted(SHIPPED.glob("*.avatar"))
    return [found[n % len(found)] for n in range(count)]


def _store(path: Path, arrays: dict[str, Array]) -> None:
    """Bytes as bytes: most of a bank's half floats hold what fits into one."""
    head, parts = [], []
    for name, array in arrays.items():
        small = array.astype(np.uint8) if array.dtype == np.float16 else array
        kept = small if np.array_equal(small.astype(array.dtype), array) else array
        head.append((name, str(array.dtype), str(kept.dtype), array.shape))
        parts.append(np.ascontiguousarray(kept).tobytes())
    with lzma.open(path, "wb", preset=2) as file:
        file.write(json.dumps(head).encode() + b"\n" + b"".join(parts))


def _load(path: Path) -> dict[str, Array]:
    out = {}
    with lzma.open(path) as file:
        for name, dtype, kept, shape in json.loads(file.readline()):
            size = int(np.prod(shape)) * np.dtype(kept).itemsize
            out[name] = np.frombuffer(file.read(size), kept).reshape(shape).astype(dtype)
    return out


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def main() -> int:
    """Write one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--size", default="512x512")
    parser.add_argument("--avatars", type=int, default=4)
    parser.add_argument("--states", type=int, default=16)
    parser.add_argument("--refine", action="store_true", help="with the refiner in the graph")
    parser.add_argument("--no-onnx", action="store_true", help="leave out the exported graph")
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    size = write(
        options.output,
        (width, height),
        options.avatars,
        options.states,
        not options.no_onnx,
        options.refine,
    )
    print(f"{options.output}: {size / 1e6:.1f} MB")
    return size > MOST


if __name__ == "__main__":
    raise SystemExit(main())
