"""A clip's pictures, decoded when they are drawn: each reader goes on where it was.

What is held is bounded, whoever draws how many sessions: MOST decoders of a few pictures each.
"""

from __future__ import annotations

import threading
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from visavis.models.avatar.clip import KEY_EVERY, Clip
from visavis.models.errors import AvatarError

Bytes = npt.NDArray[np.uint8]

MOST: Final = 24  # decoders at once; sessions of one face beyond that pay a seek a picture
_RECENT: Final = 4  # pictures kept as they are: a mouth is drawn over the one before


class Reel:
    """For any number of threads."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._starts = np.concatenate([[0], np.cumsum(clip.packets, dtype=np.int64)])
        self._free: list[_Cursor] = []  # the one used last at the end
        self._recent: dict[int, Bytes] = {}
        self._lock = threading.Lock()

    def picture(self, number: int) -> Bytes:
        """(side * 3 // 2, side) I420, not to be written to. Raises AvatarError."""
        with self._lock:
            found = self._recent.get(number)
            if found is not None:
                return found
            cursor = self._take(number)
        try:
            image = cursor.to(number)
        except _Damaged:
            raise AvatarError("avatar-invalid", "The avatar's clip cannot be decoded.") from None
        with self._lock:
            self._free.append(cursor)
            del self._free[:-MOST]
            while len(self._recent) >= _RECENT:
                del self._recent[next(iter(self._recent))]
            self._recent[number] = image
        return image

    def _take(self, number: int) -> _Cursor:
        """The reader that is nearest before a picture, or one that nobody has used for longest."""
        best: _Cursor | None = None
        for cursor in self._free:
            ahead = number - cursor.next
            if 0 <= ahead < KEY_EVERY and (best is None or ahead < number - best.next):
                best = cursor
        if best is None and len(self._free) >= MOST:
            best = self._free[0]
        if best is None:
            return _Cursor(self._clip, self._starts)
        self._free.remove(best)
        return best


class _Damaged(Exception):
    """A stream that does not hold what its avatar says."""


class _Cursor:
    """One decoder. next: the picture that it decodes next."""

    def __init__(self, clip: Clip, starts: npt.NDArray[np.int64]) -> None:
        self._clip, self._starts = clip, starts
        self._decoder: Any = None
        self.next = -1

    def to(self, number: int) -> Bytes:
        """Decode on to a picture, from its key where that is nearer. Raises _Damaged."""
        import av  # a process that draws no clip needs no FFmpeg

        key = number - number % KEY_EVERY
        if self._decoder is None or not key <= self.next <= number:
            self._decoder = av.CodecContext.create("h264", "r")
            self._decoder.thread_count = 1
            self.next = key
        image: Bytes | None = None
        try:
            while self.next <= number:
                image = self._decoded(av, self.next)
                self.next += 1
        except av.FFmpegError as error:
            self._decoder = None
            raise _Damaged from error
        except _Damaged:
            self._decoder = None
            raise
        assert image is not None
        return image

    def _decoded(self, av: Any, number: int) -> Bytes:
        first, last = self._starts[number], self._starts[number + 1]
        frames = self._decoder.decode(av.Packet(self._clip.stream[first:last]))
        side = self._clip.side
        if len(frames) != 1 or (frames[0].width, frames[0].height) != (side, side):
            raise _Damaged
        if frames[0].format.name != "yuv420p":
            raise _Damaged
        return np.asarray(frames[0].to_ndarray(), np.uint8)
