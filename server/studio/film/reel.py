"""What of a film is there in order: groups of pictures, and its sound in a file."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Final, Self

import numpy as np

from visavis.engines.base import Pcm

BLOCK: Final = 48_000  # samples that are read at once


class Reel:
    """sound: a file for it, of (samples,) int16; in a file, for an hour of it is 350 MB."""

    def __init__(self, sound: Path) -> None:
        self._path = sound
        self._file = sound.open("wb")
        self.shot: list[tuple[Future[Path], int]] = []
        self.notes: list[str] = []
        self.pictures = 0

    def add(self, shot: Future[Path], pictures: int, sound: Pcm) -> None:
        """The next group, and what is heard with it. Raises OSError."""
        self.shot.append((shot, pictures))
        self.pictures += pictures
        self._file.write(sound.tobytes())

    def groups(self) -> Iterator[tuple[Path, int]]:
        """In order. Raises what shooting them raised."""
        for future, pictures in self.shot:
            yield future.result(), pictures

    def sound(self) -> Pcm:
        """All of it, read as it is looked at. Raises OSError."""
        self._file.flush()
        if not self._file.tell():
            return np.zeros(0, np.int16)
        return np.memmap(self._path, np.int16, "r")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
