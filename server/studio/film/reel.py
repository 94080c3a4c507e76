"""What of a film is there in order: groups of pictures, and its sound in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Self

import numpy as np

from visavis.engines.base import Pcm
from visavis.server.studio.film.groups import FPS, Coding
from visavis.server.studio.film.joining import Shot
from visavis.server.studio.layers.cues import Said


class Reel:
    """sound: a file for it, of (samples,) int16; in a file, for an hour of it is 350 MB."""

    def __init__(self, sound: Path) -> None:
        self._path = sound
        self._file = sound.open("wb")
        self._shot: dict[Coding, list[tuple[Future[Path], int]]] = {}
        self.notes: list[str] = []
        self.pictures = 0
        self.words: list[Said] = []
        self.scenes: list[tuple[str, str]] = []

    def begin(self, title: str, words: Sequence[Said]) -> None:
        """The next scene; its words with their times from its beginning."""
        at = self.pictures / FPS
        self.words += [Said(word.text, word.begin + at, word.end + at) for word in words]
        self.scenes.append((title, " ".join(word.text for word in words)))

    def add(self, shot: Mapping[Coding, Future[Path]], pictures: int, sound: Pcm) -> None:
        """The next group in each coding, and what is heard with it. Raises OSError."""
        for coding, future in shot.items():
            self._shot.setdefault(coding, []).append((future, pictures))
        self.pictures += pictures
        self._file.write(sound.tobytes())

    @property
    def under_way(self) -> list[Future[Path]]:
        """All groups, whether they are there or not."""
        return [future for shots in self._shot.values() for future, _ in shots]

    @property
    def shots(self) -> dict[Coding, list[Shot]]:
        """Groups in order, once they are there. Raises what shooting them raised."""
        return {
            coding: [Shot(future.result(), pictures) for future, pictures in shots]
            for coding, shots in self._shot.items()
        }

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
