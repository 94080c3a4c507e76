"""A clip of the person in an avatar: pictures of a loop as one coded stream, and where the face is.

A picture's number counts at FPS from the loop's first; after the last one comes the first again.
The stream is decoded by whoever draws, just in time. What lies in a file is checked here as far as
numbers go; `models.warp.reel` holds the decoder to the size that stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Arrays = dict[str, npt.NDArray[Any]]

FPS: Final = 25  # pictures a second
KEY_EVERY: Final = 12  # pictures; what a seek decodes at most
SIDES: Final = (256, 1024)  # px
FEWEST: Final = 2 * FPS  # pictures of a loop
MOST: Final = 40 * FPS
LONGEST: Final = 8 * 1024 * 1024  # bytes of a stream
BENDS: Final = 40  # nodes each way at most
BEND_STEPS: Final = 64  # a px, as they are stored
MOST_BEND: Final = 100.0  # px
_PREFIX: Final = "clip/"


@dataclass(frozen=True, slots=True)
class Clip:
    """side: px of its square pictures, each of which shows the portrait's whole frame.

    stream: H.264 in Annex B, one packet a picture without reordering, packets (n,): their bytes;
    every KEY_EVERY-th is a key. cameras (n, 2, 4): from the portrait (x, y, z in px of its frame,
    and 1) to px of the frame in that picture, for what is rigid; bends (n, h, w, 2): what comes on
    top, px, at nodes `pitch` px apart from the portrait's position `corner` on. hold (H, W) in
    [0, 1]: how far the base's nodes take part in what the rig's units do; 0 where the clip alone is
    seen.
    """

    side: int
    stream: bytes
    packets: Ints
    cameras: Floats
    bends: Floats
    corner: tuple[float, float]
    pitch: float
    hold: Floats

    @property
    def count(self) -> int:
        """Pictures of the loop."""
        return len(self.packets)

    def number(self, elapsed: float) -> int:
        """The picture `elapsed` s after the loop began first."""
        return round(elapsed * FPS) % self.count


def pack(clip: Clip, arrays: Arrays) -> dict[str, Any]:
    """Its arrays into `arrays`; the small numbers for the manifest."""
    steps = np.round(clip.bends * BEND_STEPS)
    arrays[f"{_PREFIX}packets"] = clip.packets.astype(np.int32)
    arrays[f"{_PREFIX}cameras"] = np.ascontiguousarray(clip.cameras, np.float32)
    arrays[f"{_PREFIX}bends"] = np.ascontiguousarray(np.diff(steps, axis=0, prepend=0), np.int16)
    arrays[f"{_PREFIX}hold"] = np.ascontiguousarray(clip.hold, np.float16)
    return {"side": clip.side, "corner": list(clip.corner), "pitch": clip.pitch}


def unpack(arrays: Arrays, stream: bytes, side: int, place: tuple[float, float, float]) -> Clip:
    """As `pack` made it; place: corner and pitch. Raises ValueError, which says what is wrong."""
    packets = _array(arrays, "packets", np.int32, 1)
    count = len(packets)
    if not FEWEST <= count <= MOST:
        raise ValueError(f"{count} pictures")
    if packets.min() < 1 or packets.sum(dtype=np.int64) != len(stream):
        raise ValueError("packets do not make up the stream")
    cameras = _array(arrays, "cameras", np.float32, 3)
    steps = _array(arrays, "bends", np.int16, 4)
    hold = _array(arrays, "hold", np.float16, 2).astype(np.float32)
    if cameras.shape != (count, 2, 4) or len(steps) != count or steps.shape[3] != 2:
        raise ValueError("arrays differ in length")
    if not all(2 <= n <= BENDS for n in steps.shape[1:3]):
        raise ValueError("the bends have the wrong shape")
    bends = steps.astype(np.float32).cumsum(0) * np.float32(1 / BEND_STEPS)
    turns, shifts = cameras[..., :3], cameras[..., 3]
    finite = np.isfinite(cameras).all() and np.isfinite(hold).all()
    if not finite or np.abs(turns).max() > 4 or np.abs(shifts).max() > 8192:
        raise ValueError("a camera is out of range")
    if np.abs(bends).max() > MOST_BEND or hold.min() < 0 or hold.max() > 1:
        raise ValueError("bends or hold are out of range")
    return Clip(side, stream, packets, cameras, bends, place[:2], place[2], hold)


def _array(arrays: Arrays, name: str, kind: type[np.generic], dimensions: int) -> npt.NDArray[Any]:
    array = arrays.get(f"{_PREFIX}{name}")
    if array is None or array.dtype != kind or array.ndim != dimensions or not array.size:
        raise ValueError(f"{name} is missing or of the wrong type")
    return array
